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
    return stretches(frame_levels(waveform, sample_rate), len(waveform), sample_rate, gap, shortest)


def stretches(
    levels: np.ndarray, n_samples: int, sample_rate: int, gap: float = 0.4, shortest: float = 0.03,
) -> list:  # fmt: skip
    """The same from the levels ``(L,)`` of the frames of ``n_samples`` (:func:`frame_levels`)."""
    frame, seconds = int(FRAME_SECONDS * sample_rate) / sample_rate, n_samples / sample_rate
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
        if merged and (first - merged[-1][1]) * frame <= gap:
            merged[-1][1] = last
        else:
            merged.append([first, last])
    found = [(round(a * frame, 3), round(min(b * frame, seconds), 3)) for a, b in merged]
    found = [(onset, max(offset, round(onset + 0.001, 3))) for onset, offset in found]
    return [(onset, offset) for onset, offset in found if offset - onset >= shortest]


def active_mask(waveform: np.ndarray, sample_rate: int) -> np.ndarray:
    """Samples of an event that carry it, ``(T,)`` bool: frames within 30 dB of the loudest; never all false."""
    levels = frame_levels(waveform, sample_rate)
    frame = int(FRAME_SECONDS * sample_rate)
    return np.repeat(levels >= levels.max() - 30.0, frame)[: len(waveform)]


def audible_cut(waveform: np.ndarray, first: int, length: int, sample_rate: int) -> int:
    """Where to cut ``length`` samples out of an event ``(T,)`` so that they can be heard.

    Returns:
        ``first``, or where all that lies there is a pause the place nearest to it that has some of the sound.
    """
    frame = int(FRAME_SECONDS * sample_rate)
    inside = waveform[first + frame : first + length - frame]  # the edges are faded
    if np.abs(inside).max(initial=0.0) > 0.1 * np.abs(waveform).max(initial=0.0):  # this is quick, and nearly always so
        return first
    levels = frame_levels(waveform, sample_rate)
    loud = np.flatnonzero(levels > levels.max() - RANGE_DB) * frame  # where loud frames begin
    # A cut that begins here has all of that frame in it, or as much as fits.
    latest, earliest = loud, np.minimum(loud + frame, len(waveform)) - length
    places = np.maximum(np.clip(first, np.minimum(earliest, latest), np.maximum(earliest, latest)), 0)
    return int(places[np.abs(places - first).argmin()])


def rms(waveform: np.ndarray) -> float:
    """Root mean square of ``(T,)``; 0 where there are no samples."""
    return float(np.sqrt(np.mean(np.square(waveform, dtype=np.float64)))) if len(waveform) else 0.0


def decibels(ratio: float) -> float:
    """An amplitude ratio in dB.

    >>> round(decibels(2.0), 2)
    6.02
    """
    return float(20 * np.log10(max(ratio, 1e-12)))


def levels_of(blocks, sample_rate: int) -> tuple:
    """Blocks ``(T',)`` of a waveform of any length -> the levels ``(L,)`` of its frames, and its number of samples."""
    frame = int(FRAME_SECONDS * sample_rate)
    held, found, n_samples = np.zeros(0, np.float32), [np.zeros(0)], 0
    for block in blocks:
        held, n_samples = np.concatenate([held, block]), n_samples + len(block)
        whole = len(held) // frame * frame
        if whole:
            found.append(frame_levels(held[:whole], sample_rate))
            held = held[whole:]
    if len(held):
        found.append(frame_levels(held, sample_rate))
    return np.concatenate(found), n_samples


def frame_levels(waveform: np.ndarray, sample_rate: int) -> np.ndarray:
    """RMS of each 10 ms frame in dB of full scale, ``(ceil(T / frame),)``; the last frame may be shorter."""
    frame = int(FRAME_SECONDS * sample_rate)
    power = np.add.reduceat(np.square(waveform, dtype=np.float64), np.arange(0, len(waveform), frame))
    counts = np.full(len(power), frame)
    counts[-1] = len(waveform) - frame * (len(power) - 1)
    return 10 * np.log10(power / counts + 1e-20)
