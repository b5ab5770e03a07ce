"""Mixture-invariant training: estimates of a mixture of two mixtures, each assigned to one of the two.

Source: Wisdom et al., "Unsupervised sound separation using mixture invariant training", NeurIPS 2020.
"""

import functools
import itertools
from typing import Literal

import torch
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from sedsep.errors import UserError
from sedsep.losses.separation import centred, log_error, neg_ratio

# Bound of the error of an energy from float32 products, relative to the energy of all signals; 3e-6 is seen.
UNCERTAINTY = 2e-5
RIDGE = 1e-8  # of the least-squares assignment, relative to the mean energy of the estimates


def mixit(
    estimates: torch.Tensor,
    mixtures: torch.Tensor,
    loss: Literal["snr", "thresholded"] = "snr",
    snr_max: float = 30.0,
    zero_mean: bool = False,
    reduction: Literal["mean", "sum"] = "mean",
    search: Literal["exact", "least_squares"] = "exact",
    table: torch.Tensor = None,
) -> tuple:
    """The smallest loss over all ways of adding estimates ``(B, N, T)`` up to the mixtures ``(B, 2, T)``.

    The error of every assignment follows from the inner products of estimates and mixtures, one small matrix per
    clip; loss and gradient then come from the signals at the best assignment.

    Args:
        loss: "snr" is the plain negative SNR; "thresholded" the error in dB with ``snr_max``
            (:func:`sedsep.losses.separation.log_error`), whose power is that of each mixture.
        zero_mean: subtract the mean of every signal first.
        reduction: of the losses of the two mixtures, "mean" or "sum" (eq. 6 of the joint system).
        search: "exact", or :func:`least_squares_assignment`, which is no longer exponential in N and may miss the
            smallest loss.
        table: the assignments that "exact" may choose from, of :func:`permitted`; None: all ``2^N``.

    Returns:
        loss ``(B,)``, differentiable with respect to the estimates, and assignment ``(B, 2, N)`` of zeros and ones
        whose columns add up to one. Among equals the assignment wins that gives fewer, then earlier, estimates to
        the first mixture.
    """
    assert mixtures.ndim == 3 and mixtures.shape[1] == 2, mixtures.shape
    assert estimates.ndim == 3 and estimates.shape[2] == mixtures.shape[2], (estimates.shape, mixtures.shape)

    def score(noise, power):
        return log_error(noise, power, snr_max) if loss == "thresholded" else neg_ratio(power, noise)

    with torch.no_grad():
        if search == "exact":
            table = assignments(estimates.shape[1]) if table is None else table
            assignment, power = best_assignment(estimates, mixtures, score, zero_mean, table)
        else:
            assignment, power = least_squares_assignment(estimates, mixtures, zero_mean)
    noise = MixtureError.apply(estimates, mixtures, assignment.to(estimates.dtype), zero_mean)
    losses = score(noise, power.to(noise.dtype))  # (B, 2)
    return losses.mean(1) if reduction == "mean" else losses.sum(1), assignment


def best_assignment(estimates, mixtures, score, zero_mean: bool, table: torch.Tensor) -> tuple:
    """Estimates ``(B, N, T)``, mixtures ``(B, 2, T)`` -> assignment ``(B, 2, N)`` with the smallest sum of scores.

    Single precision decides where its uncertainty leaves one candidate per clip, double precision elsewhere: the
    errors are small differences of the products.

    Args:
        score: increasing function of the energy of the error and function of the energy of the mixture.
        table: ``(K, 2, N)`` assignments to choose from.

    Returns:
        the assignment, and the energies of the mixtures ``(B, 2)`` in double precision.
    """
    table = table.to(estimates.device)
    noise, power, total = errors(estimates, mixtures, table, zero_mean)
    margin = UNCERTAINTY * total.view(-1, 1, 1)
    low, high = score(torch.stack((noise - margin, noise + margin)).clamp_(min=0), power).sum(3)
    best, index = high.min(1, keepdim=True)
    candidates = ~(low > best)  # (B, K); negated, so that NaN is a candidate
    if candidates.sum() > len(candidates):
        noise, power, _ = errors(estimates.double(), mixtures.double(), table, zero_mean)
        index = score(noise, power).sum(2).argmin(1, keepdim=True)
    return table[index.squeeze(1)], power.squeeze(1)


def least_squares_assignment(estimates, mixtures, zero_mean: bool = False) -> tuple:
    """Estimates ``(B, N, T)``, mixtures ``(B, 2, T)`` -> the assignment nearest to the least-squares one.

    The matrix ``(2, N)`` that rebuilds the mixtures best from the estimates, without any constraint; each estimate
    goes to the mixture where its weight is larger, to the first among equals.

    Source: Wisdom et al., "Sparse, efficient, and semantic mixture invariant training", WASPAA 2021.

    Returns:
        as :func:`best_assignment`.
    """
    s, x = (centred(signals.double(), zero_mean) for signals in (estimates, mixtures))
    within, across = s @ s.transpose(1, 2), s @ x.transpose(1, 2)  # (B, N, N), (B, N, 2)
    # Silent or equal estimates leave the system singular; a ridge far below their energy decides.
    ridge = RIDGE * within.diagonal(dim1=1, dim2=2).mean(1).clamp(min=1e-12)
    within = within + ridge.view(-1, 1, 1) * torch.eye(s.shape[1], dtype=s.dtype, device=s.device)
    weights = torch.linalg.solve_ex(within, across).result  # (B, N, 2)
    first = (weights[..., 0] >= weights[..., 1]).double()
    return torch.stack((first, 1 - first), 1), x.square().sum(2)


