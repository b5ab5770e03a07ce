"""Minimise an expensive function in a box by a sequential search with an ensemble of random trees.

Sources: Hutter et al., 2011 (sequential model-based optimisation), Jones et al., 1998 (expected improvement),
Geurts et al., 2006 (extremely randomised trees). The search that Cornell et al., DCASE 2020, tuned their HMMs
with.
"""

import numpy as np
from scipy import stats
from sklearn.ensemble import ExtraTreesRegressor


def minimise(objective, low, high, evaluations=200, initial=10, candidates=2000, seed=0):
    """Search for the minimum of ``objective`` in a box.

    After ``initial`` random points each next point is the one of ``candidates`` random points with the largest
    expected improvement, by mean and spread of the trees' predictions.

    Args:
        objective: ``(D,)`` -> number. low, high: ``(D,)`` bounds.

    Returns:
        The best point ``(D,)`` and its value.

    >>> point, value = minimise(lambda x: float(((x - 0.3) ** 2).sum()), [0, 0], [1, 1], evaluations=20)
    >>> value < 0.05
    True
    """
    rng = np.random.default_rng(seed)
    low, high = np.asarray(low, float), np.asarray(high, float)
    points, values = [], []
    for index in range(evaluations):
        if index < initial:
            point = rng.uniform(low, high)
        else:
            trees = ExtraTreesRegressor(100, min_samples_leaf=2, random_state=index).fit(points, values)
            drawn = rng.uniform(low, high, (candidates, len(low)))
            point = drawn[_expected_improvement(trees, drawn, min(values)).argmax()]
        points.append(point)
        values.append(objective(point))
    best = int(np.argmin(values))
    return points[best], values[best]


def _expected_improvement(trees, points, best):
    predictions = np.stack([tree.predict(points) for tree in trees.estimators_])
    mean, spread = predictions.mean(0), predictions.std(0) + 1e-12
    z = (best - mean) / spread
    return spread * (z * stats.norm.cdf(z) + stats.norm.pdf(z))
