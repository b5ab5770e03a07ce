"""Benchmarks of losses under the best permutation, forwards and backwards, against the obvious loop over all of them.

That both compute the same is shown in ``tests/losses/test_assignment.py``.
"""

import itertools

import torch

from sedsep.losses.assignment import assigned, assigned_loss

SHAPES = {"mse": (12, 5, 628, 128), "bce": (12, 5, 10)}  # paper 002: features of synthetic clips, scores of weak ones
LOSSES = {"mse": torch.nn.functional.mse_loss, "bce": torch.nn.functional.binary_cross_entropy}


def over_permutations(x, y, kind):
    """The smallest loss of each clip, from the losses of all pairs, one permutation after the other."""
    n = x.shape[1]
    pairs = [[LOSSES[kind](x[:, i], y[:, j], reduction="none").flatten(1).mean(1) for j in range(n)] for i in range(n)]
    orders = itertools.permutations(range(n))
    return torch.stack([sum(pairs[i][j] for j, i in enumerate(order)) / n for order in orders]).amin(0)


def ours(x, y, kind):
    """The assignment algorithm on a product of matrices, then the loss itself."""
    return assigned_loss(x, y, assigned([(x, y)], kind), kind)


def trained(function, kind):
    """A call that computes the mean loss and its gradient."""
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.rand(SHAPES[kind], generator=generator) for _ in range(2))
    x.requires_grad_()
    return lambda: torch.autograd.grad(function(x, y, kind).mean(), x)


def benchmarks():
    """Yield (name, ours, peer)."""
    for kind, shape in SHAPES.items():
        name = f"{kind} of the best permutation forward and backward, {' x '.join(map(str, shape))}"
        yield name, trained(ours, kind), trained(over_permutations, kind)
