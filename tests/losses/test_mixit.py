"""MixIT: every assignment by brute force, the peer's values, gradients, ties."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sedsep.errors import UserError
from sedsep.losses.mixit import UNCERTAINTY, assignments, errors, mixit, permitted
from sedsep.losses.separation import centred, log_error, neg_ratio

SHARED = Path(__file__).resolve().parents[2].parent / "shared"


def brute_force(estimates, mixtures, loss, zero_mean):
    """The smallest sum over assignments of one clip: signals added up in a loop, no inner products."""
    best = None
    for first in itertools.product((0.0, 1.0), repeat=len(estimates)):
        rows = torch.tensor([first, [1 - a for a in first]], dtype=estimates.dtype)
        noise = centred(mixtures - rows @ estimates, zero_mean).square().sum(1)
        power = centred(mixtures, zero_mean).square().sum(1)
        value = (neg_ratio(power, noise) if loss == "snr" else log_error(noise, power, 30.0)).sum()
        if best is None or value < best[0]:
            best = value, rows
    return best


@given(st.integers(2, 6), st.sampled_from(["snr", "thresholded"]), st.booleans(), st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_is_the_best_assignment(n_sources, loss, zero_mean, seed):
    generator = torch.Generator().manual_seed(seed)
    estimates = torch.randn(3, n_sources, 120, dtype=torch.double, generator=generator) + 0.2
    mixtures = torch.randn(3, 2, 120, dtype=torch.double, generator=generator)
    value, assignment = mixit(estimates, mixtures, loss, zero_mean=zero_mean, reduction="sum")
    for i in range(3):
        expected, rows = brute_force(estimates[i], mixtures[i], loss, zero_mean)
        assert value[i].item() == pytest.approx(expected.item(), rel=1e-9)
        assert torch.equal(assignment[i], rows)


@pytest.mark.parametrize("n_sources", [2, 4, 8])
def test_values_are_those_of_asteroid(n_sources):
    path = SHARED / "golden" / f"losses_m{n_sources}.npz"
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    golden = np.load(path)
    estimates, mixtures = torch.from_numpy(golden["est"]), torch.from_numpy(golden["mix"])

    def agrees(estimates):
        loss, assignment = mixit(estimates, mixtures, zero_mean=True)
        np.testing.assert_allclose(loss.mean(), golden["mixit_snr"], rtol=1e-5)
        reconstruction = assignment.float() @ estimates
        np.testing.assert_allclose(reconstruction, golden["mixit_reconstruction"], rtol=1e-5, atol=1e-5)

    agrees(estimates)
    for wrong in (estimates.flip(0), estimates.flip(2), 1.001 * estimates, -estimates):
        with pytest.raises(AssertionError):
            agrees(wrong)
    agrees(estimates.flip(1))  # the order of the estimates means nothing


def test_finds_how_the_mixtures_were_made_even_when_nearly_perfect():
    sources = torch.randn(2, 8, 16000)
    first = torch.tensor([1.0, 0, 0, 1, 1, 0, 1, 0])
    mixtures = torch.stack([sources[:, first == 1].sum(1), sources[:, first == 0].sum(1)], 1)
    loss, assignment = mixit(sources + 1e-4 * torch.randn_like(sources), mixtures)
    assert torch.equal(assignment[:, 0], first.double().expand(2, 8)) and (loss < -70).all()


@pytest.mark.parametrize("offset", [0.0, 30.0])
@pytest.mark.parametrize("zero_mean", [False, True])
def test_single_precision_chooses_as_double(offset, zero_mean):
    # Sources down to 60 dB under the mixture leave assignments that single precision alone could confuse.
    levels = 10 ** (-torch.arange(8.0) * 60 / 7 / 20)
    sources = torch.randn(4, 8, 8000) * levels[:, None] + offset
    mixtures = torch.stack([sources[:, ::2].sum(1), sources[:, 1::2].sum(1)], 1)
    estimates = sources + 1e-3 * torch.randn_like(sources)
    single, double = (mixit(e, m, zero_mean=zero_mean) for e, m in
                      ((estimates, mixtures), (estimates.double(), mixtures.double())))  # fmt: skip
    assert torch.equal(single[1], double[1])
    torch.testing.assert_close(single[0].double(), double[0], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("scale", [1.0, 1e-3, 50.0])
def test_the_uncertainty_covers_the_rounding(scale):
    estimates, mixtures = (scale * (torch.randn(2, n, 160000) + 0.5) for n in (6, 2))
    single = errors(estimates, mixtures, assignments(6), True)
    double = errors(estimates.double(), mixtures.double(), assignments(6), True)
    assert (single[0] - double[0]).abs().max() < 0.3 * UNCERTAINTY * double[2].min()


def test_swapping_the_mixtures_swaps_the_assignment():
    estimates, mixtures = torch.randn(2, 5, 200), torch.randn(2, 2, 200)
    loss, assignment = mixit(estimates, mixtures)
    swapped_loss, swapped = mixit(estimates, mixtures.flip(1))
    torch.testing.assert_close(loss, swapped_loss)
    assert torch.equal(assignment, swapped.flip(1))


def test_assignments_are_all_the_one_hot_columns():
    table = assignments(4)
    assert table.shape == (16, 2, 4) and (table.sum(1) == 1).all()
    assert len({tuple(row) for row in table[:, 0].tolist()}) == 16
    assert (table[:, 0].sum(1).diff() >= 0).all()


def test_ties_go_to_the_first_assignment():
    _, assignment = mixit(torch.zeros(1, 3, 50), torch.randn(1, 2, 50))
    assert assignment.tolist() == [[[0, 0, 0], [1, 1, 1]]]


def test_reductions():
    estimates, mixtures = torch.randn(2, 3, 50), torch.randn(2, 2, 50)
    torch.testing.assert_close(mixit(estimates, mixtures, reduction="sum")[0], 2 * mixit(estimates, mixtures)[0])


@pytest.mark.parametrize("loss", ["snr", "thresholded"])
@pytest.mark.parametrize("zero_mean", [False, True])
def test_gradient(loss, zero_mean):
    estimates, mixtures = (1 + torch.randn(2, n, 11, dtype=torch.double) for n in (3, 2))
    estimates.requires_grad_()
    assert torch.autograd.gradcheck(lambda e: mixit(e, mixtures, loss, zero_mean=zero_mean)[0], estimates)


@pytest.mark.parametrize("loss", ["snr", "thresholded"])
def test_a_silent_mixture_is_finite(loss):
    estimates = torch.randn(1, 3, 50, requires_grad=True)
    value, _ = mixit(estimates, torch.cat([torch.zeros(1, 1, 50), torch.randn(1, 1, 50)], 1), loss)
    value.sum().backward()
    assert value.isfinite().all() and estimates.grad.isfinite().all()


def test_least_squares_finds_how_the_mixtures_were_made():
    """The toy of spec 06, H.6, four sources and more, with estimates that are not perfect."""
    for n_sources in (4, 8, 16):
        generator = torch.Generator().manual_seed(n_sources)
        sources = torch.randn(3, n_sources, 2000, generator=generator)
        first = (torch.rand(3, n_sources, generator=generator) < 0.5).float()
        rows = torch.stack([first, 1 - first], 1)
        noisy = sources + 0.3 * torch.randn(3, n_sources, 2000, generator=generator)
        value, assignment = mixit(noisy, rows @ sources, search="least_squares")
        assert torch.equal(assignment.float(), rows)
        if n_sources < 16:
            torch.testing.assert_close(value, mixit(noisy, rows @ sources)[0])


def test_least_squares_gives_the_true_loss_of_its_assignment():
    estimates, mixtures = torch.randn(4, 5, 300, requires_grad=True), torch.randn(4, 2, 300)
    value, assignment = mixit(estimates, mixtures, "thresholded", search="least_squares")
    rest = mixtures - assignment.float() @ estimates
    expected = log_error(rest.square().sum(2), mixtures.square().sum(2), 30.0).mean(1)
    torch.testing.assert_close(value, expected)
    assert (value >= mixit(estimates, mixtures, "thresholded")[0] - 1e-4).all()
    value.sum().backward()
    assert estimates.grad.abs().sum(2).min() > 0


def test_least_squares_bears_silent_and_equal_estimates():
    sources = torch.randn(2, 2, 500)
    estimates = torch.cat([sources, sources[:, :1], torch.zeros(2, 1, 500)], 1)
    value, assignment = mixit(estimates, sources, search="least_squares")
    assert torch.isfinite(value).all() and torch.equal(assignment.sum(1), torch.ones(2, 4).double())
    assert assignment[:, 0, 0].eq(1).all() and assignment[:, 0, 1].eq(0).all()


@given(st.integers(0, 10**6), st.booleans())
@settings(max_examples=25, deadline=None)
def test_lists_leave_the_best_of_what_they_permit(seed, by_allowing):
    generator = torch.Generator().manual_seed(seed)
    estimates = torch.randn(2, 4, 60, dtype=torch.double, generator=generator)
    mixtures = torch.randn(2, 2, 60, dtype=torch.double, generator=generator)
    listed = torch.randint(0, 2, (6, 4), generator=generator).tolist()
    table = permitted(4, listed) if by_allowing else permitted(4, deny=listed)
    value, assignment = mixit(estimates, mixtures, reduction="sum", table=table)
    kept = [row for row in itertools.product((0, 1), repeat=4) if (list(row) in listed) == by_allowing]
    for i in range(2):
        losses = {}
        for row in kept:
            second = torch.tensor(row, dtype=torch.double)
            noise = (mixtures[i] - torch.stack([1 - second, second]) @ estimates[i]).square().sum(1)
            losses[row] = float(neg_ratio(mixtures[i].square().sum(1), noise).sum())
        best = min(losses, key=losses.get)
        assert value[i].item() == pytest.approx(losses[best], rel=1e-9)
        assert assignment[i, 1].tolist() == list(best)


def test_lists_that_leave_nothing_or_do_not_fit():
    everything = assignments(3)[:, 1].int().tolist()
    assert torch.equal(permitted(3), assignments(3)) and torch.equal(permitted(3, everything), assignments(3))
    assert permitted(3, [[0, 1, 1], [1, 1, 1]], [[1, 1, 1]])[:, 1].tolist() == [[0, 1, 1]]
    for lists, message in (
        (dict(deny=everything), "leave no assignment"),
        (dict(allow=[]), "leave no assignment"),
        (dict(allow=[[0, 1]]), "allow: the assignment .0, 1. must have 3"),
        (dict(deny=[[0, 1, 2]]), "deny: the assignment .0, 1, 2. must have 3 numbers, each 0 or 1"),
    ):
        with pytest.raises(UserError, match=message):
            permitted(3, **lists)
