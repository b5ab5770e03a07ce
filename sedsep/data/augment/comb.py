"""Comb: a sound with a copy of itself whose delay moves to and fro, so that its notches sweep.

Source: the time-varying comb filter of Cornell et al. 2020, section 3.2; delays, speed and gain as in their code.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from sedsep.compiled import compiled
from sedsep.config import Interval, Range
from sedsep.data.augment.source_effect import SourceEffect


@dataclass(frozen=True)
class Comb(SourceEffect):
    """``y(t) = x(t) + m^2 x(t - d(t))``, where d moves as a sine between two delays.

    The released code takes the copy from the future (``ahead``); ours follows the sound, as an echo does. Either way
    it stays within the event.

    Args:
        delay: shortest and longest, seconds. speed: of the sine, Hz. magnitude: interval of m, uniform.
        ahead: take the copy from later in the sound instead of earlier.
    """

    delay: Annotated[tuple[float, ...], Interval(0, 10)] = (0.1, 0.28)
    speed: Annotated[float, Range(0, 1000)] = 0.5
    magnitude: Annotated[tuple[float, ...], Interval(0, 1)] = (0.0, 1.0)
    ahead: bool = False

    def draw(self, rng, seconds) -> dict:
        """``{"magnitude": m, "delay": [shortest, longest], "speed": Hz, "phase": rad, "ahead": bool}``."""
        return {
            "magnitude": float(rng.uniform(*self.magnitude)),
            "delay": list(self.delay),
            "speed": self.speed,
            "phase": float(rng.uniform(0, 2 * np.pi)),
            "ahead": self.ahead,
        }

    @staticmethod
    def apply(waveform, sample_rate, parameters):
        """Waveform ``(T,)`` -> ``(T,)`` float32."""
        shortest, longest = parameters["delay"]
        place = np.arange(len(waveform))
        swing = np.sin(2 * np.pi * parameters["speed"] / sample_rate * place + parameters["phase"])
        delay = sample_rate * ((longest + shortest) / 2 + (longest - shortest) / 2 * swing)
        return combed(waveform, place + (delay if parameters["ahead"] else -delay), parameters["magnitude"] ** 2)


def combed(waveform, places, gain: float) -> np.ndarray:
    """Waveform ``(T,)`` plus ``gain`` times itself at fractional ``places`` ``(T,)`` -> ``(T,)`` float32."""
    return _combed(np.ascontiguousarray(waveform, np.float32), np.ascontiguousarray(places, np.float64), gain)


@compiled()
def _combed(waveform, places, gain):
    heard = waveform.copy()
    for n in range(len(waveform)):
        k = int(np.floor(places[n]))
        if 0 <= k < len(waveform) - 1:
            part = places[n] - k
            heard[n] += gain * ((1 - part) * waveform[k] + part * waveform[k + 1])
    return heard
