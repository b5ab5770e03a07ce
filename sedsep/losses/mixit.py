"""Mixture-invariant training: estimates of a mixture of two mixtures, each assigned to one of the two.

Source: Wisdom et al., "Unsupervised sound separation using mixture invariant training", NeurIPS 2020.
"""

import functools
import itertools
from typing import Literal

import torch
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from sedsep.losses.separation import log_error, neg_ratio

PIECE = 16384  # samples of every signal that are worked on at a time, so that copies stay in cache


def mixit(
    estimates: torch.Tensor,
    mixtures: torch.Tensor,
    loss: Literal["snr", "thresholded"] = "snr",
    snr_max: float = 30.0,
    zero_mean: bool = False,
    reduction: Literal["mean", "sum"] = "mean",
) -> tuple:
    """The smallest loss over all ``2^N`` ways of adding estimates ``(B, N, T)`` up to the mixtures ``(B, 2, T)``.

    The error of every assignment follows from the inner products of estimates and mixtures, one small matrix per
    clip in double precision; the gradient comes from the signals at the best assignment.

    Args:
        loss: "snr" is the plain negative SNR; "thresholded" the error in dB with ``snr_max``
            (:func:`sedsep.losses.separation.log_error`), whose power is that of each mixture.
        zero_mean: subtract the mean of every signal first.
        reduction: of the losses of the two mixtures, "mean" or "sum" (eq. 6 of the joint system).

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
        gram, means = inner_products(estimates, mixtures)
        means = means * zero_mean
        gram = gram - estimates.shape[2] * means.unsqueeze(2) * means.unsqueeze(1)
        power = gram.diagonal(dim1=1, dim2=2)[:, -2:]  # (B, 2)
        table = assignments(estimates.shape[1]).to(gram.device)
        noise = errors(gram, table)  # (B, 2^N, 2)
        best = score(noise, power.unsqueeze(1)).sum(2).argmin(1)
        noise = noise[torch.arange(len(best), device=best.device), best]  # (B, 2)
    noise = BestError.apply(estimates, mixtures, table[best], noise, means)
    losses = score(noise, power)
    return (losses.mean(1) if reduction == "mean" else losses.sum(1)).to(estimates.dtype), table[best]


def inner_products(estimates: torch.Tensor, mixtures: torch.Tensor) -> tuple:
    """Inner products ``(B, N + 2, N + 2)`` and means ``(B, N + 2)`` of estimates and mixtures.

    In double precision, for the errors are small differences of them.
    """
    n_clips, n_signals = len(estimates), estimates.shape[1] + 2
    gram = torch.zeros(n_clips, n_signals, n_signals, dtype=torch.double, device=estimates.device)
    sums = gram.new_zeros(n_clips, n_signals)
    for signals in zip(estimates.split(PIECE, dim=2), mixtures.split(PIECE, dim=2)):
        piece = torch.cat(signals, 1).double()
        gram.baddbmm_(piece, piece.transpose(1, 2))
        sums += piece.sum(2)
    return gram, sums / estimates.shape[2]


def errors(gram: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    """Error energies ``(B, 2^N, 2)`` of all assignments from the inner products of :func:`inner_products`.

    By ``|x - a s|^2 = |x|^2 - 2 a (s x) + a (s s') a'`` for a mixture x, estimates s and an assignment's row a.
    """
    power = gram.diagonal(dim1=1, dim2=2)[:, None, -2:]
    across = torch.einsum("pin,bni->bpi", table, gram[:, :-2, -2:])
    within = torch.einsum("pin,bnm,pim->bpi", table, gram[:, :-2, :-2], table)
    return (power - 2 * across + within).clamp(min=0)


class BestError(Function):
    """Error energies ``(B, 2)`` of the best assignment: their values are known, this adds the gradient.

    ``apply(estimates, mixtures, assignment, values, means)`` with assignment ``(B, 2, N)`` and the means
    ``(B, N + 2)`` that are subtracted from the signals.
    """

    @staticmethod
    def forward(ctx, estimates, mixtures, assignment, values, means):
        """The values, as they are."""
        ctx.save_for_backward(estimates, mixtures, assignment, means)
        return values.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        """Twice the error signal of the mixture that an estimate is assigned to, piece by piece."""
        estimates, mixtures, assignment, means = ctx.saved_tensors
        offset = assignment @ means[:, :-2, None] - means[:, -2:, None]  # (B, 2, 1)
        weight = (2 * grad.unsqueeze(2) * assignment).transpose(1, 2).to(estimates.dtype)  # (B, N, 2)
        assignment, offset = assignment.to(estimates.dtype), offset.to(estimates.dtype)
        out = torch.empty_like(estimates)
        parts = (x.split(PIECE, dim=2) for x in (estimates, mixtures, out))
        for estimate, mixture, part in zip(*parts):
            error = torch.baddbmm(mixture + offset, assignment, estimate, beta=-1)  # a s - x, less its mean
            part.copy_(weight @ error)
        return out, None, None, None, None


@functools.lru_cache(maxsize=None)
def assignments(n_sources: int) -> torch.Tensor:
    """``(2^N, 2, N)`` assignments in double precision, ordered by how many, then which, go to the first mixture.

    >>> assignments(2)[:, 0].tolist()
    [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
    """
    rows = sorted(itertools.product((1.0, 0.0), repeat=n_sources), key=sum)
    first = torch.tensor(rows, dtype=torch.double)
    return torch.stack((first, 1 - first), 1)
