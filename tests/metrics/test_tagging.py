"""Tagging F1, average precision and ROC area against scikit-learn."""

import numpy as np
import pytest

from sedsep.metrics import tagging

sklearn_metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is the oracle")


def case(seed, levels=None):
    rng = np.random.default_rng(seed)
    truth = (rng.random((30, 4)) < 0.3).astype(float)
    truth[0], truth[1] = 1, 0
    scores = 0.5 * truth + rng.random(truth.shape) * 0.8
    scores = np.clip(scores, 0, 1)
    return (np.round(scores * levels) / levels if levels else scores), truth


@pytest.mark.parametrize("levels", [None, 3])
@pytest.mark.parametrize("seed", range(5))
def test_ranking_equals_sklearn(seed, levels):
    scores, truth = case(seed, levels)
    oracle = [sklearn_metrics.average_precision_score(t, s) for s, t in zip(scores.T, truth.T)]
    assert np.allclose(tagging.average_precision(scores, truth), oracle)
    assert np.allclose(tagging.roc_auc(scores, truth), sklearn_metrics.roc_auc_score(truth, scores, average=None))
    micro = sklearn_metrics.average_precision_score(truth, scores, average="micro")
    assert tagging.micro_average_precision(scores, truth) == pytest.approx(micro)


@pytest.mark.parametrize("seed", range(3))
def test_f1_equals_sklearn(seed):
    scores, truth = case(seed)
    truth[:, 3], scores[:, 3] = 0, 0.1
    for mean, value in (("macro", "macro"), ("micro", "micro")):
        oracle = sklearn_metrics.f1_score(truth, scores > 0.5, average=mean, zero_division=0)
        assert getattr(tagging.tagging_f1(scores, truth), value) == pytest.approx(oracle)


def test_empty_class_counts_zero_as_published():
    scores, truth = np.array([[0.9, 0.1]]), np.array([[1, 0]])
    result = tagging.tagging_f1(scores, truth)
    assert result.macro == 0.5 and result.macro_zero == 1 and result.per_class.tolist() == [1, 0]


def test_threshold_is_strict():
    assert tagging.tagging_f1(np.array([[0.5]]), np.array([[1]])).micro == 0


def test_classes_that_no_clip_or_every_clip_has():
    scores, truth = np.array([[0.2, 0.3], [0.4, 0.1]]), np.array([[0, 1], [0, 1]])
    assert np.isnan(tagging.average_precision(scores, truth)).tolist() == [True, False]
    assert np.isnan(tagging.roc_auc(scores, truth)).all() and np.isnan(tagging.macro(tagging.roc_auc(scores, truth)))
    assert np.isnan(tagging.average_precision(np.zeros((0, 2)), np.zeros((0, 2)))).all()
