"""Losses under the best assignment: against a loop over all permutations, at their minimum, and with gradients."""

import itertools

import pytest
import torch
import torch.nn.functional as F

from sedsep.losses.assignment import assigned, assigned_loss, class_rows, deep_loss, pair_costs
from sedsep.losses.pit import reorder


def drawn(kind, n_sources=5, seed=0, shape=(6, 3)):
    generator = torch.Generator().manual_seed(seed)
    x, y = (torch.rand(4, n_sources, *shape, generator=generator) for _ in range(2))
    return (x, (y > 0.6).float()) if kind == "bce" else (x, y)


def brute_force(pairs, kind):
    """Smallest sum of the pairs' losses of each clip, and its permutation, by a loop over all."""
    distance = {"mse": F.mse_loss, "bce": F.binary_cross_entropy}[kind]
    orders = list(itertools.permutations(range(pairs[0][0].shape[1])))
    return [
        min((float(sum(distance(x[clip, list(order)], y[clip]) for x, y in pairs)), order) for order in orders)
        for clip in range(len(pairs[0][0]))
    ]


@pytest.mark.parametrize("kind", ["mse", "bce"])
@pytest.mark.parametrize("n_sources", [1, 2, 5])
def test_is_the_best_of_all_permutations(kind, n_sources):
    x, y = drawn(kind, n_sources, seed=n_sources)
    permutation = assigned([(x, y)], kind)
    losses = assigned_loss(x, y, permutation, kind)
    for loss, order, (expected, best) in zip(losses, permutation.tolist(), brute_force([(x, y)], kind)):
        assert tuple(order) == best and float(loss) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("kind", ["mse", "bce"])
def test_two_pairs_share_one_permutation(kind):
    pairs = [drawn(kind, seed=1), drawn(kind, seed=2, shape=(4,))]
    permutation = assigned(pairs, kind)
    total = sum(assigned_loss(*pair, permutation, kind) for pair in pairs)
    expected = brute_force(pairs, kind)
    assert [tuple(order) for order in permutation.tolist()] == [best for _, best in expected]
    torch.testing.assert_close(total, torch.tensor([value for value, _ in expected]))
    alone = sum(assigned_loss(*pair, assigned([pair], kind), kind) for pair in pairs)
    assert (alone < total - 1e-6).any(), "each by itself does better, or the test shows nothing"


@pytest.mark.parametrize("kind", ["mse", "bce"])
def test_costs_are_those_of_single_pairs(kind):
    x, y = drawn(kind)
    distance = {"mse": F.mse_loss, "bce": F.binary_cross_entropy}[kind]
    costs = pair_costs(x, y, kind)
    for b, i, j in itertools.product(range(4), range(5), range(5)):
        assert float(costs[b, i, j]) == pytest.approx(float(distance(x[b, i], y[b, j])), rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("kind", ["mse", "bce"])
def test_scores_at_their_limits_stay_finite(kind):
    x, y = torch.tensor([[[0.0], [1.0]]], requires_grad=True), torch.tensor([[[1.0], [0.0]]])
    permutation = assigned([(x, y)], kind)
    loss = assigned_loss(x, y, permutation, kind)
    loss.sum().backward()
    assert permutation.tolist() == [[1, 0]] and float(loss.detach()) == 0 and torch.isfinite(x.grad).all()


def test_large_and_nearly_equal_features_have_a_loss_that_is_not_below_zero():
    """There the product of matrices loses all digits; it must only choose."""
    torch.manual_seed(0)
    references = 100 + torch.rand(2, 5, 200, 64)
    estimates = (references + 1e-4 * torch.randn(2, 5, 200, 64)).requires_grad_()
    costs = pair_costs(estimates.detach(), references)
    assert float((costs.diagonal(dim1=1, dim2=2) - 1e-8).abs().max()) > 1e-4, "or the test shows nothing"
    loss = assigned_loss(estimates, references, assigned([(estimates, references)]))
    direct = (estimates.detach() - references).square().flatten(1).mean(1)
    torch.testing.assert_close(loss.detach(), direct, rtol=1e-6, atol=0)


def test_deep_loss_is_a_norm_per_layer():
    torch.manual_seed(0)
    references = [torch.randn(2, 3, 4, 5), torch.randn(2, 3, 7)]
    order = torch.tensor([[1, 2, 0], [2, 0, 1]])
    back = order.argsort(1)
    estimates = [reorder(y, back) for y in references]
    assert deep_loss(estimates, references, order).tolist() == [0, 0]
    assert deep_loss(estimates, references, back).min() > 0.1
    moved = [(y + 0.5).requires_grad_() for y in estimates]
    mean, added = (deep_loss(moved, references, order, how) for how in ("mean", "sum"))
    torch.testing.assert_close(mean, torch.full((2,), 1.0))
    torch.testing.assert_close(added, torch.full((2,), 0.5 * (60 + 21)))
    mean.sum().backward()
    assert all(y.grad.abs().min() > 0 for y in moved)


def test_deep_loss_wants_the_same_layers():
    with pytest.raises(ValueError):
        deep_loss([torch.zeros(1, 2, 3)], [], torch.tensor([[0, 1]]))


def test_a_row_for_each_class():
    tags = torch.tensor([[0.0, 1, 0, 1, 1], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]])
    rows = class_rows(tags, 3)
    assert rows[0].nonzero().tolist() == [[0, 1], [1, 3], [2, 4]]
    assert not rows[1].any()
    assert rows[2].tolist() == [[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 1, 1, 1]]
    assert torch.equal(rows.sum(1), tags)
