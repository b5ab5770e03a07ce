"""Shelf: all above, or all below, a frequency made louder or quieter.

Source: the shelves of Bristow-Johnson's «Cookbook formulae for audio EQ biquad filters», slope 0.5, as the released
chain of Cornell et al. 2020 uses them (spec 02, D.d).
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from scipy.signal import lfilter

from sedsep.config import CountOrNone, Interval
from sedsep.data.augment.source_effect import SourceEffect

SLOPE = 0.5
FREQUENCIES = {"high": (1000.0, 4000.0), "low": (20.0, 400.0)}
GAINS_DB = {"high": (-15.0, 15.0), "low": (-10.0, 15.0)}


@dataclass(frozen=True)
class Shelf(SourceEffect):
    """A biquad shelf.

    The released code leaves its filter in the belief that sounds have 44.1 kHz, so that a shelf at f acts at
    f · 16 / 44.1 on sounds of 16 kHz; the default does as that code does.

    Args:
        form: which side of the frequency changes. frequency: interval in Hz, uniform; null: the released one.
        gain_db: interval, uniform; null: the released one. rate: that the filter is computed for, Hz; null: the
            sound's own, so that it acts at the frequency that is written.
    """

    form: Literal["high", "low"] = "high"
    frequency: Annotated[tuple[float, ...] | None, Interval(1, 20000)] = None
    gain_db: Annotated[tuple[float, ...] | None, Interval(-100, 100)] = None
    rate: CountOrNone = 44100

    def draw(self, rng, seconds) -> dict:
        """``{"form": high or low, "frequency": Hz, "gain_db": ..., "rate": Hz or None}``."""
        frequency, gain = self.frequency or FREQUENCIES[self.form], self.gain_db or GAINS_DB[self.form]
        drawn = {"frequency": float(rng.uniform(*frequency)), "gain_db": float(rng.uniform(*gain))}
        return {"form": self.form, **drawn, "rate": self.rate}

    @staticmethod
    def apply(waveform, sample_rate, parameters):
        """Waveform ``(T,)`` -> ``(T,)`` float32; a frequency above half the rate leaves the sound as it is."""
        angle = 2 * np.pi * parameters["frequency"] / (parameters["rate"] or sample_rate)
        if angle >= np.pi:
            return waveform.astype(np.float32)
        side = 1 if parameters["form"] == "high" else -1
        root = 10 ** (parameters["gain_db"] / 40)
        alpha = np.sin(angle) / 2 * np.sqrt((root + 1 / root) * (1 / SLOPE - 1) + 2)
        bend, width = side * np.cos(angle), 2 * np.sqrt(root) * alpha
        up, down = root + 1, root - 1
        numerator = np.array([up + down * bend + width, -2 * side * (down + up * bend), up + down * bend - width])
        denominator = np.array([up - down * bend + width, 2 * side * (down - up * bend), up - down * bend - width])
        return lfilter(root * numerator, denominator, waveform).astype(np.float32)
