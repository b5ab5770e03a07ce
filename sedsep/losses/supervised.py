"""Supervised separation: PIT on stems, with a choice of what an all-zero reference asks for.

Source of the "google" rule: the FUSS baseline, Wisdom et al., "What's all the FUSS about free universal sound
separation data?", ICASSP 2021.
"""

from typing import Literal

import torch

from sedsep.losses.pit import pit, reorder
from sedsep.losses.separation import centred, log_error, pairwise_log_mse, pairwise_neg_sdr

ACTIVE_RMS = 1e-8
ACTIVE_SNR_MAX, ZERO_SNR_MAX = 30.0, 20.0


def supervised(
    estimates: torch.Tensor,
    references: torch.Tensor,
    kind: Literal["snr", "sisdr", "sdsdr"] = "snr",
    zero_targets: Literal["plain", "google"] = "plain",
    zero_mean: bool = False,
    reduction: Literal["mean", "sum"] = "mean",
    groups=None,
) -> tuple:
    """Loss and permutation of estimates ``(B, N, T)`` and references ``(B, N, T)`` that add up to the mixture.

    Args:
        kind: see :func:`sedsep.losses.separation.pairwise_neg_sdr`; "google" has its own loss and ignores it.
        zero_targets: "plain" applies ``kind`` to all-zero references too, where it is constant and pushes nothing
            to silence. "google" matches by error energy, then takes the error in dB with thresholds:
            30 dB under an active reference, 20 dB under the mixture for a reference of zeros.
        zero_mean: subtract the mean of every signal first. reduction: of the losses of a clip's sources.
        groups: see :func:`sedsep.losses.pit.pit`.

    Returns:
        loss ``(B,)``, differentiable, and permutation ``(B, N)``: the estimate that belongs to each reference.
    """
    if zero_targets == "plain":
        return pit(pairwise_neg_sdr(estimates, references, kind, zero_mean), reduction, groups)
    with torch.no_grad():
        _, permutation = pit(pairwise_log_mse(estimates, references, zero_mean=zero_mean), groups=groups)
    noise = energy(reorder(estimates, permutation) - references, zero_mean)  # (B, N)
    mixture = energy(references.sum(1, keepdim=True), zero_mean)  # (B, 1)
    losses = torch.where(
        references.square().mean(2).sqrt() > ACTIVE_RMS,
        log_error(noise, energy(references, zero_mean), ACTIVE_SNR_MAX),
        log_error(noise, mixture, ZERO_SNR_MAX),
    )
    return losses.mean(1) if reduction == "mean" else losses.sum(1), permutation


def energy(x: torch.Tensor, zero_mean: bool) -> torch.Tensor:
    """Signals ``(B, N, T)`` -> energies ``(B, N)``, without the mean where asked."""
    return centred(x, zero_mean).square().sum(2)