def errors(estimates, mixtures, table: torch.Tensor, zero_mean: bool = False) -> tuple:
    """Energies of the errors of all K assignments ``(B, K, 2)``, of the mixtures ``(B, 1, 2)``, of all ``(B,)``.

    By ``|x - a s|^2 = |x|^2 - 2 a (s x) + a (s s') a'`` for a mixture x, estimates s and an assignment's row a.

    Args:
        estimates, mixtures: ``(B, N, T)`` and ``(B, 2, T)``; their dtype is that of the products.
        table: ``(K, 2, N)`` assignments.
    """
    within = (estimates @ estimates.transpose(1, 2)).double()  # (B, N, N)
    across = (estimates @ mixtures.transpose(1, 2)).double()  # (B, N, 2)
    power = torch.linalg.vector_norm(mixtures, dim=2).double().square().unsqueeze(1)  # (B, 1, 2)
    total = within.diagonal(dim1=1, dim2=2).sum(1) + power.sum((1, 2))
    if zero_mean:
        s, x = (signals.mean(2, keepdim=True).double() for signals in (estimates, mixtures))
        n_samples = estimates.shape[2]
        within = within - n_samples * s @ s.transpose(1, 2)
        across = across - n_samples * s @ x.transpose(1, 2)
        power = power - n_samples * x.square().transpose(1, 2)
    # (K, 2, N) and (B, N, 2) -> (B, K, 2)
    crossing = (table * across.transpose(1, 2).unsqueeze(1)).sum(3)
    added = ((table @ within.unsqueeze(1)) * table).sum(3)
    return (power - 2 * crossing + added).clamp(min=0), power.clamp(min=0), total


class MixtureError(Function):
    """Energies ``(B, 2)`` of mixtures ``(B, 2, T)`` less their estimates ``(B, N, T)``, for a given assignment.

    ``apply(estimates, mixtures, assignment, zero_mean)``, assignment ``(B, 2, N)``; the gradient of an estimate
    is the error signal of the mixture that it is assigned to.
    """

    @staticmethod
    def forward(ctx, estimates, mixtures, assignment, zero_mean):
        """The error signals, kept for the gradient, and their energies."""
        error = torch.baddbmm(mixtures, -assignment, estimates)
        if zero_mean:
            error -= error.mean(2, keepdim=True)
        ctx.save_for_backward(error, assignment)
        return torch.linalg.vector_norm(error, dim=2).square()

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        """One product: the mean that was removed has no gradient, for the error without it adds up to zero."""
        error, assignment = ctx.saved_tensors
        weight = -2 * grad.unsqueeze(2) * assignment  # (B, 2, N)
        return weight.transpose(1, 2) @ error, None, None, None


@functools.cache
def assignments(n_sources: int) -> torch.Tensor:
    """``(2^N, 2, N)`` assignments in double precision, ordered by how many, then which, go to the first mixture.

    >>> assignments(2)[:, 0].tolist()
    [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
    """
    rows = sorted(itertools.product((1.0, 0.0), repeat=n_sources), key=sum)
    first = torch.tensor(rows, dtype=torch.double)
    return torch.stack((first, 1 - first), 1)


def permitted(n_sources: int, allow=None, deny=None) -> torch.Tensor:
    """The assignments ``(K, 2, N)`` that lists leave, in the order of :func:`assignments`.

    Args:
        allow: only these; None: all. deny: none of these. Each has for every estimate the mixture it goes to, 0 or 1.

    Raises:
        UserError: an assignment in a list does not fit N estimates of two mixtures, or none is left.

    >>> permitted(2, deny=[[0, 0], [1, 1]])[:, 0].tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    for name, listed in (("allow", allow), ("deny", deny)):
        for one in listed or ():
            if len(one) != n_sources or not set(one) <= {0, 1}:
                raise UserError(f"{name}: the assignment {list(one)} must have {n_sources} numbers, each 0 or 1")
    table = assignments(n_sources)
    second = [tuple(map(int, row)) for row in table[:, 1].tolist()]
    allowed, denied = {tuple(one) for one in (second if allow is None else allow)}, {tuple(one) for one in deny or ()}
    left = [place for place, row in enumerate(second) if row in allowed and row not in denied]
    if not left:
        raise UserError("allow and deny leave no assignment of the estimates to the two mixtures")
    return table[left]
