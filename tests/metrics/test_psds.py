"""Published PSDS: DESED's figures, and the traps of psds_eval."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sedsep.errors import UserError
from sedsep.labels import events_table
from sedsep.metrics.operating_points import PointCounts
from sedsep.metrics.psd_roc import PSDS_2020, PSDS_2021
from sedsep.metrics.psds import psds

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "desed2021"
DURATIONS = dict.fromkeys(["a", "b"], 10.0)
CLASSES = ["Cat", "Dog"]
REFERENCE = events_table([("a", 0, 5, "Cat"), ("b", 1, 2, "Dog"), ("b", 5, 6, "Cat")])


def values(points, reference=REFERENCE, classes=CLASSES):
    return {name: found.value for name, found in psds(points, reference, DURATIONS, classes, PSDS_2021).items()}


def test_one_perfect_operating_point():
    assert values([REFERENCE]) == {"psds1": 1, "psds2": 1}


def test_nothing_found():
    assert values([events_table([])]) == {"psds1": 0, "psds2": 0}


def test_the_same_operating_point_twice_is_one():
    assert values([REFERENCE, REFERENCE[::-1], REFERENCE]) == values([REFERENCE])


def test_a_class_without_references_is_left_out():
    estimated = pd.concat([REFERENCE, events_table([("a", 0, 9, "Fish")])])
    found = psds([estimated], REFERENCE, DURATIONS, ["Cat", "Dog", "Fish"], PSDS_2021)
    assert found["psds1"].value == 1 and np.isnan(found["psds1"].per_class[2])


def test_one_class_has_no_cross_triggers():
    reference = REFERENCE[REFERENCE["event_label"] == "Cat"]
    assert values([reference], reference, ["Cat"]) == {"psds1": 1, "psds2": 1}


@pytest.mark.parametrize(
    ("points", "reference", "complaint"),
    [
        ([], REFERENCE, "at least one operating point"),
        ([REFERENCE], REFERENCE[:0], "has none"),
        ([events_table([("a", 0, 2, "Cat"), ("a", 1, 3, "Cat")])], REFERENCE, "psds_eval refuses"),
    ],
)
def test_bad_input(points, reference, complaint):
    with pytest.raises(UserError, match=complaint):
        values(points, reference)


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/data/desed2021")
def test_desed_2021():
    columns = {"dtype": {"onset": float, "offset": float}, "sep": "\t"}
    reference = pd.read_csv(SHARED / "validation.tsv", **columns).dropna()
    durations = pd.read_csv(SHARED / "validation_durations.tsv", sep="\t")
    durations = dict(zip(durations["filename"], durations["duration"]))
    points = [pd.read_csv(path, **columns) for path in sorted((SHARED / "baseline_student").glob("*.tsv"))]
    classes = sorted(set(reference["event_label"]))
    found = psds(points, reference, durations, classes, PSDS_2021)
    assert round(found["psds1"].value, 5) == 0.33447 and round(found["psds2"].value, 5) == 0.52810
    for setting in PSDS_2021:
        criteria = (setting.dtc, setting.gtc, setting.cttc)
        ours = PointCounts(points, reference, durations, classes, *criteria).psds(setting).item()
        assert ours == pytest.approx(found[setting.name].value, abs=5e-5)


def test_2020_settings_are_ordered_by_severity(make_events):
    estimated, reference, durations, classes = make_events(2)
    found = psds([estimated], reference, durations, classes, PSDS_2020)
    assert found["psds"].value >= max(found["psds-cross-trigger"].value, found["psds-macro"].value)


def by_hand(estimated, reference, durations, classes, setting):
    """PSDS of one operating point without spread, cross-triggers of a class averaged as psds_eval 0.4 did."""
    verdicts = PointCounts([estimated], reference, durations, classes, setting.dtc, setting.gtc, setting.cttc)
    seconds = sum(durations.values()) / 3600
    triggers = np.zeros((len(classes), len(classes)))  # the diagonal stays zero and is averaged with the rest
    counted = np.asarray(verdicts.triggers.sum(1)).ravel()
    rows, cells = verdicts.trigger_row.tocoo().coords
    triggers[rows, verdicts.trigger_class[cells]] = counted[cells]
    hours = [sum(e.offset - e.onset for e in reference.itertuples() if e.event_label == c) / 3600 for c in classes]
    rates = (triggers / np.array(hours)).mean(1)
    found = np.asarray(verdicts.found.sum(1)).ravel()
    wrong = np.asarray(verdicts.superfluous.sum(1)).ravel()
    efpr, tpr = wrong / seconds + setting.alpha_ct * rates, found / verdicts.n_references.sum(0)
    edges = np.unique([0.0, *efpr[efpr < setting.max_efpr], setting.max_efpr])
    mean = [tpr[efpr <= edge].sum() / len(classes) for edge in edges[:-1]]
    return float(np.sum(np.diff(edges) * mean) / setting.max_efpr)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_the_mean_over_all_classes_is_that_of_psds_eval_before_0_5(make_events, n_classes):
    estimated, reference, durations, classes = make_events(3, n_clips=12, n_classes=n_classes)
    setting = replace(PSDS_2021[1], alpha_ct=1.0, alpha_st=0.0, max_efpr=3000.0)
    old = replace(setting, triggered="all")
    new_value, old_value = (
        psds([estimated], reference, durations, classes, [one])["psds2"].value for one in (setting, old)
    )
    assert old_value > new_value, "the cross-triggers weigh less"
    assert old_value == pytest.approx(by_hand(estimated, reference, durations, classes, old), abs=1e-9)
    counts = PointCounts([estimated], reference, durations, classes, old.dtc, old.gtc, old.cttc)
    assert counts.psds(old).item() == pytest.approx(old_value, abs=1e-9)
