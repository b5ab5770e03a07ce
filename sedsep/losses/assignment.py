"""Losses that add up over sources, under the one-to-one match of estimates and references that makes them least.

Source: Cornell et al., "Task-aware separation for the DCASE 2020 task 4 sound event detection and separation
challenge", DCASE 2020, eq. 1 to 6. Mean squared errors and cross-entropies are sums over the sources, so that the
assignment algorithm finds the permutation. The cost of every pair comes from one product of matrices; that loses
digits where a pair is nearly equal, so that it only chooses, and the loss itself is computed directly.
"""

from typing import Literal

import torch
import torch.nn.functional as F

from sedsep.losses.pit import by_hungarian, exchangeable, reorder

Kind = Literal["mse", "bce"]
LOWEST = -100.0  # of a logarithm, as torch's own cross-entropy has it


def pair_costs(estimates: torch.Tensor, references: torch.Tensor, kind: Kind = "mse") -> torch.Tensor:
    """Mean squared error or cross-entropy ``(B, N, N)`` [clip, estimate, reference] of ``(B, N, ...)`` each."""
    assert estimates.shape == references.shape, (estimates.shape, references.shape)
    x, y = estimates.flatten(2), references.flatten(2)
    if kind == "bce":
        yes, no = x.log().clamp(min=LOWEST), (-x).log1p().clamp(min=LOWEST)
        return -(yes @ y.transpose(1, 2) + no @ (1 - y).transpose(1, 2)) / x.shape[2]
    energies = x.square().sum(2).unsqueeze(2) + y.square().sum(2).unsqueeze(1)
    return (energies - 2 * x @ y.transpose(1, 2)) / x.shape[2]


@torch.no_grad()
def assigned(pairs, kind: Kind = "mse") -> torch.Tensor:
    """The permutation ``(B, N)``, the estimate that belongs to each reference, that is best for all of ``pairs``.

    Args:
        pairs: tuples of estimates and references ``(B, N, ...)``, whose losses add up.

    >>> references = torch.tensor([[[1.0], [2.0], [0.0]]])
    >>> assigned([(references[:, [2, 0, 1]] + 0.1, references)])
    tensor([[1, 2, 0]])
    """
    with torch.autocast(pairs[0][0].device.type, enabled=False):
        costs = sum(pair_costs(x.float(), y.float(), kind) for x, y in pairs)
    return by_hungarian(costs, exchangeable(("source",) * costs.shape[1]))


def assigned_loss(estimates, references, permutation, kind: Kind = "mse") -> torch.Tensor:
    """The loss ``(B,)`` of each clip, the mean over its sources, under a permutation ``(B, N)``."""
    distance = {"mse": F.mse_loss, "bce": F.binary_cross_entropy}[kind]
    with torch.autocast(estimates.device.type, enabled=False):
        values = distance(reorder(estimates.float(), permutation), references.float(), reduction="none")
        return values.flatten(1).mean(1)


def deep_loss(estimates, references, permutation, reduction: Literal["mean", "sum"] = "mean") -> torch.Tensor:
    """Deep feature loss ``(B,)``: L1 between what every layer gives for estimates and for references, added up.

    Args:
        estimates, references: for each layer ``(B, N, ...)``. permutation: ``(B, N)``.
        reduction: over the sources and activations of a layer.
    """
    losses = []
    for estimate, reference in zip(estimates, references, strict=True):
        distance = (reorder(estimate.float(), permutation) - reference.float()).abs().flatten(1)
        losses.append(distance.mean(1) if reduction == "mean" else distance.sum(1))
    return sum(losses)


def class_rows(tags: torch.Tensor, n_rows: int) -> torch.Tensor:
    """Tags of clips ``(B, C)`` -> ``(B, n_rows, C)``, a row for each class that is there, and rows of zeros.

    Of more classes than rows the last row has the rest.

    >>> class_rows(torch.tensor([[1.0, 0.0, 1.0]]), 3).tolist()
    [[[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]]]
    """
    place = ((tags > 0).cumsum(1) - 1).clamp(0, n_rows - 1)  # (B, C)
    return tags.unsqueeze(1) * F.one_hot(place, n_rows).transpose(1, 2)
