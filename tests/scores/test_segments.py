"""Opening and closing against removing runs and filling gaps, threshold by threshold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedsep.errors import UserError
from sedsep.labels import runs
from sedsep.scores.segments import drop_short, fill_gaps


def dropped(active, size):
    out = np.zeros_like(active)
    for first, last in runs(active):
        out[first:last] = last - first >= size
    return out


def filled(active, size):
    out = active.copy()
    for (_, stop), (start, _) in zip(runs(active), runs(active)[1:]):
        out[stop:start] |= start - stop < size
    return out


@settings(max_examples=80, deadline=None)
@given(n_frames=st.integers(1, 30), size=st.integers(1, 9), seed=st.integers(0, 999))
def test_every_threshold(n_frames, size, seed):
    rng = np.random.default_rng(seed)
    scores = rng.choice([0, 0.2, 0.4, 0.6, 0.8, 1], (2, n_frames, 3)).astype(rng.choice(["f4", "f8"]))
    short, closed = drop_short(scores, [size, 1, 2]), fill_gaps(scores, [size, 1, 2])
    assert short.dtype == closed.dtype == scores.dtype
    for threshold in (0, 0.1, 0.3, 0.4, 0.7, 0.9):
        for clip in range(2):
            for label, length in enumerate([size, 1, 2]):
                active = scores[clip, :, label] > threshold
                assert ((short[clip, :, label] > threshold) == dropped(active, length)).all()
                assert ((closed[clip, :, label] > threshold) == filled(active, length)).all()


def test_edges():
    scores = np.array([[0.9], [0.9], [0.1], [0.1], [0.9]])
    assert drop_short(scores, 3)[:, 0].tolist() == [0.1, 0.1, 0.1, 0.1, 0.1]
    assert drop_short(scores, 6)[:, 0].tolist() == [0, 0, 0, 0, 0]
    assert fill_gaps(scores[::-1][1:], 9)[:, 0].tolist() == [0.1, 0.1, 0.9, 0.9]


def test_refuses_no_length():
    for smooth in (drop_short, fill_gaps):
        with pytest.raises(UserError, match="at least 1 frame"):
            smooth(np.zeros((5, 1)), 0)
