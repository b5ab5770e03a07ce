"""Clip tagging: which classes sound in a clip, judged by F1 at a threshold, average precision and area under ROC.

Sources: DCASE 2021 task 4 (tagging F1 at 0.5); scikit-learn's definitions of average precision (a sum over
thresholds, not an interpolated area) and of the area under the ROC curve (ties count half).
"""

import numpy as np

from sedsep.metrics.counts import F1, Counts, mean_where, summary


def tagging_f1(scores, truth, threshold=0.5) -> F1:
    """Tagging F1 at a threshold.

    Args:
        scores: ``(n_clips, C)`` in [0, 1]. truth: ``(n_clips, C)``, zeros and ones.
        threshold: a class is tagged when its score is above it, strictly.

    Returns:
        ``macro`` is over all classes; one with neither truth nor tag counts 0, as published.
        ``macro_zero`` leaves such a class out.
    """
    total = tagging_counts(scores, truth, threshold).total()
    return summary(total, published_classes(total))


def published_classes(total: Counts) -> np.ndarray:
    """Which classes the published macro mean is taken over: all of them, ``(..., C)`` booleans."""
    return np.ones(np.shape(total.tp), bool)


def tagging_counts(scores, truth, threshold=0.5) -> Counts:
    """Right, wrong and missed tags: arrays ``(n_clips, C)``."""
    tagged, present = np.asarray(scores) > threshold, np.asarray(truth) > 0
    return Counts(*(part.astype(np.int64) for part in (tagged & present, tagged & ~present, ~tagged & present)))


def average_precision(scores, truth) -> np.ndarray:
    """Average precision of each class, ``(C,)``; NaN for a class that no clip has.

    >>> average_precision(np.array([[0.9], [0.8], [0.7]]), np.array([[1], [0], [1]])).round(4)
    array([0.8333])
    """
    return np.array([_average_precision(*column) for column in zip(np.transpose(scores), np.transpose(truth))])


def micro_average_precision(scores, truth) -> float:
    """Average precision over all (clip, class) pairs as one list."""
    return _average_precision(np.ravel(scores), np.ravel(truth))


def roc_auc(scores, truth) -> np.ndarray:
    """Area under the ROC curve of each class, ``(C,)``; NaN for a class that all clips or none have.

    >>> float(roc_auc(np.array([[0.9], [0.8], [0.7]]), np.array([[1], [0], [1]]))[0])
    0.5
    """
    return np.array([_roc_auc(*column) for column in zip(np.transpose(scores), np.transpose(truth))])


def macro(per_class) -> float:
    """Mean over the classes that have a value; NaN where none has."""
    per_class = np.asarray(per_class, float)
    return float(mean_where(per_class, ~np.isnan(per_class)))


def _ranked(scores, truth):
    """Cumulative positives and all, taken where the threshold passes each distinct score, highest first."""
    order = np.argsort(-np.asarray(scores, float), kind="stable")
    scores, truth = np.asarray(scores, float)[order], np.asarray(truth)[order] > 0
    last = np.flatnonzero(np.append(np.diff(scores) != 0, True)) if len(scores) else np.zeros(0, int)
    return np.cumsum(truth)[last], last + 1


def _average_precision(scores, truth) -> float:
    positives, listed = _ranked(scores, truth)
    if not len(positives) or positives[-1] == 0:
        return float("nan")
    recall = positives / positives[-1]
    return float(np.sum(np.diff(recall, prepend=0) * positives / listed))


def _roc_auc(scores, truth) -> float:
    positives, listed = _ranked(scores, truth)
    negatives = listed - positives
    if not len(positives) or positives[-1] == 0 or negatives[-1] == 0:
        return float("nan")
    true_rate = np.append(0, positives / positives[-1])
    false_rate = np.append(0, negatives / negatives[-1])
    return float(np.sum(np.diff(false_rate) * (true_rate[1:] + true_rate[:-1]) / 2))
