"""Published PSDS: DESED's figures, and the traps of psds_eval."""

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
