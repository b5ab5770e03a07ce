"""PitchShift: a sound higher or lower, every moment where it was.

Source: Verhelst & Roelands, "An overlap-add technique based on waveform similarity (WSOLA)", 1993: the sound is
stretched by pieces that each join where they fit best, then read faster or slower by band-limited interpolation.
Moments are off by a part of a piece at most: 20 ms for three semitones. Equal to sox's effect where lengths are.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from sedsep.compiled import compiled
from sedsep.config import Interval
from sedsep.data.augment.source_effect import SourceEffect

SEGMENT, SEARCH, OVERLAP = 0.082, 0.0147, 0.012  # seconds; sox's, which the released chain of 2020 uses
HALF, PHASES = 12, 256  # taps of the interpolation at each side, and places between two samples that it knows


@dataclass(frozen=True)
class PitchShift(SourceEffect):
    """A shift of all frequencies by one factor.

    Args:
        cents: interval of the shift in hundredths of a semitone, uniform.
    """

    cents: Annotated[tuple[float, ...], Interval(-2400, 2400)] = (-300.0, 300.0)

    def draw(self, rng, seconds) -> dict:
        """``{"cents": ...}``."""
        return {"cents": float(rng.uniform(*self.cents))}

    @staticmethod
    def apply(waveform, sample_rate, parameters):
        """Waveform ``(T,)`` -> ``(T,)`` float32."""
        lengths = (round(seconds * sample_rate) for seconds in (SEGMENT, SEARCH, OVERLAP))
        return shifted(waveform, 2 ** (parameters["cents"] / 1200), *lengths)


def shifted(waveform, factor: float, segment: int, search: int, overlap: int) -> np.ndarray:
    """Waveform ``(T,)`` -> ``(T,)`` float32, ``factor`` times as high.

    Args:
        segment, search, overlap: samples of a piece, of the interval where it is looked for, and of two pieces' seam.
    """
    overlap, search = max(2, overlap), max(1, search)
    segment = max(segment, 2 * overlap + 1)
    n = len(waveform)
    padded = np.zeros(n + 2 * (segment + search), np.float32)
    padded[segment + search : segment + search + n] = waveform
    stretched = _stretched(padded, segment + search, n, factor, segment, search, overlap)
    return _read(stretched, n, factor, _interpolation(min(1.0, 1 / factor)))


def _interpolation(cutoff: float) -> np.ndarray:
    """Weights ``(PHASES + 1, 2 HALF)`` of the samples around a place: a sinc with a Kaiser window."""
    distance = np.arange(PHASES + 1)[:, None] / PHASES + np.arange(HALF - 1, -HALF - 1, -1)
    window = np.i0(8.0 * np.sqrt(np.clip(1 - (distance / HALF) ** 2, 0, 1))) / np.i0(8.0)
    weights = cutoff * np.sinc(cutoff * distance) * window
    return (weights / weights.sum(1, keepdims=True)).astype(np.float32)


@compiled(fused=True)
def _stretched(padded, before, n, factor, segment, search, overlap):
    """``n`` samples that begin at ``before``, stretched by ``factor``, with ``HALF`` zeros around."""
    step = segment - overlap
    count = int(np.ceil((n * factor + 1) / step)) + 1
    heard = np.zeros(count * step + overlap + 2 * HALF + 2, np.float32)
    difference = np.empty(search, np.float32)
    for piece in range(count):
        ideal = before + min(int(round(piece * step / factor)), n)
        first, to = ideal, HALF + piece * step
        if piece:
            # What the last piece would go on with lies in ``heard``: look for what resembles it most.
            low = ideal - search // 2
            difference[:] = 0
            for j in range(overlap):
                tail = heard[to + j]
                for k in range(search):  # innermost: sums that do not wait for each other
                    d = padded[low + k + j] - tail
                    difference[k] += d * d
            first = low + np.argmin(difference)
        for j in range(overlap if piece else 0):
            part = np.float32(j) / np.float32(overlap)
            heard[to + j] += part * (padded[first + j] - heard[to + j])
        for j in range(overlap if piece else 0, segment):
            heard[to + j] = padded[first + j]
    return heard


@compiled(fused=True)
def _read(stretched, n, factor, weights):
    """Every ``factor``-th sample of a stretched sound, ``(n,)``."""
    heard = np.empty(n, np.float32)
    for i in range(n):
        place = i * factor
        k = int(place)
        row = weights[int((place - k) * PHASES + 0.5)]
        first = k + 1  # of 2 HALF samples around HALF + k
        a = b = c = d = np.float32(0)
        for tap in range(0, 2 * HALF, 4):
            a += row[tap] * stretched[first + tap]
            b += row[tap + 1] * stretched[first + tap + 1]
            c += row[tap + 2] * stretched[first + tap + 2]
            d += row[tap + 3] * stretched[first + tap + 3]
        heard[i] = (a + b) + (c + d)
    return heard
