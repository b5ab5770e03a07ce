"""Counts and F1: sums, weights, and what is undefined."""

import numpy as np

from sedsep.metrics.counts import Counts, macro_f1, summary

COUNTS = Counts(np.array([[1, 0], [2, 0]]), np.array([[0, 1], [1, 0]]), np.array([[1, 0], [0, 0]]))


def test_summary():
    total = COUNTS.total()
    result = summary(total, total.reference > 0)
    assert np.isnan(result.per_class[1])
    assert result.macro == result.per_class[0] == 6 / 8
    assert result.macro_zero == 3 / 8
    assert result.micro == 6 / 9


def test_weights_repeat_clips():
    total = COUNTS.total(np.array([[2, 1], [0, 3]]))
    assert total.tp.tolist() == [[4, 0], [6, 0]]
    assert total.fp.tolist() == [[1, 2], [3, 0]]
    assert np.allclose(macro_f1(total, total.reference > 0), [8 / 11, 12 / 15])


def test_nothing_has_no_f1():
    nothing = Counts(np.zeros(2), np.zeros(2), np.zeros(2))
    result = summary(nothing, nothing.reference > 0)
    assert np.isnan([result.macro, result.macro_zero, result.micro]).all()
