"""NaturalLog: the natural logarithm of magnitudes.

Source: Kong et al., TASLP 2019, and Deshmukh et al. 2021, as released.
"""

from typing import Annotated

import torch
from torch import nn

from sedsep.config import Range


class NaturalLog(nn.Module):
    """Magnitudes ``(B, L, F)`` -> ``ln(x + floor)`` of the same shape.

    Args:
        n_bands: F. floor: added to each magnitude.
    """

    n_maps = 1

    def __init__(self, n_bands: int, floor: Annotated[float, Range(1e-12)] = 1e-8):
        super().__init__()
        self.floor = floor

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """``(B, L, F)`` -> the same shape."""
        return torch.log(mel + self.floor)
