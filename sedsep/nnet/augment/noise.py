"""Noise: Gaussian noise on features, by its signal-to-noise ratio.

Source: Cornell et al. 2020, section 3.2. The paper draws -30 to 10 dB, where noise drowns the features; its code draws
a linear ratio of 10 to 30 (3 to 30 for the teacher), which is 20 to 29.5 dB (9.5 to 29.5), and that is the default.
"""

from dataclasses import dataclass
from typing import Annotated

import torch

from sedsep.config import Interval


@dataclass(frozen=True)
class Noise:
    """White noise whose deviation is that of each map of the features, ``snr_db`` lower.

    Args:
        snr_db: interval in dB, uniform.
    """

    snr_db: Annotated[tuple[float, ...], Interval(-200, 200)] = (20.0, 29.5)

    def draw(self, rng, size) -> dict:
        """``{"snr_db": ..., "noise": seed}``."""
        return {"snr_db": float(rng.uniform(*self.snr_db)), "noise": int(rng.integers(2**31))}

    @staticmethod
    def apply(features, parameters) -> torch.Tensor:
        """``(..., L, F)`` -> the same shape; drawn on the CPU, so that it is the same on every device."""
        generator = torch.Generator().manual_seed(parameters["noise"])
        return noisy(features, torch.randn(features.shape, generator=generator).to(features), parameters["snr_db"])


def noisy(features, noise, snr_db: float) -> torch.Tensor:
    """Features ``(..., L, F)`` with a unit noise of their shape on them."""
    deviation = features.detach().std((-2, -1), correction=0, keepdim=True)
    return features + 10 ** (-snr_db / 20) * deviation * noise
