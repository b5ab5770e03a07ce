"""Benchmarks of smoothing and decoding at the size of DESED's validation set: 1168 clips, 10 classes, 156 frames.

A peer does for each of the 50 operating points what ours does for all of them at once: librosa's Viterbi decodes
scores whose log-odds are moved by the threshold's, scipy's median filter runs over the decisions.
"""

from types import SimpleNamespace

import librosa
import numpy as np
from scipy import ndimage

from sedsep.labels import events_table, runs
from sedsep.scores.events import OPERATING_POINTS, decode
from sedsep.scores.hmm import hmm_smooth
from sedsep.scores.median import median_filter

N_CLIPS, N_FRAMES, N_CLASSES = 1168, 156, 10
CLASSES = [f"class{index}" for index in range(N_CLASSES)]
BOUNDARIES = np.arange(N_FRAMES + 1) * 0.064
STAY_SILENCE, STAY_EVENT = 0.9, np.linspace(0.5, 0.95, N_CLASSES)
LOG_ODDS = np.log(OPERATING_POINTS / (1 - OPERATING_POINTS))


def scores() -> np.ndarray:
    """``(clips, frames, classes)``: smooth log-odds, mostly silent, as a detector gives."""
    noise = np.random.default_rng(0).standard_normal((N_CLIPS, N_FRAMES, N_CLASSES))
    return 1 / (1 + np.exp(3 - ndimage.gaussian_filter1d(6 * noise, 3, axis=1)))


def hmm_ours(batch):
    """Scores smoothed for every threshold."""
    return hmm_smooth(batch, STAY_SILENCE, STAY_EVENT)


def hmm_per_clip(batch):
    """Viterbi of each clip at each operating point, as clips come: one after the other."""
    return [[viterbi(clip, bias) for clip in batch] for bias in LOG_ODDS]


def hmm_batched(batch):
    """Viterbi of all clips at once at each operating point; needs clips of one length."""
    return [viterbi(batch, bias) for bias in LOG_ODDS]


def viterbi(batch, bias):
    """librosa's states ``(..., classes, frames)`` for the threshold with log-odds ``bias``."""
    odds = np.moveaxis(batch / (1 - batch), -1, -2) * np.exp(-bias)
    chains = np.stack([[[STAY_SILENCE, 1 - STAY_SILENCE], [1 - stay, stay]] for stay in STAY_EVENT])
    return librosa.sequence.viterbi_binary(odds / (1 + odds), chains)


def decode_ours(batch):
    """Events at 50 operating points from scores filtered once."""
    filtered = median_filter(batch, 7)
    clips = {f"{index}.wav": SimpleNamespace(boundaries=BOUNDARIES, scores=s) for index, s in enumerate(filtered)}
    return decode(clips, CLASSES, OPERATING_POINTS)


def decode_loop(batch):
    """The same with a median filter per clip and threshold."""
    tables = []
    for threshold in OPERATING_POINTS:
        events = []
        for index, clip in enumerate(batch):
            active = ndimage.median_filter((clip > threshold).astype(np.uint8), (7, 1))
            for label, column in zip(CLASSES, active.T):
                for first, last in runs(column):
                    events.append((f"{index}.wav", BOUNDARIES[first], BOUNDARIES[last], label))
        tables.append(events_table(events))
    return tables


def benchmarks():
    """Yield (name, ours, peer)."""
    batch = scores()
    size = f"{N_CLIPS} clips x {N_CLASSES} classes x {N_FRAMES} frames"
    yield f"HMM, all thresholds, {size}; librosa, 50 thresholds, clip by clip", *calls(hmm_ours, hmm_per_clip, batch)
    yield f"HMM, all thresholds, {size}; librosa, 50 thresholds, batched", *calls(hmm_ours, hmm_batched, batch)
    yield f"median and decoding, 50 thresholds, {size}; loop of scipy", *calls(decode_ours, decode_loop, batch)


def calls(ours, peer, batch):
    """Both functions as calls without arguments, after a warm-up that compiles what is compiled."""
    ours(batch[:2]), peer(batch[:2])
    return (lambda: ours(batch)), (lambda: peer(batch))
