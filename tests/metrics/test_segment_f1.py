"""Segment F1 against sed_eval."""

import numpy as np
import pytest
import sed_eval

from sedsep.labels import events_table
from sedsep.metrics.segment_f1 import segment_counts, segment_f1


@pytest.mark.parametrize("seed", range(8))
def test_equals_sed_eval(make_events, seed):
    estimated, reference, durations, classes = make_events(seed, n_classes=1 + seed % 3)
    if seed % 2:
        estimated = estimated[estimated["event_label"] != classes[0]]
    metrics = sed_eval.sound_event.SegmentBasedMetrics(event_label_list=classes, time_resolution=1.0)
    for name in durations:
        one = [table[table["filename"] == name].to_dict("records") for table in (reference, estimated)]
        if any(one):
            metrics.evaluate(*one)
    ours = segment_f1(estimated, reference, classes, durations)
    theirs = [metrics.class_wise_f_measure(label)["f_measure"] for label in classes]
    assert np.allclose(ours.per_class, theirs, equal_nan=True)
    assert ours.micro == pytest.approx(np.nan_to_num(metrics.overall_f_measure()["f_measure"]))
    if not np.isnan(theirs).all():
        assert ours.macro == pytest.approx(np.nanmean(theirs))


def test_floor_of_onset_and_ceiling_of_offset():
    reference = events_table([("a", 0.9, 2.1, "Cat"), ("a", 2.2, 2.5, "Cat")])
    counts = segment_counts(events_table([("a", 2, 4, "Cat")]), reference, ["a"], ["Cat"])
    assert (counts.tp.item(), counts.fp.item(), counts.fn.item()) == (1, 1, 2)


def test_a_class_never_output_drops_out_of_macro_alone():
    reference = events_table([("a", 0, 1, "Cat"), ("a", 0, 1, "Dog")])
    result = segment_f1(reference[:1], reference, ["Cat", "Dog"])
    assert result.macro == 1 and result.macro_zero == 0.5


def test_no_events():
    assert np.isnan(segment_f1(events_table([]), events_table([]), ["Cat"]).micro)
