"""Uncertainty: a number's interval under resampling of the clips, and the difference of two systems' numbers.

Source: Efron and Tibshirani, "An introduction to the bootstrap" (1993): percentile intervals; a paired test draws
the same clips for both systems.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Difference:
    """How much better A is than B: ``value``, its 95 % interval, and a two-sided p-value for no difference."""

    value: float
    low: float
    high: float
    p: float


def resamples(n_clips: int, n: int, seed: int = 0) -> np.ndarray:
    """``n`` samples of clips, with replacement: how often each clip was drawn, ``(n, n_clips)`` floats.

    >>> resamples(5, 3).sum(1)
    array([5., 5., 5.])
    """
    generator = np.random.default_rng(seed)
    return generator.multinomial(n_clips, np.full(n_clips, 1 / n_clips), size=n).astype(float)


def interval(replicates, level=0.95) -> tuple:
    """Percentile interval of a number's replicates, those without a value left out; NaN where none is left."""
    replicates = np.asarray(replicates, float)
    replicates = replicates[~np.isnan(replicates)]
    if not len(replicates):
        return float("nan"), float("nan")
    low, high = np.quantile(replicates, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def paired_difference(value_a, value_b, replicates_a, replicates_b) -> Difference:
    """Compare two systems whose replicates were drawn from the same clips, one by one.

    The p-value is twice the share of replicates, the observed one counted with them, in which the difference is
    zero or has the other sign; at least ``2 / (n + 1)``.

    >>> paired_difference(0.5, 0.4, np.array([0.5, 0.6, 0.7]), np.array([0.4, 0.5, 0.6])).p
    0.5
    """
    differences = np.asarray(replicates_a, float) - np.asarray(replicates_b, float)
    differences = differences[~np.isnan(differences)]
    smaller = min((differences <= 0).sum(), (differences >= 0).sum())
    p = min(1.0, 2 * (1 + int(smaller)) / (1 + len(differences)))
    return Difference(float(value_a - value_b), *interval(differences), p)
