"""Events as arrays: order, unknown names, pairs and overlaps."""

import numpy as np
import pytest

from sedsep.errors import UserError
from sedsep.labels import events_table
from sedsep.metrics.event_arrays import EventArrays, microseconds, overlapping, pairs


def test_sorted_by_clip_class_and_onset():
    table = events_table([("b", 1, 2, "Dog"), ("a", 3, 4, "Dog"), ("a", 0, 1, "Dog"), ("a", 5, 6, "Cat")])
    events = EventArrays.from_table(table, ["a", "b"], ["Cat", "Dog"])
    assert list(zip(events.clip, events.label, events.onset)) == [(0, 0, 5), (0, 1, 0), (0, 1, 3), (1, 1, 1)]
    assert events.count(2, 2).tolist() == [[1, 2], [0, 1]]


def test_rows_without_a_label_are_clips_without_events():
    table = events_table([("a", np.nan, np.nan, np.nan), ("b", 0, 1, "Cat")])
    assert len(EventArrays.from_table(table, ["a", "b"], ["Cat"])) == 1


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (("x", 0, 1, "Cat"), "unknown clip 'x'"),
        (("a", 0, 1, "Cow"), "unknown class 'Cow'"),
        (("a", 2, 1, "Cat"), "before its onset"),
    ],
)
def test_bad_events(row, complaint):
    with pytest.raises(UserError, match=complaint):
        EventArrays.from_table(events_table([row]), ["a"], ["Cat"])


def test_repeated_clip():
    with pytest.raises(UserError, match="not unique"):
        EventArrays.from_table(events_table([]), ["a", "a"], ["Cat"])


def test_pairs_are_all_pairs_of_equal_keys():
    rng = np.random.default_rng(0)
    first, second = np.sort(rng.integers(0, 5, 12)), np.sort(rng.integers(0, 6, 9))
    expected = [(i, j) for i in range(12) for j in range(9) if first[i] == second[j]]
    assert list(zip(*pairs(first, second))) == expected
    assert len(pairs(first, second[:0])[0]) == 0


def test_overlapping_looks_behind_all_earlier_events():
    rows = [("a", 0, 5, "Cat"), ("a", 1, 2, "Cat"), ("a", 3, 4, "Cat"), ("a", 5, 6, "Cat"), ("a", 3, 4, "Dog")]
    events = EventArrays.from_table(events_table(rows), ["a"], ["Cat", "Dog"])
    assert events.onset[overlapping(events)].tolist() == [1, 3]


def test_microseconds():
    assert microseconds([0.1 + 0.2, 9.984]).tolist() == [300000, 9984000]
