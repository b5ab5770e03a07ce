"""Fusion: the scores of several systems as one; mean, power mean, and weights learned on labels.

The binary cross-entropy of a weighted mean of scores is convex in the weights, so over the weights that add up to
1 it has one minimum, which sequential quadratic programming (Kraft, 1988) finds in a few steps.
"""

from dataclasses import dataclass

import numpy as np
from scipy import optimize

# A score of 0 for what is there would cost infinitely much.
FLOOR = 1e-7


@dataclass(frozen=True)
class Fusion:
    """A mean of K systems: ``weights (K, C)`` that add up to 1 for each class; exponent 1 mean, 0 geometric mean.

    >>> Fusion(np.array([[0.75], [0.25]]))(np.array([[[0.4]], [[0.8]]]))
    array([[0.5]])
    """

    weights: np.ndarray
    exponent: float = 1.0

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        """Scores ``(K, ..., C)`` -> ``(..., C)``."""
        weights = self.weights.reshape(len(scores), *[1] * (scores.ndim - 2), scores.shape[-1])
        # A member of weight 0 has no say, not even with a score of 0 under a negative exponent.
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.exponent == 0:
                return np.exp(np.where(weights > 0, weights * np.log(scores), 0).sum(0))
            powers = np.where(weights > 0, weights * scores**self.exponent, 0)
            return np.clip(powers.sum(0) ** (1 / self.exponent), 0, 1)

    def without(self, member: int) -> "Fusion":
        """The fusion of the others: their weights scaled up, or equal where they had none."""
        rest = np.delete(self.weights, member, 0)
        rest = np.where(rest.sum(0) > 0, rest, 1)
        return Fusion(rest / rest.sum(0), self.exponent)


def learn(scores: np.ndarray, labels: np.ndarray, per_class: bool = False) -> Fusion:
    """The weighted mean with the least binary cross-entropy.

    Args:
        scores: ``(K, n, C)`` of n labelled frames. labels: ``(n, C)`` booleans.
        per_class: weights for each class on its own, instead of the same for all.

    >>> truth = np.array([[True], [False], [True], [False]])
    >>> good, bad = np.where(truth, 0.9, 0.1), np.full((4, 1), 0.5)
    >>> learn(np.stack([good, bad]), truth).weights.round(3)[:, 0]
    array([1., 0.])
    """
    likelihood = np.maximum(np.where(labels, scores, 1 - scores), FLOOR)
    n_members, _, n_classes = likelihood.shape
    if not per_class:
        weights = _simplex(likelihood.reshape(n_members, -1))
        return Fusion(np.repeat(weights[:, None], n_classes, 1))
    return Fusion(np.stack([_simplex(likelihood[:, :, label]) for label in range(n_classes)], 1))


def cross_entropy(scores: np.ndarray, labels: np.ndarray) -> float:
    """Mean binary cross-entropy, in nats, of scores and boolean labels of one shape."""
    return float(-np.log(np.maximum(np.where(labels, scores, 1 - scores), FLOOR)).mean())


def _simplex(likelihood):
    """Weights ``(K,)`` that maximise the mean log of the mixed likelihoods ``(K, n)``."""
    n_members, n = likelihood.shape

    def loss(weights):
        mixed = np.maximum(weights @ likelihood, FLOOR)
        return -np.log(mixed).mean(), -(likelihood @ (1 / mixed)) / n

    found = optimize.minimize(
        loss,
        np.full(n_members, 1 / n_members),
        jac=True,
        method="SLSQP",
        bounds=[(0, 1)] * n_members,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": np.ones_like},
        options={"ftol": 1e-10},
    )
    weights = np.maximum(found.x, 0)
    return weights / weights.sum()
