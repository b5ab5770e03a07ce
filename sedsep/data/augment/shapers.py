"""Wave shapers: contrast and overdrive, which bend each sample by its size.

Source: the effects of those names in the released chain of Cornell et al. 2020 (spec 02, D.d), equal to their outputs;
«contrast» is what the paper calls compression.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from scipy.signal import lfilter

from sedsep.config import Interval
from sedsep.data.augment.source_effect import SourceEffect


@dataclass(frozen=True)
class Contrast(SourceEffect):
    """``y = sin(a + c sin(4 a))`` with ``a = x pi / 2`` and ``c = amount / 750``: small samples grow most.

    Args:
        amount: interval, uniform.
    """

    amount: Annotated[tuple[float, ...], Interval(0, 100)] = (0.0, 100.0)

    def draw(self, rng, seconds) -> dict:
        """``{"amount": ...}``."""
        return {"amount": float(rng.uniform(*self.amount))}

    @staticmethod
    def apply(waveform, sample_rate, parameters):
        """Waveform ``(T,)`` -> ``(T,)`` float32."""
        angle = np.asarray(waveform, np.float32) * np.float32(np.pi / 2)
        return np.sin(angle + np.float32(parameters["amount"] / 750) * np.sin(4 * angle))


@dataclass(frozen=True)
class Overdrive(SourceEffect):
    """Soft clipping, ``u - u^3 / 3``, of the amplified sound with a constant added, below half of the sound itself.

    Args:
        gain_db: interval of the amplification, uniform. colour: interval, uniform; how uneven the two sides are.
    """

    gain_db: Annotated[tuple[float, ...], Interval(0, 100)] = (5.0, 50.0)
    colour: Annotated[tuple[float, ...], Interval(0, 100)] = (5.0, 100.0)

    def draw(self, rng, seconds) -> dict:
        """``{"gain_db": ..., "colour": ...}``."""
        return {"gain_db": float(rng.uniform(*self.gain_db)), "colour": float(rng.uniform(*self.colour))}

    @staticmethod
    def apply(waveform, sample_rate, parameters):
        """Waveform ``(T,)`` -> ``(T,)`` float32."""
        driven = np.clip(waveform * 10 ** (parameters["gain_db"] / 20) + parameters["colour"] / 200, -1.0, 1.0)
        clipped = driven - driven**3 / 3
        steady = lfilter([1, -1], [1, -0.995], clipped)  # the constant goes again
        return (0.5 * waveform + 0.75 * steady).astype(np.float32)
