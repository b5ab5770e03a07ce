"""A threshold per class as a transform: above it becomes above one half, through files and through a median."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedsep.errors import UserError
from sedsep.labels import runs
from sedsep.scores.hmm import hmm_smooth
from sedsep.scores.median import median_filter
from sedsep.scores.segments import drop_short
from sedsep.scores.thresholds import to_half
from sedsep.scores.viterbi import viterbi


@settings(max_examples=80, deadline=None)
@given(at=st.sampled_from([0.0, 0.02, 0.3, 0.5, 0.74, 0.98, 1.0]), seed=st.integers(0, 999))
def test_above_is_above(at, seed):
    rng = np.random.default_rng(seed)
    near = np.array([at, np.nextafter(at, 0), np.nextafter(at, 2), 0, 1])
    scores = np.concatenate([rng.random((20, 1)), np.clip(near, 0, 1)[:, None]])
    moved = to_half(scores, at)
    assert ((moved > 0.5) == (scores > at)).all() and moved.min() >= 0 and moved.max() <= 1
    assert (moved.astype(str).astype(float) == moved).all(), "tables keep every digit"
    order = np.argsort(scores[:, 0], kind="stable")
    assert (np.diff(moved[order, 0]) >= 0).all()
    if 0 < at < 1:
        smooth = median_filter(scores[:20], 7)
        assert ((median_filter(to_half(scores[:20], at), 7) > 0.5) == (smooth > at)).all()


def test_each_class_has_its_own():
    scores = np.tile(np.array([[0.2], [0.4], [0.6]]), (1, 3))
    assert (to_half(scores, [0.1, 0.3, 0.5]) > 0.5).sum(0).tolist() == [3, 2, 1]
    np.testing.assert_allclose(to_half(scores, 0.5), scores)
    with pytest.raises(UserError, match="between 0 and 1"):
        to_half(scores, 1.5)


def test_hmm_and_dropped_runs_are_those_of_every_threshold():
    """Viterbi with shifted emissions, and then without the runs of at most 3 frames: the two transforms say so, too."""
    rng, differing = np.random.default_rng(0), 0
    for _ in range(20):
        silence, event = rng.uniform(0.5, 0.99, 2)
        scores = rng.random((60, 1))
        smoothed = drop_short(hmm_smooth(scores, silence, event), 4)[:, 0]
        for at in (0.1, 0.3, 0.5, 0.7, 0.9):
            active = viterbi(scores[:, 0], silence, event, at)
            kept = np.zeros(60, bool)
            for first, last in runs(active):
                kept[first:last] = last - first > 3
            differing += ((smoothed > at) != kept).sum()
    assert differing == 0
