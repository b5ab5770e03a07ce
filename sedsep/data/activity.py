"""Activity: where in a recording the sound really is, and how loud it is there.

Many isolated recordings are padded with digital silence or keep seconds of room noise around a short event.
Frames are active that rise above the recording's own noise floor; where nothing stands out from the floor
(rain, a vacuum cleaner) all of it is sound. Levels are RMS over active samples, so that padding and pauses do
not count (the loudness measures made for programmes mislead below half a second).
"""

import numpy as np

from sedsep.labels import runs

FRAME_SECONDS = 0.01
SILENCE_DB = -80.0  # full scale; a frame below is silent whatever the rest of the recording does
STEADY_DB = 20.0  # a recording whose loudest frame is within this of its floor has no pauses to find
RANGE_DB = 40.0  # tails that decay further than this below the loudest frame are not heard in a mixture


def segments(waveform: np.ndarray, sample_rate: int, gap: float = 0.4, shortest: float = 0.03) -> list:
    """Active stretches of ``(T,)`` as ``[(onset, offset), ...]`` in seconds; empty for silence.

    Args:
        gap: pauses up to this many seconds belong to the event around them.
        shortest: stretches under this many seconds are clicks and are dropped.
    """
    levels = frame_levels(waveform, sample_rate)
    sounding = levels > SILENCE_DB
    if not sounding.any():
        return []
    top = levels.max()
    floor = np.percentile(levels[sounding], 5)
    threshold = SILENCE_DB
    if top - floor > STEADY_DB:
        threshold = max(top - RANGE_DB, floor + 0.25 * (top - floor))
    merged = []
    for first, last in runs(levels > threshold):
        if merged and (first - merged[-1][1]) * FRAME_SECONDS <= gap:
            merged[-1][1] = last
        else:
            merged.append([first, last])
    seconds = len(waveform) / sample_rate
    found = [(round(a * FRAME_SECONDS, 3), round(min(b * FRAME_SECONDS, seconds), 3)) for a, b in merged]
    return [(onset, offset) for onset, offset in found if offset - onset >= shortest]


def active_mask(waveform: np.ndarray, sample_rate: int) -> np.ndarray:
    """Samples of an event that carry it, ``(T,)`` bool: frames within 30 dB of the loudest; never all false."""
    levels = frame_levels(waveform, sample_rate)
    frame = int(FRAME_SECONDS * sample_rate)
    return np.repeat(levels >= levels.max() - 30.0, frame)[: len(waveform)]


def rms(waveform: np.ndarray) -> float:
    """Root mean square of ``(T,)``; 0 where there are no samples."""
    return float(np.sqrt(np.mean(np.square(waveform, dtype=np.float64)))) if len(waveform) else 0.0


def decibels(ratio: float) -> float:
    """An amplitude ratio in dB.

    >>> round(decibels(2.0), 2)
    6.02
    """
    return float(20 * np.log10(max(ratio, 1e-12)))


def frame_levels(waveform: np.ndarray, sample_rate: int) -> np.ndarray:
    """RMS of each 10 ms frame in dB of full scale, ``(ceil(T / frame),)``; the last frame may be shorter."""
    frame = int(FRAME_SECONDS * sample_rate)
    power = np.add.reduceat(np.square(waveform, dtype=np.float64), np.arange(0, len(waveform), frame))
    counts = np.full(len(power), frame)
    counts[-1] = len(waveform) - frame * (len(power) - 1)
    return 10 * np.log10(power / counts + 1e-20)
