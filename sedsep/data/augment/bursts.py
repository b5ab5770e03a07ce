"""Bursts: noise or a tone over a part of a sound, as loud as a drawn share of it.

Source: the time-domain chain of Cornell et al. 2020, section 3.2, as their code draws it (spec 02, D.d): one magnitude
in [0, 1] is the burst's share of the sound's length and its level over the sound's RMS.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from sedsep.config import Interval
from sedsep.data.activity import rms
from sedsep.data.augment.source_effect import SourceEffect


@dataclass(frozen=True)
class NoiseBurst(SourceEffect):
    """Noise that is uniform on [0, 1), as in the released code; with ``centred``, on [-1, 1).

    Args:
        magnitude: interval of the burst's share of length and level, uniform. centred: noise without an offset.
    """

    magnitude: Annotated[tuple[float, ...], Interval(0, 1)] = (0.0, 1.0)
    centred: bool = False

    def draw(self, rng, seconds) -> dict:
        """``{"magnitude": share, "position": of the burst in [0, 1), "centred": bool, "noise": seed}``."""
        drawn = {"magnitude": float(rng.uniform(*self.magnitude)), "position": float(rng.random())}
        return {**drawn, "centred": self.centred, "noise": int(rng.integers(2**31))}

    @staticmethod
    def apply(waveform, sample_rate, parameters):
        """Waveform ``(T,)`` -> ``(T,)`` float32."""
        noise = np.random.default_rng(parameters["noise"]).random(burst_length(waveform, parameters), np.float32)
        return with_burst(waveform, 2 * noise - 1 if parameters["centred"] else noise, parameters)


@dataclass(frozen=True)
class SineBurst(SourceEffect):
    """A tone.

    Args:
        magnitude: interval of the burst's share of length and level, uniform. frequency: interval in Hz, uniform.
    """

    magnitude: Annotated[tuple[float, ...], Interval(0, 1)] = (0.0, 1.0)
    frequency: Annotated[tuple[float, ...], Interval(0, 1e6)] = (0.0, 4000.0)

    def draw(self, rng, seconds) -> dict:
        """``{"magnitude": share, "position": of the burst in [0, 1), "frequency": Hz}``."""
        drawn = {"magnitude": float(rng.uniform(*self.magnitude)), "position": float(rng.random())}
        return {**drawn, "frequency": float(rng.uniform(*self.frequency))}

    @staticmethod
    def apply(waveform, sample_rate, parameters):
        """Waveform ``(T,)`` -> ``(T,)`` float32; a tone above half the sample rate is left out, not folded back."""
        if parameters["frequency"] > sample_rate / 2:
            return waveform.astype(np.float32)
        phase = 2 * np.pi * parameters["frequency"] / sample_rate * np.arange(burst_length(waveform, parameters))
        return with_burst(waveform, np.sin(phase), parameters)


def burst_length(waveform, parameters) -> int:
    """Samples of a burst in a waveform ``(T,)``."""
    return int(parameters["magnitude"] * len(waveform))


def with_burst(waveform, burst, parameters) -> np.ndarray:
    """Waveform ``(T,)`` with a burst ``(T',)`` of unit level at its position -> ``(T,)`` float32."""
    first = int(parameters["position"] * (len(waveform) - len(burst)))
    heard = waveform.astype(np.float32)
    heard[first : first + len(burst)] += np.float32(parameters["magnitude"] * rms(waveform)) * burst
    return heard
