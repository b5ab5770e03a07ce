"""Linear: magnitudes as they are."""

import torch
from torch import nn


class Linear(nn.Module):
    """Magnitudes ``(B, L, F)`` -> the same."""

    n_maps = 1

    def __init__(self, n_bands: int):
        super().__init__()

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """``(B, L, F)`` as it is."""
        return mel
