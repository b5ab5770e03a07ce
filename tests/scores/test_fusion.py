"""Means against their definitions, learned weights against a fine search."""

import numpy as np
import pytest

from sedsep.scores.fusion import Fusion, cross_entropy, learn


@pytest.mark.parametrize("exponent", [1, 2, 0.5, -1, 0])
def test_power_means(exponent):
    rng = np.random.default_rng(0)
    scores, weights = rng.random((3, 5, 2)), rng.dirichlet(np.ones(3), 2).T
    found = Fusion(weights, exponent)(scores)
    if exponent == 0:
        expected = np.prod(scores ** weights[:, None], 0)
    else:
        expected = (weights[:, None] * scores**exponent).sum(0) ** (1 / exponent)
    assert np.allclose(found, expected, atol=1e-12)
    assert (found >= scores.min(0) - 1e-12).all() and (found <= scores.max(0) + 1e-12).all()
    assert np.allclose(Fusion(weights, exponent)(scores[:, 0]), found[0])


@pytest.mark.parametrize("exponent", [1, -1, 0])
def test_scores_of_zero_and_members_of_weight_zero(exponent):
    scores = np.array([[[0.0]], [[0.8]]])
    assert Fusion(np.array([[0.0], [1.0]]), exponent)(scores)[0, 0] == pytest.approx(0.8)
    half = Fusion(np.array([[0.5], [0.5]]), exponent)(scores)[0, 0]
    assert half == pytest.approx(0.4 if exponent == 1 else 0.0)


def test_without_a_member():
    fusion = Fusion(np.array([[0.5, 1.0], [0.3, 0.0], [0.2, 0.0]]), 2.0).without(0)
    assert np.allclose(fusion.weights, [[0.6, 0.5], [0.4, 0.5]]) and fusion.exponent == 2.0


def noisy(rng, labels, noise):
    return 1 / (1 + np.exp(-(4 * labels - 2 + noise * rng.standard_normal(labels.shape))))


def test_learned_weights_are_the_best():
    rng = np.random.default_rng(1)
    labels = rng.random((400, 2)) < 0.3
    scores = np.stack([noisy(rng, labels, 2.0), noisy(rng, labels, 3.0)])
    loss = cross_entropy(learn(scores, labels)(scores), labels)
    grid = [np.full((2, 2), [[w], [1 - w]]) for w in np.linspace(0, 1, 201)]
    best = min(cross_entropy(Fusion(weights)(scores), labels) for weights in grid)
    assert best - 1e-5 < loss < best + 1e-9
    assert loss < min(cross_entropy(member, labels) for member in scores)


def test_weights_per_class():
    rng = np.random.default_rng(2)
    labels = rng.random((400, 2)) < 0.3
    good, bad = noisy(rng, labels, 1.0), rng.random(labels.shape)
    scores = np.stack([np.stack([good[:, 0], bad[:, 1]], 1), np.stack([bad[:, 0], good[:, 1]], 1)])
    weights = learn(scores, labels, per_class=True).weights
    assert np.allclose(weights.sum(0), 1) and weights[0, 0] > 0.95 and weights[1, 1] > 0.95
    shared = learn(scores, labels).weights
    assert (shared[:, 0] == shared[:, 1]).all()
    own = Fusion(weights)(scores)
    assert cross_entropy(own, labels) < cross_entropy(Fusion(shared)(scores), labels)


def test_certain_mistakes_cost_much_but_not_infinitely():
    labels = np.array([[True], [False]])
    wrong = np.array([[0.0], [1.0]])
    assert 10 < cross_entropy(wrong, labels) < 20
    weights = learn(np.stack([wrong, 1 - wrong]), labels).weights[:, 0]
    assert np.allclose(weights, [0, 1], atol=1e-3)
