"""Masks of a Conv-TasNet on the magnitudes of a front-end, without encoder and decoder.

Source: Cornell et al., "Task-aware separation for the DCASE 2020 task 4 sound event detection and separation
challenge", DCASE 2020, section 4; spec 03, E1.b. The sizes that its text prints make 0.6 million parameters; the
3 million that it counts are those of asteroid's default widths. There is a kind for each.
"""

from typing import Literal

import torch
from torch import nn

from sedsep.config import Count, Whole
from sedsep.nnet.norms import Kind, LayerNorm
from sedsep.nnet.separators.conv_tasnet import MASKS
from sedsep.nnet.tcn import TCN

Mask = Literal["sigmoid", "relu", "softmax"]


class TextMasker(nn.Module):
    """Magnitudes ``(B, L, F)`` -> those of each source ``(B, N, L, F)``; sizes as the paper's text has them.

    Args:
        n_bands: F. n_sources: N. bottleneck, hidden, skip, conv_kernel, n_blocks, n_repeats, norm: of the TCN.
        mask: activation of the masks; softmax makes those of a point sum to one over the sources.

    >>> sum(p.numel() for p in TextMasker(n_bands=128).parameters())
    602783
    """

    def __init__(
        self,
        n_bands: int,
        n_sources: Count = 5,
        bottleneck: Count = 64,
        hidden: Count = 128,
        skip: Whole = 128,
        conv_kernel: Count = 3,
        n_blocks: Count = 5,
        n_repeats: Count = 3,
        mask: Mask = "sigmoid",
        norm: Kind = "gln",
    ):
        super().__init__()
        self.n_bands, self.n_sources, self.mask = n_bands, n_sources, mask
        self.norm = LayerNorm(n_bands, norm)
        self.bottleneck = nn.Linear(n_bands, bottleneck)
        self.tcn = TCN(bottleneck, hidden, skip, conv_kernel, n_blocks, n_repeats, norm)
        self.act = nn.PReLU()
        self.masks = nn.Linear(self.tcn.n_out, n_sources * n_bands)

    def forward(self, magnitudes: torch.Tensor) -> torch.Tensor:
        """``(B, L, F)`` -> ``(B, N, L, F)``."""
        assert magnitudes.ndim == 3 and magnitudes.shape[2] == self.n_bands, magnitudes.shape
        hidden = self.act(self.tcn(self.bottleneck(self.norm(magnitudes))))
        score = self.masks(hidden).unflatten(2, (self.n_sources, self.n_bands))  # (B, L, N, F)
        return (MASKS[self.mask](score) * magnitudes.unsqueeze(2)).transpose(1, 2)  # -> (B, N, L, F)


class CountMasker(TextMasker):
    """The same with the default widths of asteroid, which make the number of parameters that the paper counts.

    Args:
        n_bands, n_sources, bottleneck, hidden, skip, conv_kernel, n_blocks, n_repeats, mask, norm: see
            :class:`TextMasker`.

    >>> sum(p.numel() for p in CountMasker(n_bands=128).parameters())
    3121439
    """

    def __init__(
        self,
        n_bands: int,
        n_sources: Count = 5,
        bottleneck: Count = 128,
        hidden: Count = 512,
        skip: Whole = 128,
        conv_kernel: Count = 3,
        n_blocks: Count = 5,
        n_repeats: Count = 3,
        mask: Mask = "sigmoid",
        norm: Kind = "gln",
    ):
        super().__init__(n_bands, n_sources, bottleneck, hidden, skip, conv_kernel, n_blocks, n_repeats, mask, norm)
