"""Log: magnitudes in dB.

Source: DCASE 2021 task 4 baseline (torchaudio's AmplitudeToDB, clamped).
"""

import torch
from torch import nn

from sedsep.errors import UserError


class Log(nn.Module):
    """Magnitudes ``(B, L, F)`` -> dB ``(B, L, F)`` within limits.

    Args:
        n_bands: F. floor: smallest magnitude before the logarithm. clamp_db: lower and upper limit, dB.
    """

    n_maps = 1

    def __init__(self, n_bands: int, floor: float = 1e-5, clamp_db: list[float] = (-50.0, 80.0)):
        super().__init__()
        if len(clamp_db) != 2 or clamp_db[0] >= clamp_db[1]:
            raise UserError(f"compression.clamp_db must be a lower and an upper level in dB, not {list(clamp_db)}")
        self.floor, self.clamp_db = floor, tuple(clamp_db)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """``(B, L, F)`` -> the same shape."""
        return (20.0 * torch.log10(mel.clamp(min=self.floor))).clamp(*self.clamp_db)
