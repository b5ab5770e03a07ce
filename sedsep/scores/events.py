"""Scores to events: strict ``score > threshold``, any number of thresholds in one pass.

Source: DCASE 2021 task 4 baseline (a run of frames above the threshold is one event, from the start of its first
frame to the end of its last; 50 operating points).
"""

import numpy as np
import pandas as pd

from sedsep.compiled import compiled
from sedsep.errors import UserError
from sedsep.labels import EVENT_COLUMNS

# The 50 operating points of the published PSDS: 0.01, 0.03 ... 0.99.
OPERATING_POINTS = np.arange(0.01, 1, 0.02)


def decode(clips: dict, classes, thresholds) -> list:
    """Events at each threshold.

    From frame to frame a score climbs over some thresholds, where events begin, or falls below some, where they
    end. So a score costs one look for all thresholds together, and one more for each event that ends there.

    Args:
        clips: filename -> object with ``boundaries (L'+1,)`` in seconds and ``scores (L', C)``.
        classes: C names. thresholds: numbers, increasing; or rows ``(n, C)``, increasing, one threshold per class.

    Returns:
        One events table (:data:`sedsep.labels.EVENT_COLUMNS`) per threshold, sorted by clip, class and onset.

    Raises:
        UserError: thresholds do not increase.

    >>> from types import SimpleNamespace as Clip
    >>> clip = Clip(boundaries=np.array([0, 0.5, 1, 1.5]), scores=np.array([[0.2], [0.7], [0.4]]))
    >>> for events in decode({"a.wav": clip}, ["Dog"], [0.1, 0.5]):
    ...     print(events.values.tolist())
    [['a.wav', 0.0, 1.5, 'Dog']]
    [['a.wav', 0.5, 1.0, 'Dog']]
    """
    names, classes = list(clips), list(classes)
    thresholds = np.asarray(thresholds, float)
    if (np.diff(thresholds, axis=0) <= 0).any():
        raise UserError("thresholds must increase")
    limits = np.ascontiguousarray(np.broadcast_to(thresholds.T, (len(classes), len(thresholds))).T)
    # Frames of all clips one after the other; a clip has one boundary more than frames.
    scores = np.concatenate([np.empty((0, len(classes))), *(clip.scores for clip in clips.values())])
    seconds = np.concatenate([np.empty(0), *(clip.boundaries for clip in clips.values())])
    ends = np.cumsum([0, *(len(clip.scores) for clip in clips.values())])
    counts, clip, label, first, last = _runs(scores, ends, limits)
    columns = [
        np.array(names, object)[clip],
        seconds[first + clip],
        seconds[last + clip],
        np.array(classes, object)[label],
    ]
    edges = np.cumsum([0, *counts])
    return [
        pd.DataFrame(dict(zip(EVENT_COLUMNS, (column[start:stop] for column in columns))))
        for start, stop in zip(edges[:-1], edges[1:])
    ]


@compiled()
def _runs(scores, ends, thresholds):
    """Runs above thresholds, sorted by threshold, clip, class and time.

    Args:
        scores: ``(F, C)`` frames of all clips. ends: clip ``i`` is ``scores[ends[i]:ends[i + 1]]``.
        thresholds: ``(n, C)``.

    Returns:
        Runs at each threshold ``(n,)``; and of each run clip, class, first frame and last (exclusive) in ``scores``.
    """
    n_thresholds, n_classes = thresholds.shape
    counts = np.zeros(n_thresholds, np.int64)
    began = np.empty(n_thresholds, np.int64)
    free = np.zeros(n_thresholds, np.int64)
    clip, label = np.empty(0, np.int64), np.empty(0, np.int64)
    first, last = np.empty(0, np.int64), np.empty(0, np.int64)
    # Once to count the runs at each threshold, once to put each where it belongs.
    for writing in (False, True):
        for i in range(len(ends) - 1):
            for c in range(n_classes):
                level = 0
                for frame in range(ends[i], ends[i + 1] + 1):
                    score = scores[frame, c] if frame < ends[i + 1] else -np.inf
                    while level < n_thresholds and score > thresholds[level, c]:
                        began[level] = frame
                        level += 1
                    while level > 0 and score <= thresholds[level - 1, c]:
                        level -= 1
                        if writing:
                            place = free[level]
                            clip[place], label[place], first[place], last[place] = i, c, began[level], frame
                            free[level] += 1
                        else:
                            counts[level] += 1
        if not writing:
            free[1:] = np.cumsum(counts)[:-1]
            clip, label = np.empty(counts.sum(), np.int64), np.empty(counts.sum(), np.int64)
            first, last = np.empty(counts.sum(), np.int64), np.empty(counts.sum(), np.int64)
    return counts, clip, label, first, last
