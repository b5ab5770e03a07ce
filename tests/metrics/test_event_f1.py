"""Collar F1 against sed_eval, its rules one by one, and the matching against brute force."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedsep.labels import events_table
from sedsep.metrics.event_f1 import event_counts, event_f1, matching
from sedsep.metrics.sed_eval_f1 import sed_eval_f1


@pytest.mark.parametrize("seed", range(12))
def test_equals_sed_eval(make_events, seed):
    estimated, reference, durations, classes = make_events(seed, n_classes=1 + seed % 4)
    if seed % 3 == 0:
        reference = reference[reference["event_label"] != classes[-1]]
    ours = event_f1(estimated, reference, classes, durations)
    theirs = sed_eval_f1(estimated, reference, classes, durations)
    assert np.allclose(ours.per_class, theirs.per_class, equal_nan=True, atol=1e-12)
    assert np.allclose([ours.macro, ours.macro_zero], [theirs.macro, theirs.macro_zero], equal_nan=True, atol=1e-12)
    assert ours.micro == pytest.approx(np.nan_to_num(theirs.micro), abs=1e-12)


def found(reference, estimate):
    """Whether an estimate is a true positive of a reference, both (onset, offset)."""
    tables = (events_table([("a", *estimate, "Cat")]), events_table([("a", *reference, "Cat")]))
    return event_f1(*tables, ["Cat"]).micro == 1


def test_onset_collar_is_closed():
    assert found((1, 3), (1.2, 3))
    assert found((1, 3), (0.8, 3))
    assert not found((1, 3), (1.201, 3))


def test_offset_takes_the_larger_tolerance():
    assert found((0, 0.5), (0, 0.7)) and not found((0, 0.5), (0, 0.71))
    assert found((0, 5), (0, 6)) and not found((0, 5), (0, 6.01))


def test_matching_is_largest_not_greedy():
    reference = events_table([("a", 1.0, 2, "Cat"), ("a", 1.3, 2, "Cat")])
    estimated = events_table([("a", 1.15, 2, "Cat"), ("a", 0.9, 2, "Cat")])
    assert event_f1(estimated, reference, ["Cat"]).micro == 1


def test_only_predicted_class_drops_out_of_macro_alone():
    reference = events_table([("a", 0, 1, "Cat")])
    estimated = events_table([("a", 0, 1, "Cat"), ("a", 0, 1, "Dog")])
    result = event_f1(estimated, reference, ["Cat", "Dog"])
    assert result.macro == 1 and result.macro_zero == 0.5 and result.micro == pytest.approx(2 / 3)
    assert np.isnan(result.per_class[1])


def test_no_output_scores_zero_and_nothing_at_all_nan():
    reference = events_table([("a", 0, 1, "Cat")])
    assert event_f1(events_table([]), reference, ["Cat"]).macro == 0
    assert np.isnan(event_f1(events_table([]), events_table([]), ["Cat"]).macro)


def test_counts_by_clip_and_class(make_events):
    estimated, reference, durations, classes = make_events(3)
    counts = event_counts(estimated, reference, durations, classes)
    for row, name in enumerate(durations):
        one = [table[table["filename"] == name] for table in (estimated, reference)]
        total = event_counts(*one, [name], classes).total()
        assert (counts.tp[row] == total.tp).all() and (counts.fp[row] == total.fp).all()


@settings(max_examples=60, deadline=None)
@given(st.sets(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=12))
def test_matching_is_as_large_as_brute_force(edges):
    left, right = np.array(sorted(edges), int).reshape(-1, 2).T
    size = max((n for n in range(6) for chosen in itertools.combinations(edges, n) if one_to_one(chosen)), default=0)
    matched = matching(left, right)
    assert len(matched) == len(set(matched)) == size


def one_to_one(edges):
    return all(len({edge[side] for edge in edges}) == len(edges) for side in (0, 1))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 90), st.integers(1, 20), st.sampled_from("ab")), max_size=8))
def test_perfect_estimate_scores_one_and_order_is_nothing(rows):
    events = events_table([(clip, begin / 10, (begin + length) / 10, "Cat") for begin, length, clip in rows])
    if len(events):
        assert event_f1(events, events, ["Cat"]).micro == 1
        assert event_f1(events[::-1], events, ["Cat"]).micro == 1
