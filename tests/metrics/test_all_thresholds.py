"""Runs of all thresholds against thresholding at each one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedsep.labels import runs
from sedsep.metrics.all_thresholds import most_changes, runs_of_clip


def all_runs(ranks, times=None):
    """(onset, offset, born, ended) of each run; times default to frame numbers."""
    n = len(ranks)
    times = np.arange(n + 1) if times is None else np.asarray(times)
    scratch = [np.empty(n, np.int64) for _ in range(2)]
    out = [np.empty(n, np.int64) for _ in range(4)]
    count = runs_of_clip(np.asarray(ranks, np.int64), times.astype(np.int64), *scratch, *out)
    return list(zip(*(part[:count].tolist() for part in out)))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=12))
def test_each_level_has_the_runs_of_its_threshold(ranks):
    found = all_runs(ranks)
    for level in range(6):
        at_level = sorted((onset, offset) for onset, offset, born, ended in found if ended < level <= born)
        assert at_level == runs(np.array(ranks) >= level)


def test_at_most_one_run_per_frame():
    rng = np.random.default_rng(0)
    assert len(all_runs(rng.permutation(156))) == 156
    assert all_runs([3] * 156) == [(0, 156, 3, -1)]


@pytest.mark.parametrize("ranks", [[1, 0, 2], [2, 1, 0]])
def test_runs_without_duration_are_none(ranks):
    assert all(offset > onset for onset, offset, *_ in all_runs(ranks, [0, 10, 20, 20]))


def test_room_for_changes_goes_by_classes_and_not_by_references():
    # Three clips of 5, 0 and 2 frames; their references are of classes (0, 0, 2), (1), none.
    found = most_changes(np.array([0, 5, 5, 7]), np.array([0, 3, 4, 4]), np.array([0, 0, 2, 1]))
    assert found == 2 * (5 * 4 + 2 * 2)
    # The same class at the end of one clip and the beginning of the next counts in both.
    assert most_changes(np.array([0, 1, 2]), np.array([0, 1, 2]), np.array([4, 4])) == 2 * (3 + 3)
