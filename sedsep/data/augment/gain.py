"""Gain: a clip as a whole louder or quieter."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from sedsep.config import Interval
from sedsep.data.augment.effect import Effect


@dataclass(frozen=True)
class Gain(Effect):
    """One gain for all of a clip. Samples are floats: what exceeds full scale is not clipped.

    Args:
        level_db: interval of the gain in dB, uniform.
    """

    level_db: Annotated[tuple[float, ...], Interval(-100, 100)] = (-6.0, 6.0)

    def draw(self, rng, seconds) -> dict:
        """``{"level_db": gain in dB}``."""
        return {"level_db": float(rng.uniform(*self.level_db))}

    def apply(self, clip, parameters):
        """The clip at its new level."""
        gain = np.float32(10 ** (parameters["level_db"] / 20))
        return clip.changed(lambda waveform: waveform * gain)
