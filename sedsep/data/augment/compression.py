"""Compression: loud moments of a sound made less loud, as recorders with automatic gain do.

Source: Giannoulis, Massberg & Reiss, "Digital dynamic range compressor design", 2012: feed-forward, in the log domain,
with a smooth decoupled peak detector. One of the effects of Cornell et al. 2020, section 3.2; what their code calls
so is a wave shaper, see ``shapers.py``.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from sedsep.compiled import compiled
from sedsep.config import Interval, Range
from sedsep.data.activity import rms
from sedsep.data.augment.source_effect import SourceEffect


@dataclass(frozen=True)
class Compression(SourceEffect):
    """A dynamic range compressor whose threshold goes by the sound's own level.

    Args:
        threshold_db: interval of the threshold over the sound's RMS level, uniform. ratio: interval of the
            compression ratio, uniform. attack, release: time constants, seconds.
    """

    threshold_db: Annotated[tuple[float, ...], Interval(-60, 60)] = (-20.0, 0.0)
    ratio: Annotated[tuple[float, ...], Interval(1, 100)] = (2.0, 10.0)
    attack: Annotated[float, Range(1e-4, 10)] = 0.005
    release: Annotated[float, Range(1e-4, 10)] = 0.1

    def draw(self, rng, seconds) -> dict:
        """``{"threshold_db": ..., "ratio": ..., "attack": seconds, "release": seconds}``."""
        drawn = {"threshold_db": float(rng.uniform(*self.threshold_db)), "ratio": float(rng.uniform(*self.ratio))}
        return {**drawn, "attack": self.attack, "release": self.release}

    @staticmethod
    def apply(waveform, sample_rate, parameters):
        """Waveform ``(T,)`` -> ``(T,)`` float32; no make-up gain, for levels are set afterwards."""
        threshold = rms(waveform) * 10 ** (parameters["threshold_db"] / 20)
        attack, release = (np.exp(-1 / (parameters[name] * sample_rate)) for name in ("attack", "release"))
        slope = 1 - 1 / parameters["ratio"]
        return _compressed(np.ascontiguousarray(waveform, np.float32), threshold, slope, attack, release)


@compiled(error_model="numpy")
def _compressed(waveform, threshold, slope, attack, release):
    heard = np.empty_like(waveform)
    peak = smooth = 0.0  # reduction in units of log amplitude: what is asked for, held, and what acts
    for n in range(len(waveform)):
        level = abs(waveform[n])
        over = np.log(level / threshold) * slope if level > threshold else 0.0
        peak = max(over, release * peak + (1 - release) * over)
        smooth = attack * smooth + (1 - attack) * peak
        heard[n] = waveform[n] * np.exp(-smooth) if smooth > 1e-9 else waveform[n]
    return heard
