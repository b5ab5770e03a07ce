"""Per-clip counts of operating points: equal to psds_eval, for the set and for resamples of its clips."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sedsep.metrics.bootstrap import resamples
from sedsep.metrics.operating_points import PointCounts
from sedsep.metrics.psd_roc import PSDS_2020, PSDS_2021
from sedsep.metrics.psds import psds
from sedsep.scores.events import decode

# Clips of two seconds have one false positive every half hour and more: look as far as that.
SETTINGS = [replace(setting, max_efpr=5000.0) for setting in PSDS_2021 + PSDS_2020]


def counts(points, reference, durations, classes, setting):
    return PointCounts(points, reference, durations, classes, setting.dtc, setting.gtc, setting.cttc)


@pytest.mark.parametrize("seed", range(6))
def test_equal_to_psds_eval(make_scores, seed):
    scores, reference, durations, classes = make_scores(seed, levels=7)
    points = decode(scores, classes, [0.1, 0.3, 0.5, 0.7])
    theirs = psds(points, reference, durations, classes, SETTINGS)
    for setting in SETTINGS:
        ours = counts(points, reference, durations, classes, setting).psds(setting).item()
        assert ours == pytest.approx(theirs[setting.name].value, abs=1e-9)


def test_a_resample_is_a_set_with_repeated_clips(make_scores):
    scores, reference, durations, classes = make_scores(4)
    points = decode(scores, classes, [0.2, 0.5])
    weights = resamples(len(durations), 3, seed=5)
    names = list(durations)
    for row in weights:
        copies = [(name, f"{k}_{name}") for name, n in zip(names, row) for k in range(int(n))]

        def repeated(table):
            return pd.concat([table[table["filename"] == name].assign(filename=copy) for name, copy in copies])

        resampled = {copy: durations[name] for name, copy in copies}
        tables = [repeated(table) for table in points]
        theirs = psds(tables, repeated(reference), resampled, classes, SETTINGS)
        for setting in SETTINGS[:2]:
            ours = counts(points, reference, durations, classes, setting).psds(setting, row[None]).item()
            assert ours == pytest.approx(theirs[setting.name].value, abs=1e-9)


def test_a_resample_without_references_has_no_value(make_scores):
    scores, reference, durations, classes = make_scores(1)
    weights = np.zeros((1, len(durations)))
    weights[0, 0] = len(durations)
    point_counts = counts(decode(scores, classes, [0.5]), reference, durations, classes, SETTINGS[1])
    assert np.isnan(point_counts.psds(SETTINGS[1], weights)).all()
