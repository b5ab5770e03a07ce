"""Resampling against fine sampling, and windows that events overlap."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sedsep.scores.grids import many_hot, resample


def slowly(scores, boundaries, onto):
    """Overlap-weighted mean, window by window; scores go on beyond their end."""
    ends = np.append(boundaries[:-1], max(boundaries[-1], onto[-1]))
    out = []
    for start, stop in zip(onto[:-1], onto[1:]):
        overlap = np.clip(np.minimum(ends[1:], stop) - np.maximum(ends[:-1], start), 0, None)
        out.append(overlap @ scores / (stop - start))
    return np.array(out)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 9999), n=st.integers(1, 20), k=st.integers(1, 20))
def test_overlap_weighted_mean(seed, n, k):
    rng = np.random.default_rng(seed)
    boundaries = np.concatenate([[0], np.cumsum(rng.random(n) + 0.05)])
    onto = np.concatenate([[0], np.cumsum(rng.random(k) + 0.05)])
    scores = rng.random((n, 3))
    found = resample(scores, boundaries, onto)
    assert np.allclose(found, slowly(scores, boundaries, onto), atol=1e-12)
    assert found.min() >= 0 and found.max() <= 1


def test_the_same_grid_and_whole_divisions_are_exact():
    scores = np.random.default_rng(0).random((10, 2))
    grid = np.arange(11) * 0.128
    assert (resample(scores, grid, grid) == scores).all()
    finer = resample(scores, grid, np.arange(21) * 0.064)
    assert np.allclose(finer, np.repeat(scores, 2, 0), atol=1e-12)
    assert np.allclose(resample(finer, np.arange(21) * 0.064, grid), scores, atol=1e-12)


def test_windows_that_events_overlap():
    boundaries = np.array([0, 0.5, 1, 1.2])
    active = many_hot([(0.0, 0.5, "a"), (0.9, 1.1, "b"), (1.2, 1.5, "a")], boundaries, ("a", "b"))
    assert active.tolist() == [[True, False], [False, True], [False, True]]
