"""Encoder: frames of a waveform -> latent frames; what separators and the enrolment encoder begin with.

Source: Luo & Mesgarani, "Conv-TasNet", TASLP 2019 (section II-A).
"""

import torch
from torch import nn

from sedsep.errors import UserError


def filterbank(n_filters: int, kernel: int) -> torch.Tensor:
    """Xavier-normal filters ``(n_filters, kernel)`` with the variance of a convolution over one input channel."""
    return nn.init.xavier_normal_(torch.empty(n_filters, 1, kernel)).squeeze(1)


def cosines(n_filters: int, kernel: int) -> torch.Tensor:
    """The first ``n_filters`` cosines of a windowed DCT-II ``(n_filters, kernel)``, the lowest frequencies first.

    All ``kernel`` of them, as encoder and as decoder with a stride of half a kernel, give back the signal.

    Raises:
        UserError: there are no more than ``kernel`` cosines.
    """
    if n_filters > kernel:
        raise UserError(f"filters: cosine has at most kernel = {kernel} filters, not {n_filters}")
    time = torch.arange(kernel) + 0.5
    basis = torch.cos(torch.pi / kernel * torch.arange(n_filters).unsqueeze(1) * time) * (2 / kernel) ** 0.5
    basis[0] *= 0.5**0.5
    return basis * torch.sin(torch.pi / kernel * time)


def framed(mixture: torch.Tensor, kernel: int, stride: int) -> torch.Tensor:
    """``(B, T)`` -> frames ``(B, L, kernel)``. Raises UserError for a mixture that is shorter than one frame."""
    assert mixture.ndim == 2, mixture.shape
    if mixture.shape[1] < kernel:
        raise UserError(f"a mixture of {mixture.shape[1]} samples is shorter than the encoder's {kernel}")
    return mixture.unfold(1, kernel, stride).contiguous()


def encoded(frames: torch.Tensor, encoder: torch.Tensor, magnitudes: bool = False) -> torch.Tensor:
    """Frames ``(..., kernel)``, filters ``(n_filters, kernel)`` -> latent frames ``(..., n_filters)``.

    With ``magnitudes`` they are the absolute values of what the filters give.
    """
    latent = frames @ encoder.t()
    return latent.abs() if magnitudes else latent
