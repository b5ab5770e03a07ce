"""Norms over a clip: the layer, and the statistics of a clip that is seen piece by piece.

Source: Luo & Mesgarani, "Conv-TasNet", TASLP 2019, for the global norm; the names of the kinds are asteroid's.
"""

from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

EPS = 1e-8
Kind = Literal["gln", "cln", "cgln", "fgln"]


class LayerNorm(nn.Module):
    """Normalisation of ``(B, L, D)`` with a gain and a bias per channel.

    Args:
        channels: D.
        kind: "gln" takes mean and variance over L and D of a clip (global), "cln" over D of each frame, "cgln" over
            D of each frame and all before it (cumulative), "fgln" over L of each channel.
    """

    def __init__(self, channels: int, kind: Kind = "gln"):
        super().__init__()
        self.kind = kind
        self.gain = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(B, L, D)`` -> the same shape."""
        if self.kind == "cln":
            return F.layer_norm(x, x.shape[2:], self.gain, self.bias, EPS)
        if self.kind == "cgln":
            mean, rate = cumulative(x)
            return torch.addcmul(self.bias, (x - mean) * rate, self.gain)
        if self.kind == "fgln":
            variance, mean = torch.var_mean(x, 1, correction=0, keepdim=True)
            return torch.addcmul(self.bias, (x - mean) * (variance + EPS).rsqrt(), self.gain)
        return torch.addcmul(self.bias, F.layer_norm(x, x.shape[1:], eps=EPS), self.gain)


def cumulative(x: torch.Tensor) -> tuple:
    """Mean and 1 / deviation ``(B, L, 1)`` over each frame of ``(B, L, D)`` and those before it.

    Sums in double precision: those of a long clip would swallow a quiet frame.
    """
    wide = x.double()
    count = torch.arange(1, x.shape[1] + 1, device=x.device, dtype=torch.double).unsqueeze(1) * x.shape[2]
    mean = wide.sum(2, keepdim=True).cumsum(1) / count
    variance = (wide.square().sum(2, keepdim=True).cumsum(1) / count - mean.square()).clamp(min=0)
    return mean.to(x.dtype), (variance + EPS).rsqrt().to(x.dtype)


class Norm(NamedTuple):
    """The global norm of one clip: mean and rate = 1 / deviation as floats, scale and shift ``(D,)``."""

    mean: float
    rate: float
    scale: torch.Tensor
    shift: torch.Tensor


class Moments:
    """Sum and sum of squares of one clip, piece by piece; the pieces add up in double precision."""

    def __init__(self, count: int = 0, total: float = 0.0, square: float = 0.0):
        self.count, self.total, self.square = count, total, square

    def add(self, piece: torch.Tensor) -> None:
        """Count in a contiguous piece."""
        flat = piece.view(-1)
        self.count += flat.numel()
        self.total += flat.sum().item()
        self.square += torch.dot(flat, flat).item()

    def norm(self, gain: torch.Tensor, bias: torch.Tensor) -> Norm:
        """The norm with these moments and the gain and bias ``(D,)``."""
        mean = self.total / self.count
        rate = (max(self.square / self.count - mean * mean, 0.0) + EPS) ** -0.5
        return Norm(mean, rate, gain * rate, bias - gain * (rate * mean))
