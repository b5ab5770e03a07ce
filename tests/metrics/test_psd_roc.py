"""PSD-ROC: the staircase, the mean less the spread, and the area, on curves that a hand can compute."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedsep.metrics.psd_roc import PSDS_2021, Setting, area, psds_of_curves, staircase

SETTING = Setting("x", 0.5, 0.5, 0.3, alpha_ct=0, alpha_st=1, max_efpr=10)
POINTS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 6)), max_size=10)


def test_perfect_system():
    result = psds_of_curves([staircase(np.zeros(1), np.ones(1))] * 3, SETTING)
    assert result.value == 1 and result.per_class.tolist() == [1, 1, 1]


def test_spread_is_the_populations_and_etpr_ends_at_zero():
    curves = [staircase(np.array([0.0]), np.array([1.0])), staircase(np.array([5.0]), np.array([1.0])), None]
    result = psds_of_curves(curves, SETTING)
    # Up to 5 per hour the ratios are 1 and 0: mean .5, deviation .5. From there on both are 1.
    assert result.value == 0.5 and result.efpr.tolist() == [0, 5, 10] and result.etpr.tolist() == [0, 1, 1]
    assert result.per_class[:2].tolist() == [1, 0.5] and np.isnan(result.per_class[2])
    assert psds_of_curves(curves, Setting("y", 0.5, 0.5, 0.3, 0, 0, 10)).value == 0.75


def test_nothing_found():
    assert psds_of_curves([staircase(np.zeros(0), np.zeros(0))], SETTING).value == 0


def test_points_at_and_beyond_the_end_add_nothing():
    assert area(np.array([0.0, 10, 12]), np.array([0.5, 1, 1]), 10) == 0.5


@settings(max_examples=80, deadline=None)
@given(POINTS, st.floats(0, 13))
def test_staircase_is_the_best_point_at_or_below_each_rate(points, rate):
    efpr, tpr = np.array(points, float).reshape(-1, 2).T
    x, y = staircase(efpr, tpr)
    expected = max([0.0, *tpr[efpr <= rate]])
    assert y[np.searchsorted(x, rate, side="right") - 1] == expected
    assert x[0] == 0 and (np.diff(x) > 0).all() and (np.diff(y) > 0).all()


@settings(max_examples=40, deadline=None)
@given(POINTS, POINTS)
def test_value_is_between_zero_and_the_mean_of_the_classes(one, two):
    curves = [staircase(*np.array(points, float).reshape(-1, 2).T * [[1], [1 / 6]]) for points in (one, two)]
    result = psds_of_curves(curves, SETTING)
    assert -1e-12 <= result.value <= result.per_class.mean() + 1e-12


def test_parameters_name_cttc_only_where_it_counts():
    assert "cttc" not in PSDS_2021[0].parameters() and "cttc=0.3" in PSDS_2021[1].parameters()
    assert PSDS_2021[1].parameters() == "dtc=0.1,gtc=0.1,cttc=0.3,alpha_ct=0.5,alpha_st=1,e_max=100/h"


def test_the_mean_over_all_classes_is_named_in_the_id_where_it_counts():
    one, two = (replace(setting, triggered="all") for setting in PSDS_2021)
    assert one.parameters() == PSDS_2021[0].parameters()
    assert "alpha_ct=0.5*(C-1)/C as psds_eval<0.5" in two.parameters()
    assert two.trigger_weight(10) == pytest.approx(0.45) and PSDS_2021[1].trigger_weight(10) == 0.5
