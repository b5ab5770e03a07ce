"""Encoder: frames of a waveform -> bottleneck features; what separators and the enrolment encoder begin with.

Source: Luo & Mesgarani, "Conv-TasNet", TASLP 2019 (section II-A and the head of the mask network).
"""

import torch
import torch.nn.functional as F
from torch import nn

from sedsep.errors import UserError
from sedsep.nnet.fast.block import EPS
from sedsep.nnet.tcn import LayerNorm


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


def encoded(frames: torch.Tensor, encoder: torch.Tensor, magnitudes: bool) -> torch.Tensor:
    """Frames ``(..., kernel)`` -> what the norm takes ``(..., n_filters)``."""
    latent = frames @ encoder.t()
    return latent.abs() if magnitudes else latent


def compress(
    frames: torch.Tensor, encoder: torch.Tensor, norm: LayerNorm, bottleneck: nn.Linear, magnitudes: bool = False
) -> torch.Tensor:
    """Frames ``(B, L, kernel)`` -> ``(B, L, D)``: filters ``(n_filters, kernel)``, norm, 1 x 1 convolution.

    With ``magnitudes`` the norm takes the absolute values of what the filters give.

    Without, the three are linear but for the two statistics of a global norm, and those follow from the mean and the
    correlation of the frames. So one small matrix does the work, and the latent frames need not exist.
    """
    if norm.kind != "gln" or magnitudes:
        return bottleneck(norm(encoded(frames, encoder, magnitudes)))
    wide, filters = frames.double(), encoder.double()
    correlation = wide.transpose(1, 2) @ wide / frames.shape[1]  # (B, kernel, kernel)
    mean = (wide.mean(1) @ filters.t()).mean(1)  # (B,)
    power = ((filters @ correlation) * filters).sum(2).mean(1)  # (B,)
    rate = (power - mean.square()).clamp(min=0).add(EPS).rsqrt()
    gained = bottleneck.weight * norm.gain  # (bottleneck, n_filters)
    shift = F.linear(norm.bias, bottleneck.weight, bottleneck.bias)
    shift = shift - (rate * mean).to(frames.dtype).unsqueeze(1) * gained.sum(1)  # (B, D)
    matrix = rate.to(frames.dtype).view(-1, 1, 1) * (gained @ encoder).t()  # (B, kernel, D)
    return torch.baddbmm(shift.unsqueeze(1), frames, matrix)
