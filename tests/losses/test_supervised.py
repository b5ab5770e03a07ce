"""Supervised separation: the plain rule is PIT, the zero-target rule pushes unused outputs to silence."""

import math

import pytest
import torch

from sedsep.losses.pit import pit, reorder
from sedsep.losses.separation import pairwise_neg_sdr
from sedsep.losses.supervised import supervised


@pytest.fixture
def stems():
    """Three active references and a silent one."""
    references = torch.randn(2, 4, 300)
    references[:, 2] = 0
    return references


@pytest.mark.parametrize("kind", ["snr", "sisdr", "sdsdr"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_plain_is_pit(stems, kind, reduction):
    estimates = torch.randn(2, 4, 300)
    loss, permutation = supervised(estimates, stems, kind, zero_mean=True, reduction=reduction)
    expected, order = pit(pairwise_neg_sdr(estimates, stems, kind, zero_mean=True), reduction)
    assert torch.equal(loss, expected) and torch.equal(permutation, order)


def test_google_rule_by_hand(stems):
    estimates = stems[:, [2, 0, 3, 1]] + 0.3 * torch.randn(2, 4, 300)
    loss, permutation = supervised(estimates, stems, zero_targets="google")
    assert permutation.tolist() == [[1, 3, 0, 2]] * 2
    for clip, matched, value in zip(stems, reorder(estimates, permutation), loss):
        losses = []
        for reference, estimate in zip(clip, matched):
            power, threshold = (clip.sum(0), 20) if not reference.any() else (reference, 30)
            error = (estimate - reference).square().sum() + 10 ** (-threshold / 10) * power.square().sum()
            losses.append(10 * math.log10(error))
        assert value.item() == pytest.approx(sum(losses) / 4, rel=1e-4)


@pytest.mark.parametrize("rule, pushed", [("plain", False), ("google", True)])
def test_only_the_google_rule_pushes_to_silence(stems, rule, pushed):
    estimates = (stems + 0.1 * torch.randn_like(stems)).requires_grad_()
    loss, permutation = supervised(estimates, stems, zero_targets=rule)
    loss.sum().backward()
    unused = permutation[:, 2]
    assert estimates.grad[torch.arange(2), unused].any() == pushed
    assert estimates.grad[:, 0].any() and estimates.grad.isfinite().all()


@pytest.mark.parametrize("rule", ["plain", "google"])
def test_gradient(rule):
    estimates, references = (torch.randn(2, 3, 11, dtype=torch.double) for _ in range(2))
    references[:, 1] = 0
    estimates.requires_grad_()
    function = lambda e: supervised(e, references, zero_targets=rule)[0]  # noqa: E731
    assert torch.autograd.gradcheck(function, estimates)


def test_all_silent_is_finite():
    estimates = torch.zeros(1, 3, 50, requires_grad=True)
    for rule in ("plain", "google"):
        loss, _ = supervised(estimates, torch.zeros(1, 3, 50), zero_targets=rule)
        loss.sum().backward()
        assert loss.isfinite().all() and estimates.grad.isfinite().all()
