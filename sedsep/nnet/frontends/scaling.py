"""Scalings of compressed spectra: by the clip's own range, by statistics of the training set, or none.

Sources: DCASE 2021 task 4 baseline (per-instance min-max, in every version of its recipe and of its published
checkpoints; the signed range came with the 2024 baseline); DCASE 2020 task 4 baseline (z-score per mel band).
"""

import torch
from torch import nn


class Unscaled(nn.Module):
    """``(..., L, F)`` as it is."""

    def __init__(self, n_bands: int):
        super().__init__()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The same."""
        return x


class MinMax(nn.Module):
    """Each clip's minimum and maximum over L and F become 0 and 1; a silent clip becomes 0 throughout."""

    def __init__(self, n_bands: int):
        super().__init__()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(..., L, F)`` -> the same shape."""
        low, high = x.amin((-2, -1), keepdim=True), x.amax((-2, -1), keepdim=True)
        return (x - low) / (high - low + 1e-8)


class SignedMinMax(MinMax):
    """Each clip's minimum and maximum over L and F become -1 and 1; a silent clip becomes -1 throughout."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(..., L, F)`` -> the same shape."""
        return super().forward(x) * 2.0 - 1.0


class Dataset(nn.Module):
    """Each band has mean 0 and standard deviation 1 over the training set.

    The statistics are fitted once, before training begins, and are part of the model.

    Attributes:
        fitted: whether they are there.
    """

    def __init__(self, n_bands: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(n_bands))
        self.register_buffer("deviation", torch.ones(n_bands))
        self.register_buffer("fitted", torch.tensor(False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(..., L, F)`` -> the same shape."""
        return (x - self.mean) / (self.deviation + 1e-8)

    @torch.no_grad()
    def fit(self, spectra) -> None:
        """Take the statistics from spectra ``(..., L, F)``, one tensor after the other; sums in double precision."""
        count, total, square = 0, 0.0, 0.0
        for x in spectra:
            frames = x.reshape(-1, x.shape[-1]).double()
            count += len(frames)
            total, square = total + frames.sum(0), square + frames.square().sum(0)
        mean = total / count
        self.mean.copy_(mean)
        self.deviation.copy_((square / count - mean.square()).clamp(min=0).sqrt())
        self.fitted.fill_(True)
