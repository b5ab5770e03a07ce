"""Encoder, global norm and 1 x 1 convolution in one small matrix: the fast path on every device."""

import torch
import torch.nn.functional as F
from torch import nn

from sedsep.nnet.norms import EPS, LayerNorm


def compress(frames: torch.Tensor, encoder: torch.Tensor, norm: LayerNorm, bottleneck: nn.Linear) -> torch.Tensor:
    """``bottleneck(norm(frames @ encoder'))`` with a global norm: ``(B, L, kernel)`` -> ``(B, L, bottleneck)``.

    The three are linear but for the two statistics of the norm, and those follow from the mean and the correlation
    of the frames. So one small matrix does the work, and the latent frames need not exist.

    Args:
        encoder: filters ``(n_filters, kernel)``.
    """
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
