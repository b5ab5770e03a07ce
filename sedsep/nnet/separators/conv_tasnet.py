"""Conv-TasNet: a learned encoder, masks estimated by a TCN, and a learned decoder.

Source: Luo & Mesgarani, "Conv-TasNet", TASLP 2019; defaults of the joint system (JSS: R=1, X=4, M=4).
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

from sedsep.nnet.encoder import encoded, filterbank, framed
from sedsep.nnet.mixture_consistency import share_out
from sedsep.nnet.norms import Kind, LayerNorm
from sedsep.nnet.tcn import TCN

MASKS = {
    "sigmoid": torch.sigmoid,
    "relu": F.relu,
    "softmax": lambda score: torch.softmax(score, dim=2),  # over the sources of (B, L, N, n_filters)
    "linear": lambda score: score,
}


class ConvTasNet(nn.Module):
    """Mixture ``(B, T)`` -> estimates ``(B, N, T)``.

    Args:
        n_sources: N. n_filters, kernel, stride: of encoder and decoder (filters, samples, samples).
        bottleneck, hidden, skip, conv_kernel, n_blocks, n_repeats, norm: of the TCN; skip 0 leaves out the skips.
        mask: activation of the masks; softmax makes those of a point sum to one over the sources.
        mixture_consistency: add an equal share of what the estimates miss of the mixture to each of them.

    >>> ConvTasNet()(torch.zeros(1, 8001)).shape
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
        n_blocks: int = 4,
        n_repeats: int = 1,
        mask: Literal["sigmoid", "relu", "softmax", "linear"] = "sigmoid",
        norm: Kind = "gln",
        mixture_consistency: bool = False,
    ):
        super().__init__()
        self.n_sources, self.n_filters, self.kernel, self.stride = n_sources, n_filters, kernel, stride
        self.mask, self.mixture_consistency = mask, mixture_consistency
        self.magnitudes = False  # of the latent frames at the norm; an extractor may want them
        self.encoder = nn.Parameter(filterbank(n_filters, kernel))
        self.decoder = nn.Parameter(filterbank(n_filters, kernel))
        self.norm = LayerNorm(n_filters, norm)
        self.bottleneck = nn.Linear(n_filters, bottleneck)
        self.tcn = TCN(bottleneck, hidden, skip, conv_kernel, n_blocks, n_repeats, norm)
        self.act = nn.PReLU()
        self.masks = nn.Linear(self.tcn.n_out, n_sources * n_filters)

    def forward(self, mixture: torch.Tensor) -> torch.Tensor:
        """``(B, T)`` -> ``(B, N, T)``. Raises UserError for a mixture that is shorter than one encoder frame."""
        frames = framed(mixture, self.kernel, self.stride)
        return self.decode(self.tcn(self.compress(frames)), frames, mixture)

    def compress(self, frames: torch.Tensor) -> torch.Tensor:
        """Frames ``(B, L, kernel)`` -> ``(B, L, bottleneck)``."""
        return self.bottleneck(self.norm(encoded(frames, self.encoder, self.magnitudes)))

    def decode(self, hidden: torch.Tensor, frames: torch.Tensor, mixture: torch.Tensor) -> torch.Tensor:
        """Output of the TCN ``(B, L, n_out)``, frames ``(B, L, kernel)``, mixture ``(B, T)`` -> ``(B, N, T)``."""
        estimates = overlap_add(self.masked(hidden, frames).transpose(1, 2), self.stride, mixture.shape[1])
        if self.mixture_consistency:
            estimates = share_out(estimates, mixture, estimates.new_full((1, self.n_sources), 1 / self.n_sources))
        return estimates

    def masked(self, hidden: torch.Tensor, frames: torch.Tensor) -> torch.Tensor:
        """``(B, L, n_out)``, frames of the mixture ``(B, L, kernel)`` -> those of each source ``(B, L, N, kernel)``."""
        score = self.masks(self.act(hidden)).unflatten(2, (self.n_sources, self.n_filters))  # (B, L, N, n_filters)
        return (MASKS[self.mask](score) * encoded(frames, self.encoder).unsqueeze(2)) @ self.decoder


def overlap_add(frames: torch.Tensor, stride: int, n_samples: int) -> torch.Tensor:
    """Frames ``(B, N, L, kernel)`` -> signals ``(B, N, n_samples)``, padded with zeros or cut on the right.

    >>> overlap_add(torch.ones(1, 1, 3, 4), 2, 9)
    tensor([[[1., 1., 2., 2., 2., 2., 1., 1., 0.]]])
    """
    kernel = frames.shape[3]
    n_parts = -(-kernel // stride)
    frames = F.pad(frames, (0, n_parts * stride - kernel))
    # Part i of every frame starts i strides later; within a part, frames do not overlap.
    parts = [F.pad(part, (0, 0, i, n_parts - 1 - i)) for i, part in enumerate(frames.split(stride, dim=3))]
    signals = sum(parts).flatten(2)  # (B, N, L + n_parts - 1, stride) -> (B, N, T')
    return F.pad(signals, (0, n_samples - signals.shape[2]))
