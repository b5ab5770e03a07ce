"""Permutation-invariant training: the best one-to-one match of estimates and references.

Sources: Yu et al., "Permutation invariant training of deep models for speaker-independent multi-talker speech
separation", ICASSP 2017; the FUSS baseline, Wisdom et al., ICASSP 2021 (groups).
"""

import functools
import itertools
from typing import Literal

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment

TABLE_LIMIT = 6  # sources; 6! = 720 permutations are one small gather, beyond that the Hungarian method is faster


def pit(matrix: torch.Tensor, reduction: Literal["mean", "sum"] = "mean", groups=None) -> tuple:
    """Pairwise losses ``(B, N, N)`` [clip, estimate, reference] -> the smallest loss over all permutations.

    Args:
        reduction: of the N matched losses of a clip, "mean" (asteroid) or "sum" (eq. 6 of the joint system).
        groups: N names; only sources of one name change places, and one whose name is "" keeps its own. None: all
            may change.

    Returns:
        loss ``(B,)``, differentiable, and permutation ``(B, N)``: the estimate that belongs to each reference.
        Among equals the first permutation in lexicographic order wins (up to 6 sources).

    >>> loss, permutation = pit(torch.tensor([[[3.0, 1.0], [2.0, 5.0]]]))
    >>> loss, permutation
    (tensor([1.5000]), tensor([[1, 0]]))
    """
    assert matrix.ndim == 3 and matrix.shape[1] == matrix.shape[2], matrix.shape
    n_sources = matrix.shape[1]
    with torch.no_grad():
        allowed = exchangeable(tuple(groups or ("source",) * n_sources))
        assert len(allowed) == n_sources, (groups, matrix.shape)
        permutation = (by_table if n_sources <= TABLE_LIMIT else by_hungarian)(matrix, allowed)
    matched = matrix.gather(1, permutation.unsqueeze(1)).squeeze(1)  # (B, 1, N) -> (B, N)
    return matched.mean(1) if reduction == "mean" else matched.sum(1), permutation


def by_table(matrix: torch.Tensor, allowed: np.ndarray) -> torch.Tensor:
    """Pairwise losses ``(B, N, N)`` -> best permutation ``(B, N)``, by the sums of all permutations at once.

    ``allowed`` ``(N, N)`` says which estimate may belong to which reference.
    """
    references = torch.arange(matrix.shape[1])
    table = permutations(matrix.shape[1])
    table = table[torch.from_numpy(allowed)[table, references].all(1)].to(matrix.device)
    return table[matrix[:, table, references.to(matrix.device)].sum(2).argmin(1)]  # (B, N!, N) -> (B, N!) -> (B, N)


def by_hungarian(matrix: torch.Tensor, allowed: np.ndarray) -> torch.Tensor:
    """Pairwise losses ``(B, N, N)`` -> best permutation ``(B, N)``, by the Hungarian method; see :func:`by_table`."""
    # A loss that is not finite must reach the trainer as such and not stop the search.
    costs = np.nan_to_num(matrix.detach().double().cpu().numpy(), nan=0.0, posinf=1e9, neginf=-1e9)
    costs = np.where(allowed, costs, 1e15)
    best = np.stack([linear_sum_assignment(cost.T)[1] for cost in costs])
    return torch.from_numpy(best).to(matrix.device)


@functools.cache
def exchangeable(groups: tuple) -> np.ndarray:
    """Names of N sources -> ``(N, N)``: which estimate may belong to which reference.

    >>> exchangeable(("", "a", "a")).astype(int).tolist()
    [[1, 0, 0], [0, 1, 1], [0, 1, 1]]
    """
    return np.array([[i == j or (a == b and a != "") for j, b in enumerate(groups)] for i, a in enumerate(groups)])


@functools.cache
def permutations(n_sources: int) -> torch.Tensor:
    """``(N!, N)`` permutations in lexicographic order."""
    return torch.tensor(list(itertools.permutations(range(n_sources))))


def reorder(estimates: torch.Tensor, permutation: torch.Tensor) -> torch.Tensor:
    """Estimates ``(B, N, ...)`` in the order of their references, by the permutation ``(B, N)`` of :func:`pit`."""
    index = permutation.reshape(*permutation.shape, *[1] * (estimates.ndim - 2)).expand_as(estimates)
    return estimates.gather(1, index)
