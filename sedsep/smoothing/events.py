"""Scores to events: strict ``score > threshold``, any number of thresholds in one pass.

Source: DCASE 2021 task 4 baseline (a run of frames above the threshold is one event, from the start of its first
frame to the end of its last; 50 operating points).
"""

import numpy as np
import pandas as pd

from sedsep.errors import UserError
from sedsep.labels import EVENT_COLUMNS

# The 50 operating points of the published PSDS: 0.01, 0.03 ... 0.99.
OPERATING_POINTS = np.arange(0.01, 1, 0.02)


def decode(clips: dict, classes, thresholds) -> list:
    """Events at each threshold.

    A score passes ``k`` of the sorted thresholds; where ``k`` rises from one frame to the next an event begins at
    each threshold it climbs over, where it falls one ends. So all thresholds cost one look at each score, and one
    more per event.

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
    thresholds = np.asarray(thresholds, float)
    if (np.diff(thresholds, axis=0) <= 0).any():
        raise UserError("thresholds must increase")
    names, classes = list(clips), list(classes)
    first, last, row, level = _runs([clip.scores for clip in clips.values()], thresholds)
    # The boundaries of all clips one after the other: frame f of clip i starts at seconds[offset[i] + f].
    seconds = np.concatenate([clip.boundaries for clip in clips.values()] or [np.empty(0)])
    offset = np.cumsum([0, *(len(clip.boundaries) for clip in clips.values())])[:-1].astype(int)
    clip, label = np.divmod(row, len(classes))
    columns = [
        np.array(names, object)[clip],
        seconds[offset[clip] + first],
        seconds[offset[clip] + last],
        np.array(classes, object)[label],
    ]
    edges = np.searchsorted(level, np.arange(len(thresholds) + 1))
    return [
        pd.DataFrame(dict(zip(EVENT_COLUMNS, (column[start:stop] for column in columns))))
        for start, stop in zip(edges[:-1], edges[1:])
    ]


def _runs(scores, thresholds):
    """Runs above each threshold: first frame, last (exclusive), row (clip * C + class), index of threshold."""
    if not scores:
        return (np.empty(0, int),) * 4
    # Every class of every clip becomes one row of frames, with a frame at the end that passes no threshold.
    lengths = np.repeat([len(clip) + 1 for clip in scores], [clip.shape[1] for clip in scores])
    passed = np.concatenate([np.pad(_passed(clip, thresholds), ((0, 1), (0, 0))).T.ravel() for clip in scores])
    change = np.diff(passed, prepend=passed.dtype.type(0))
    start_of_row = np.cumsum(lengths) - lengths

    def edges(places, low, high):
        """One edge for each threshold in ``[low, high)`` at each place, in order of threshold, then place."""
        count = high - low
        place = np.repeat(places, count)
        level = np.arange(len(place)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(low, count)
        order = np.argsort(level.astype(np.uint16), kind="stable")
        return place[order], level[order]

    before = passed - change
    up, down = np.flatnonzero(change > 0), np.flatnonzero(change < 0)
    start, level = edges(up, before[up], passed[up])
    stop, _ = edges(down, passed[down], before[down])
    row = np.searchsorted(start_of_row, start, side="right") - 1
    return start - start_of_row[row], stop - start_of_row[row], row, level


def _passed(scores, thresholds):
    """How many thresholds each score is above, ``(L', C)`` int32."""
    scores = np.asarray(scores, float)
    if thresholds.ndim == 1:
        return np.searchsorted(thresholds, scores, side="left").astype(np.int32)
    return sum((scores > row).astype(np.int32) for row in thresholds)
