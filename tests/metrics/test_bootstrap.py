"""Bootstrap: reproducible resamples, coverage of the interval, and the paired test."""

import numpy as np

from sedsep.metrics.bootstrap import interval, paired_difference, resamples


def test_resamples_repeat_with_the_seed_and_keep_the_number_of_clips():
    first = resamples(20, 50, seed=3)
    assert (first == resamples(20, 50, seed=3)).all() and (first != resamples(20, 50, seed=4)).any()
    assert (first.sum(1) == 20).all()


def test_interval_covers_the_mean():
    rng = np.random.default_rng(0)
    covered = 0
    for seed in range(100):
        sample = rng.normal(size=60)
        low, high = interval(resamples(60, 300, seed) @ sample / 60)
        covered += low <= 0 <= high
    assert 85 <= covered <= 100


def test_replicates_without_a_value_are_left_out():
    assert interval([np.nan, 1, 1]) == (1, 1)
    assert np.isnan(interval([np.nan])).all()


def test_paired_test_sees_a_small_but_steady_difference():
    rng = np.random.default_rng(1)
    clips = rng.normal(0.5, 0.3, 80)
    better = clips + 0.02 + 0.01 * rng.normal(size=80)
    drawn = resamples(80, 500)
    test = paired_difference(better.mean(), clips.mean(), drawn @ better / 80, drawn @ clips / 80)
    assert test.p < 0.01 and test.low > 0
    apart = paired_difference(better.mean(), clips.mean(), drawn @ better / 80, resamples(80, 500, 9) @ clips / 80)
    assert apart.p > 0.05


def test_no_difference():
    same = paired_difference(1, 1, np.ones(9), np.ones(9))
    assert same.p == 1 and same.value == same.low == same.high == 0
