"""Intersection criteria against psds_eval, and each rule by hand."""

import numpy as np
import pandas as pd
import psds_eval
import pytest

from sedsep.labels import events_table
from sedsep.metrics.event_arrays import EventArrays
from sedsep.metrics.intersection import intersection_counts, intersection_f1, judge


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("share", [0.5, 0.1, 0.7])
def test_counts_equal_psds_eval(make_events, seed, share):
    estimated, reference, durations, classes = make_events(seed)
    # Off the common grid no overlap is exactly at a threshold, where psds_eval leaves the decision to rounding.
    estimated = estimated.assign(onset=estimated["onset"] + 0.00137, offset=estimated["offset"] + 0.00071)
    metadata = pd.DataFrame({"filename": list(durations), "duration": list(durations.values())})
    oracle = psds_eval.PSDSEval(share, share, 0.3, ground_truth=reference, metadata=metadata)
    oracle.add_operating_point(estimated)
    counts = oracle.operating_points.counts.iloc[0]
    total = intersection_counts(estimated, reference, durations, classes, share, share).total()
    assert total.tp.tolist() == np.diag(counts)[:-1].tolist()
    assert total.fp.tolist() == counts[:-1, -1].tolist()
    triggers = np.zeros_like(counts[:-1, :-1])
    detections, references = (EventArrays.from_table(t, durations, classes) for t in (estimated, reference))
    verdict = judge(detections, references, np.full(len(durations), 10.0), share, share, 0.3, len(classes))
    np.add.at(triggers, (detections.label[verdict.trigger_detection], verdict.trigger_class), 1)
    assert (triggers == counts[:-1, :-1] - np.diag(np.diag(counts)[:-1])).all()
    macro, _ = oracle.compute_macro_f_score(estimated)
    assert intersection_f1(estimated, reference, classes, durations, share, share).macro == pytest.approx(macro)


def counts(estimated, reference, dtc=0.5, gtc=0.5, duration=10.0):
    """(TP, FP, FN) of class Cat in one clip."""
    tables = [events_table([("a", *span, "Cat") for span in spans]) for spans in (estimated, reference)]
    total = intersection_counts(*tables, {"a": duration}, ["Cat"], dtc, gtc).total()
    return total.tp.item(), total.fp.item(), total.fn.item()


def test_exactly_the_share_is_enough():
    assert counts([(0, 1)], [(0, 0.7)], dtc=0.7, gtc=1) == (1, 0, 0)
    assert counts([(0, 0.64)], [(0.192, 1)], dtc=0.7, gtc=0.5) == (1, 0, 0)
    assert counts([(0, 1)], [(0, 0.699)], dtc=0.7) == (0, 1, 1)


def test_one_detection_finds_many_references_and_many_find_one():
    assert counts([(0, 4)], [(0, 1), (1.5, 2.5), (3, 4)]) == (3, 0, 0)
    assert counts([(0, 1), (2, 3), (3.5, 4)], [(0, 4)]) == (1, 0, 0)
    # Relevant, but it covers too little: neither found nor a false positive.
    assert counts([(0, 1)], [(0, 4)]) == (0, 0, 1)


def test_detections_outside_the_clip_or_without_duration_are_none():
    assert counts([(10, 11)], [(0, 1)]) == (0, 0, 1)
    assert counts([(9, 11)], [(0, 1)]) == (0, 1, 1)
    assert counts([(3, 3)], [(0, 1)]) == (0, 0, 1)


def test_zero_shares_still_need_an_overlap():
    assert counts([(5, 6)], [(0, 1)], dtc=0, gtc=0) == (0, 1, 1)


def test_class_without_true_positives_drops_out_as_published():
    reference = events_table([("a", 0, 1, "Cat"), ("a", 0, 1, "Dog")])
    result = intersection_f1(reference[:1], reference, ["Cat", "Dog"])
    assert result.macro == 1 and result.macro_zero == 0.5
