"""Log: magnitudes in dB.

Sources: DCASE 2021 task 4 baseline (torchaudio's AmplitudeToDB, clamped); DCASE 2020 task 4 baseline (librosa's
``amplitude_to_db``: no clamp, and nothing further than 80 dB below the clip's maximum).
"""

import torch
from torch import nn

from sedsep.errors import UserError


class Log(nn.Module):
    """Magnitudes ``(B, L, F)`` -> dB ``(B, L, F)`` within limits. Of what is below zero the absolute value counts.

    Args:
        n_bands: F. floor: smallest magnitude before the logarithm. clamp_db: lower and upper limit, dB, or null.
        top_db: how far below the clip's maximum the lowest level lies at most, dB, or null.
    """

    n_maps = 1

    def __init__(
        self,
        n_bands: int,
        floor: float = 1e-5,
        clamp_db: list[float] | None = (-50.0, 80.0),
        top_db: float | None = None,
    ):
        super().__init__()
        if clamp_db is not None and (len(clamp_db) != 2 or clamp_db[0] >= clamp_db[1]):
            raise UserError(f"compression.clamp_db must be a lower and an upper level in dB, not {list(clamp_db)}")
        if top_db is not None and top_db <= 0:
            raise UserError(f"compression.top_db must be above 0 dB, not {top_db:g}")
        self.floor, self.clamp_db, self.top_db = floor, clamp_db, top_db

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """``(B, L, F)`` -> the same shape."""
        level = 20.0 * torch.log10(mel.abs().clamp(min=self.floor))
        if self.clamp_db is not None:
            level = level.clamp(*self.clamp_db)
        if self.top_db is not None:
            level = torch.maximum(level, level.amax((-2, -1), keepdim=True) - self.top_db)
        return level
