"""Filter: a sound through a first-order low-pass or high-pass, as a blanket, a wall or a small loudspeaker does."""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from scipy.signal import lfilter

from sedsep.config import Interval
from sedsep.data.augment.source_effect import SourceEffect


@dataclass(frozen=True)
class Filter(SourceEffect):
    """A first-order filter, 6 dB per octave; for both forms, list it twice.

    Args:
        form: what passes. cutoff: interval of the cut-off frequency in Hz, uniform on a logarithmic scale.
    """

    form: Literal["lowpass", "highpass"] = "lowpass"
    cutoff: Annotated[tuple[float, ...], Interval(1, 1e6)] = (500.0, 4000.0)

    def draw(self, rng, seconds) -> dict:
        """``{"form": lowpass or highpass, "cutoff": Hz}``."""
        return {"form": self.form, "cutoff": float(np.exp(rng.uniform(*np.log(self.cutoff))))}

    @staticmethod
    def apply(waveform, sample_rate, parameters):
        """Waveform ``(T,)`` -> ``(T,)`` float32.

        The low-pass has the pole of an RC circuit (impulse invariance) and gain 1 at 0 Hz, the high-pass is the rest:
        -3 dB at a cut-off well below half the sample rate, and defined at any other.
        """
        pole = np.exp(-2 * np.pi * parameters["cutoff"] / sample_rate)
        low = lfilter([1 - pole], [1, -pole], waveform)
        return (low if parameters["form"] == "lowpass" else waveform - low).astype(np.float32)
