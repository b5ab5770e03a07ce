"""Benchmark of exact PSDS at the size of DESED's validation set: 1168 clips, 10 classes, 156 frames.

The peer is sed_scores_eval 0.0.4, whose tables of scores are made before the clock runs. Run as a program, it
measures the memory of exact PSDS2 with 400 classes and 2000 clips.
"""

import json
import resource
import time
from types import SimpleNamespace

import numpy as np
from scipy import ndimage

from sedsep.labels import events_table
from sedsep.metrics.exact_psds import exact_psds
from sedsep.metrics.psd_roc import PSDS_2021

FRAME = 0.064


def system(n_clips, n_classes, events_per_clip, n_frames=156, seed=0):
    """Scores, reference events, durations and classes: smooth log-odds that the events raise."""
    rng = np.random.default_rng(seed)
    classes = [f"class{c:03d}" for c in range(n_classes)]
    rows, scores = [], {}
    for index in range(n_clips):
        name, raised = f"{index}.wav", np.zeros((n_frames, n_classes))
        for c in rng.choice(n_classes, rng.binomial(n_classes, events_per_clip / n_classes), replace=False):
            first = int(rng.integers(0, n_frames - 4))
            last = int(rng.integers(first + 4, n_frames + 1))
            rows.append((name, round(first * FRAME, 3), round(last * FRAME, 3), classes[c]))
            raised[first:last, c] = 4
        odds = ndimage.gaussian_filter1d(6 * rng.standard_normal(raised.shape) + raised, 3, axis=0) - 3
        scores[name] = SimpleNamespace(boundaries=np.round(np.arange(n_frames + 1) * FRAME, 6), scores=_sigmoid(odds))
    return scores, events_table(rows), dict.fromkeys(scores, n_frames * FRAME), classes


def benchmarks():
    """Yield (name, ours, peer)."""
    from sed_scores_eval import intersection_based
    from sed_scores_eval.base_modules.scores import create_score_dataframe

    scores, reference, durations, classes = system(1168, 10, 3.6)
    frames = {name: create_score_dataframe(clip.scores, clip.boundaries, classes) for name, clip in scores.items()}
    truth = {name: [] for name in scores}
    for name, onset, offset, label in reference.itertuples(index=False):
        truth[name].append((onset, offset, label))

    def ours():
        found = exact_psds(scores, reference, durations, classes, PSDS_2021)
        return [found[setting.name].value for setting in PSDS_2021]

    def peer():
        return [
            intersection_based.psds(
                frames,
                truth,
                durations,
                dtc_threshold=setting.dtc,
                gtc_threshold=setting.gtc,
                cttc_threshold=setting.cttc if setting.alpha_ct else None,
                alpha_ct=setting.alpha_ct,
                alpha_st=setting.alpha_st,
                max_efpr=setting.max_efpr,
            )[0]
            for setting in PSDS_2021
        ]

    assert np.allclose(ours(), peer(), atol=1e-9)
    yield "exact PSDS1 + PSDS2, 1168 clips x 10 classes x 156 frames; sed_scores_eval", ours, peer


def memory() -> dict:
    """Time and memory of exact PSDS2 with 400 classes and 2000 clips; to be called in a process of its own."""
    scores, reference, durations, classes = system(2000, 400, 8)
    start = time.perf_counter()
    exact_psds(scores, reference, durations, classes, PSDS_2021[1:])
    seconds = time.perf_counter() - start
    name = "exact PSDS2, 2000 clips x 400 classes x 156 frames; memory, scores included"
    return {"name": name, "ours_s": seconds, "peer_s": None, "ratio": None, "ours_gb": _peak()}


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def _sigmoid(odds):
    return 1 / (1 + np.exp(-odds))


if __name__ == "__main__":
    print(json.dumps(memory()))
