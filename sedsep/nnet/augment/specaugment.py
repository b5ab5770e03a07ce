"""SpecAugment: frames and bands masked out.

Source: Park et al. 2019, without warping; numbers and widths of Cornell et al. 2020, whose code has the axes the wrong
way round (there the few masks cut frames, the many cut bands) and fills with 0, on dB a loud sound (spec 02, D.d).
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch

from sedsep.config import Interval, Whole


@dataclass(frozen=True)
class SpecAugment:
    """A number of masks over whole frames and of masks over whole bands, each at a place of its own.

    Args:
        frame_masks, band_masks: intervals of their numbers, uniform. frame_width, band_width: widths are uniform on
            the whole numbers below.
        fill: what stands in a mask: "silence" is each map's minimum, "mean" its mean, "zero" 0. The released code is
            ``frame_masks: [2, 5], frame_width: 2, band_masks: [5, 10], band_width: 3, fill: zero``.
    """

    frame_masks: Annotated[tuple[int, ...], Interval(0, 1000)] = (5, 10)
    frame_width: Whole = 3
    band_masks: Annotated[tuple[int, ...], Interval(0, 1000)] = (2, 5)
    band_width: Whole = 2
    fill: Literal["silence", "mean", "zero"] = "silence"

    def draw(self, rng, size) -> dict:
        """``{"frames": [[width, first], ...], "bands": the same, "fill": ...}``."""
        n_frames, n_bands = size
        frames = _masks(rng, self.frame_masks, self.frame_width, n_frames)
        return {"frames": frames, "bands": _masks(rng, self.band_masks, self.band_width, n_bands), "fill": self.fill}

    @staticmethod
    def apply(features, parameters) -> torch.Tensor:
        """``(..., L, F)`` -> the same shape."""
        kept = torch.ones(features.shape[-2:], dtype=torch.bool)  # (L, F)
        for width, first in parameters["frames"]:
            kept[first : first + width] = False
        for width, first in parameters["bands"]:
            kept[:, first : first + width] = False
        known = features.detach()
        fill = {
            "silence": lambda: known.amin((-2, -1), keepdim=True),
            "mean": lambda: known.mean((-2, -1), keepdim=True),
            "zero": lambda: known.new_zeros(()),
        }[parameters["fill"]]()
        return torch.where(kept.to(features.device), features, fill)


def _masks(rng, numbers, below: int, length: int) -> list:
    """Masks ``[width, first]`` on an axis."""
    low, high = numbers
    widths = rng.integers(max(1, below), size=rng.integers(low, high + 1)).clip(max=length)
    return [[int(width), int(rng.integers(length - width + 1))] for width in widths]
