"""Signal-to-distortion losses: SNR, SI-SDR and SD-SDR, plain or with a threshold, of every pair of signals.

Sources: Le Roux et al., "SDR - half-baked or well done?", ICASSP 2019; Wisdom et al., "Unsupervised sound
separation using mixture invariant training", NeurIPS 2020 (threshold). In a pairwise matrix ``(B, N, N)``
dimension 1 is the estimate and dimension 2 the reference, always.
"""

from typing import Literal

import torch

EPS = 1e-8


class Products:
    """Energies and inner products of estimates ``(B, N, T)`` and references ``(B, N', T)``, in double precision.

    Every loss below is a function of these, so that no signal of ``N N' T`` samples exists; double precision keeps
    the small difference of two nearly equal signals.

    Attributes:
        estimate ``(B, N, 1)`` and reference ``(B, 1, N')`` energies, inner ``(B, N, N')`` products,
        noise ``(B, N, N')``: energy of the difference.
    """

    def __init__(self, estimates: torch.Tensor, references: torch.Tensor, zero_mean: bool = False):
        assert estimates.ndim == references.ndim == 3, (estimates.shape, references.shape)
        assert estimates.shape[2] == references.shape[2], (estimates.shape, references.shape)
        estimates, references = (centred(x, zero_mean).double() for x in (estimates, references))
        self.estimate = estimates.square().sum(2).unsqueeze(2)
        self.reference = references.square().sum(2).unsqueeze(1)
        self.inner = estimates @ references.transpose(1, 2)
        self.noise = (self.estimate - 2 * self.inner + self.reference).clamp(min=0)


def pairwise_neg_sdr(
    estimates: torch.Tensor,
    references: torch.Tensor,
    kind: Literal["snr", "sisdr", "sdsdr"] = "snr",
    zero_mean: bool = False,
    eps: float = EPS,
) -> torch.Tensor:
    """Negative SNR, SI-SDR or SD-SDR in dB of every estimate ``(B, N, T)`` against every reference ``(B, N', T)``.

    ``kind`` says what counts as signal and as noise: "snr" takes the reference and the difference, "sisdr" the
    reference scaled to fit the estimate and the rest, "sdsdr" the scaled reference and the difference.

    Args:
        zero_mean: subtract the mean of every signal first (asteroid does, the equations do not).
        eps: added to the noise, and to the ratio, so that an all-zero reference gives a finite loss.

    Returns:
        ``(B, N, N')``: [clip, estimate, reference].
    """
    products = Products(estimates, references, zero_mean)
    signal, noise = products.reference, products.noise
    if kind != "snr":
        gain = products.inner / (products.reference + eps)
        signal = gain.square() * products.reference
        if kind == "sisdr":
            noise = (products.estimate - 2 * gain * products.inner + signal).clamp(min=0)
    return neg_ratio(signal, noise, eps).to(estimates.dtype)


def pairwise_log_mse(
    estimates: torch.Tensor,
    references: torch.Tensor,
    snr_max: float | None = None,
    zero_mean: bool = False,
    power: torch.Tensor | None = None,
) -> torch.Tensor:
    """Error energy in dB of every estimate against every reference: negative SNR without its constant.

    Args:
        estimates ``(B, N, T)``, references ``(B, N', T)``.
        snr_max: dB below ``power`` where a smaller error brings nearly nothing more; None for no threshold.
        power: ``(B, N')``; the energies of the references by default.

    Returns:
        ``(B, N, N')``: [clip, estimate, reference].
    """
    products = Products(estimates, references, zero_mean)
    power = products.reference if power is None else power.unsqueeze(1)
    return log_error(products.noise, power, snr_max).to(estimates.dtype)


def neg_ratio(signal: torch.Tensor, noise: torch.Tensor, eps: float = EPS) -> torch.Tensor:
    """Energies -> ``-10 log10(signal / (noise + eps) + eps)``.

    >>> neg_ratio(torch.tensor(100.0), torch.tensor(1.0))
    tensor(-20.)
    """
    return -10 * torch.log10(signal / (noise + eps) + eps)


def log_error(noise: torch.Tensor, power: torch.Tensor, snr_max: float | None = None) -> torch.Tensor:
    """Energies -> ``10 log10(noise + tau power + 1e-8)`` with ``tau = 10^(-snr_max / 10)``, 0 for None."""
    threshold = 0.0 if snr_max is None else 10 ** (-snr_max / 10)
    return 10 * torch.log10(noise + threshold * power + EPS)


def centred(x: torch.Tensor, zero_mean: bool = True) -> torch.Tensor:
    """Signals ``(..., T)`` without their means; unchanged where ``zero_mean`` is false."""
    return x - x.mean(-1, keepdim=True) if zero_mean else x
