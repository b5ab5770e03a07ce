"""Counts and F1: true positives, false positives and misses of each clip and class, and what follows from them.

Counts of clips add up, so one table of them gives the overall number, the number of each clip, and the resampled
numbers of a bootstrap.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Counts:
    """True positives, false positives, false negatives: ``(n_clips, C)``, or sums over clips ``(..., C)``."""

    tp: np.ndarray
    fp: np.ndarray
    fn: np.ndarray

    @property
    def reference(self) -> np.ndarray:
        """Reference events, same shape."""
        return self.tp + self.fn

    def total(self, weights=None) -> "Counts":
        """Sum over clips ``(C,)``; with ``weights (..., n_clips)`` one weighted sum for each row ``(..., C)``."""
        if weights is None:
            return Counts(self.tp.sum(0), self.fp.sum(0), self.fn.sum(0))
        return Counts(weights @ self.tp, weights @ self.fp, weights @ self.fn)

    def micro_f1(self) -> np.ndarray:
        """F1 over the events of all classes together: ``(...,)``; NaN where there is nothing to find or found."""
        return f1(self.tp.sum(-1), self.fp.sum(-1), self.fn.sum(-1))

    def class_f1(self) -> np.ndarray:
        """F1 of each class: ``(..., C)``; NaN where a class has neither reference nor estimate."""
        return f1(self.tp, self.fp, self.fn)


@dataclass(frozen=True)
class F1:
    """F1 of a system over all clips, as a fraction.

    Args:
        per_class: ``(C,)``; NaN where the published procedure leaves the class out of the mean.
        macro: mean over the classes that are left (published).
        macro_zero: mean over all classes that have a reference or an estimate; what is undefined counts 0.
        micro: over the events of all classes together; 0 where only one of reference and estimate has any, which
            sed_eval leaves without a value.
    """

    per_class: np.ndarray
    macro: float
    macro_zero: float
    micro: float


def f1(tp, fp, fn) -> np.ndarray:
    """``2 TP / (2 TP + FP + FN)``, NaN for 0/0.

    >>> f1(np.array([1, 0]), np.array([1, 0]), np.array([0, 0])).round(3)
    array([0.667,   nan])
    """
    tp, denominator = np.asarray(tp, float), np.asarray(2 * tp + fp + fn, float)
    return np.divide(2 * tp, denominator, out=np.full_like(tp, np.nan), where=denominator > 0)


def mean_where(values, used) -> np.ndarray:
    """Mean over the last axis of the ``values`` that are ``used``; NaN where none is.

    >>> float(mean_where(np.array([1.0, 3.0, np.nan]), np.array([True, True, False])))
    2.0
    """
    n = used.sum(-1)
    total = np.where(used, values, 0.0).sum(-1)
    return np.divide(total, n, out=np.full(np.shape(total), np.nan), where=n > 0)


def summary(total: Counts, used: np.ndarray) -> F1:
    """F1 of summed counts ``(C,)``, with the published rule's classes: ``used`` ``(C,)``."""
    per_class = total.class_f1()
    return F1(
        per_class=np.where(used, np.nan_to_num(per_class), np.nan),
        macro=float(macro_f1(total, used)),
        macro_zero=float(macro_f1(total, ~np.isnan(per_class))),
        micro=float(total.micro_f1()),
    )


def macro_f1(total: Counts, used: np.ndarray) -> np.ndarray:
    """Mean F1 over the ``used`` classes of summed counts, what is undefined counting 0: ``(...,)``."""
    return mean_where(np.nan_to_num(total.class_f1()), used)
