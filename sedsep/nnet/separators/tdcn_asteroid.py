"""TDCN++ as asteroid defines it: Conv-TasNet's blocks normalised over time, long skips, scaled residuals.

Source: asteroid's TDConvNetpp (Pariente et al., Interspeech 2020), before a learned filterbank; spec 06, H.2.
"""

from typing import Literal

import torch
from torch import nn

from sedsep.errors import UserError
from sedsep.nnet.mixture_consistency import Consistency, MixtureConsistency
from sedsep.nnet.norms import LayerNorm
from sedsep.nnet.separators.conv_tasnet import MASKS, filterbank, overlap_add
from sedsep.nnet.tcn import TCNBlock


class AsteroidTDCN(nn.Module):
    """Mixture ``(B, T)`` -> estimates ``(B, N, T)``.

    Args:
        n_sources: N. n_filters, kernel, stride: of encoder and decoder (filters, samples, samples).
        bottleneck, hidden, skip, conv_kernel, n_blocks, n_repeats: of the TCN; skip 0 masks from the residual stream.
        mask: activation of the masks. mixture_consistency: see ``MixtureConsistency``.

    >>> AsteroidTDCN(n_blocks=2, n_repeats=2)(torch.zeros(1, 8001)).shape
    torch.Size([1, 4, 8001])
    """

    def __init__(
        self,
        n_sources: int = 4,
        n_filters: int = 512,
        kernel: int = 16,
        stride: int = 8,
        bottleneck: int = 128,
        hidden: int = 512,
        skip: int = 128,
        conv_kernel: int = 3,
        n_blocks: int = 8,
        n_repeats: int = 3,
        mask: Literal["sigmoid", "relu", "softmax", "linear"] = "relu",
        mixture_consistency: Consistency = "predicted",
    ):
        super().__init__()
        self.n_sources, self.n_filters, self.kernel, self.stride = n_sources, n_filters, kernel, stride
        self.n_blocks, self.skip, self.mask = n_blocks, skip, mask
        self.encoder = nn.Parameter(filterbank(n_filters, kernel))
        self.decoder = nn.Parameter(filterbank(n_filters, kernel))
        self.norm = LayerNorm(n_filters, "fgln")
        self.bottleneck = nn.Linear(n_filters, bottleneck)
        self.blocks = nn.ModuleList(
            TCNBlock(bottleneck, hidden, skip, conv_kernel, 2**x, "fgln")
            for _ in range(n_repeats)
            for x in range(n_blocks)
        )
        self.long_skips = nn.ModuleList(nn.Linear(bottleneck, bottleneck) for _ in range(n_repeats - 1))
        decay = torch.tensor([0.9**x for x in range(1, n_blocks)])
        self.scales = nn.Parameter(decay.repeat(n_repeats, 1))  # none for a repeat's first block
        self.act = nn.PReLU()
        self.masks = nn.Linear(skip or bottleneck, n_sources * n_filters)
        self.consistency = MixtureConsistency(n_sources, skip or bottleneck, mixture_consistency, bias=True)

    def forward(self, mixture: torch.Tensor) -> torch.Tensor:
        """``(B, T)`` -> ``(B, N, T)``. Raises UserError for a mixture that is shorter than one encoder frame."""
        assert mixture.ndim == 2, mixture.shape
        if mixture.shape[1] < self.kernel:
            raise UserError(f"a mixture of {mixture.shape[1]} samples is shorter than the encoder's {self.kernel}")
        latent = mixture.unfold(1, self.kernel, self.stride) @ self.encoder.t()  # (B, L, n_filters)
        hidden = self.hidden(latent)
        frames = (self.estimate_masks(hidden) * latent.unsqueeze(2)) @ self.decoder  # (B, L, N, kernel)
        estimates = overlap_add(frames.transpose(1, 2), self.stride, mixture.shape[1])
        return self.consistency(estimates, mixture, hidden)

    def hidden(self, latent: torch.Tensor) -> torch.Tensor:
        """Coefficients ``(B, L, n_filters)`` -> sum of the skips, or residual stream, ``(B, L, D)``."""
        x = self.bottleneck(self.norm(latent))
        total, entered = 0.0, x
        for index, block in enumerate(self.blocks):
            repeat, place = divmod(index, self.n_blocks)
            if repeat and place == 0:
                x = entered = self.long_skips[repeat - 1](entered) + x
            residual, skip = block(x)
            x = x + (residual * self.scales[repeat, place - 1] if place else residual)
            total = total + skip
        return total if self.skip else x

    def estimate_masks(self, hidden: torch.Tensor) -> torch.Tensor:
        """Hidden frames ``(B, L, D)`` -> masks ``(B, L, N, n_filters)``."""
        score = self.masks(self.act(hidden)).unflatten(2, (self.n_sources, self.n_filters))
        return MASKS[self.mask](score)
