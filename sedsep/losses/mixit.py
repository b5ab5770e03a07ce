"""Mixture-invariant training: estimates of a mixture of two mixtures, each assigned to one of the two.

Source: Wisdom et al., "Unsupervised sound separation using mixture invariant training", NeurIPS 2020.
"""

import functools
import itertools
from typing import Literal

import torch

from sedsep.losses.separation import centred, log_error, neg_ratio


def mixit(
    estimates: torch.Tensor,
    mixtures: torch.Tensor,
    loss: Literal["snr", "thresholded"] = "snr",
    snr_max: float = 30.0,
    zero_mean: bool = False,
    reduction: Literal["mean", "sum"] = "mean",
) -> tuple:
    """The smallest loss over all ``2^N`` ways of adding estimates ``(B, N, T)`` up to the mixtures ``(B, 2, T)``.

    The error of every assignment follows from the inner products of estimates and mixtures, one small matrix per
    clip; the loss and its gradient are then computed from the signals at the best assignment.

    Args:
        loss: "snr" is the plain negative SNR; "thresholded" the error in dB with ``snr_max``
            (:func:`sedsep.losses.separation.log_error`), whose power is that of each mixture.
        zero_mean: subtract the mean of every signal first.
        reduction: of the losses of the two mixtures, "mean" or "sum" (eq. 6 of the joint system).

    Returns:
        loss ``(B,)``, differentiable, and assignment ``(B, 2, N)`` of zeros and ones whose columns add up to one.
        Among equals the assignment wins that gives fewer, then earlier, estimates to the first mixture.
    """
    assert mixtures.ndim == 3 and mixtures.shape[1] == 2, mixtures.shape
    assert estimates.ndim == 3 and estimates.shape[2] == mixtures.shape[2], (estimates.shape, mixtures.shape)
    score = functools.partial(log_error, snr_max=snr_max) if loss == "thresholded" else plain
    with torch.no_grad():
        assignment = best_assignment(estimates, mixtures, score, zero_mean)
    residual = torch.baddbmm(mixtures, assignment.to(estimates.dtype), estimates, alpha=-1)  # (B, 2, T)
    noise = centred(residual, zero_mean).square().sum(2)
    losses = score(noise, centred(mixtures, zero_mean).square().sum(2))  # (B, 2)
    return losses.mean(1) if reduction == "mean" else losses.sum(1), assignment


def plain(noise: torch.Tensor, power: torch.Tensor) -> torch.Tensor:
    """Negative SNR from the energies of error and mixture."""
    return neg_ratio(power, noise)


def best_assignment(estimates, mixtures, score, zero_mean: bool = False) -> torch.Tensor:
    """Estimates ``(B, N, T)``, mixtures ``(B, 2, T)`` -> assignment ``(B, 2, N)`` with the smallest sum of scores.

    Args:
        score: function of the energies of error and mixture, ``(B, 2^N, 2)`` and ``(B, 1, 2)``.
    """
    n_sources = estimates.shape[1]
    # Double precision: an energy here is a small difference of large products.
    signals = torch.cat((estimates, mixtures), 1).double()
    gram = signals @ signals.transpose(1, 2)  # (B, N + 2, N + 2)
    if zero_mean:
        sums = signals.sum(2)
        gram = gram - sums.unsqueeze(2) * sums.unsqueeze(1) / signals.shape[2]
    within, across = gram[:, :n_sources, :n_sources], gram[:, :n_sources, n_sources:]
    power = gram.diagonal(dim1=1, dim2=2)[:, None, n_sources:]  # (B, 1, 2)
    table = assignments(n_sources).to(estimates.device)  # (2^N, 2, N)
    # |x - a s|^2 = |x|^2 - 2 a (s x) + a (s s') a'
    crossing = torch.einsum("pin,bni->bpi", table, across)
    energy = torch.einsum("pin,bnm,pim->bpi", table, within, table)
    noise = (power - 2 * crossing + energy).clamp(min=0)
    return table[score(noise, power).sum(2).argmin(1)]


@functools.lru_cache(maxsize=None)
def assignments(n_sources: int) -> torch.Tensor:
    """``(2^N, 2, N)`` assignments in double precision, ordered by how many, then which, go to the first mixture.

    >>> assignments(2)[:, 0].tolist()
    [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
    """
    rows = sorted(itertools.product((1.0, 0.0), repeat=n_sources), key=sum)
    first = torch.tensor(rows, dtype=torch.double)
    return torch.stack((first, 1 - first), 1)
