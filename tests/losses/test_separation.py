"""Pairwise SDR losses: the peer's values, the axes, invariances, gradients and extremes."""

from pathlib import Path

import numpy as np
import pytest
import torch

from sedsep.losses.separation import log_error, neg_ratio, pairwise_log_mse, pairwise_neg_sdr

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
KINDS = ["snr", "sisdr", "sdsdr"]


@pytest.mark.parametrize("n_sources", [2, 4, 8])
@pytest.mark.parametrize("kind", ["snr", "sisdr"])
def test_values_are_those_of_asteroid(n_sources, kind):
    path = SHARED / "golden" / f"losses_m{n_sources}.npz"
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    golden = np.load(path)
    estimates, references = torch.from_numpy(golden["est"]), torch.from_numpy(golden["ref"])

    def agrees(estimates, zero_mean=True):
        matrix = pairwise_neg_sdr(estimates, references, kind, zero_mean=zero_mean)
        np.testing.assert_allclose(matrix, golden[f"pairwise_neg_{kind}"], rtol=1e-5, atol=1e-6)

    agrees(estimates)
    shifted = estimates.roll(1, 2)
    for wrong in (estimates.flip(1), estimates.flip(2), shifted, 1.001 * estimates + 1e-3 * shifted):
        with pytest.raises(AssertionError):
            agrees(wrong)
    with pytest.raises(AssertionError):
        agrees(estimates + 0.1, zero_mean=False)


def direct(estimate, reference, kind):
    """The definition, for one pair."""
    scaled = (estimate @ reference) / (reference @ reference) * reference
    signal = reference if kind == "snr" else scaled
    noise = estimate - (scaled if kind == "sisdr" else reference)
    return -10 * torch.log10((signal @ signal) / (noise @ noise))


@pytest.mark.parametrize("kind", KINDS)
def test_dimension_1_is_the_estimate_and_2_the_reference(kind):
    estimates, references = torch.randn(2, 3, 500).double(), torch.randn(2, 4, 500).double()
    matrix = pairwise_neg_sdr(estimates, references, kind, eps=1e-20)  # the definition has none
    assert matrix.shape == (2, 3, 4)
    expected = [[[direct(e, r, kind) for r in rs] for e in es] for es, rs in zip(estimates, references)]
    torch.testing.assert_close(matrix, torch.tensor(expected, dtype=torch.double))


def test_a_rigged_matrix_has_its_perfect_pair_in_the_right_corner():
    references = torch.randn(1, 3, 500)
    estimates = torch.randn(1, 3, 500)
    estimates[0, 2] = references[0, 0] + 1e-3 * torch.randn(500)
    best = pairwise_neg_sdr(estimates, references).argmin()
    assert [int(i) for i in torch.unravel_index(best, (1, 3, 3))] == [0, 2, 0]


@pytest.mark.parametrize("kind, invariant", [("snr", False), ("sisdr", True), ("sdsdr", False)])
def test_only_sisdr_ignores_the_level_of_the_estimate(kind, invariant):
    estimates, references = torch.randn(1, 2, 500), torch.randn(1, 2, 500)
    change = pairwise_neg_sdr(estimates, references, kind) - pairwise_neg_sdr(3 * estimates, references, kind)
    assert (change.abs().max() < 1e-3) == invariant


@pytest.mark.parametrize("kind", KINDS)
def test_zero_mean_removes_offsets(kind):
    estimates, references = torch.randn(1, 2, 500), torch.randn(1, 2, 500)
    a = pairwise_neg_sdr(estimates, references, kind, zero_mean=True)
    b = pairwise_neg_sdr(estimates + 2, references - 1, kind, zero_mean=True)
    torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients(kind):
    estimates, references = (torch.randn(2, 2, 9, dtype=torch.double, requires_grad=True) for _ in range(2))
    pairs = (estimates, references)
    for zero_mean in (False, True):
        assert torch.autograd.gradcheck(lambda e, r: pairwise_neg_sdr(e, r, kind, zero_mean), pairs)
    assert torch.autograd.gradcheck(lambda e, r: pairwise_log_mse(e, r, snr_max=30), pairs)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("estimate, reference", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_silence_and_perfection_are_finite(kind, estimate, reference):
    clip = torch.randn(1, 1, 100)
    estimates = (estimate * clip).requires_grad_()
    loss = pairwise_neg_sdr(estimates, reference * clip, kind)
    loss.sum().backward()
    assert loss.isfinite().all() and estimates.grad.isfinite().all()


def test_a_zero_reference_saturates_at_80_db_without_gradient():
    estimates = torch.randn(1, 1, 100, requires_grad=True)
    loss = pairwise_neg_sdr(estimates, torch.zeros(1, 1, 100))
    loss.sum().backward()
    assert loss.item() == pytest.approx(80) and not estimates.grad.any()


def test_float32_keeps_high_ratios():
    reference = torch.randn(1, 1, 64000, dtype=torch.double)
    estimate = (reference + 1e-4 * torch.randn(1, 1, 64000)).float()
    expected = direct(estimate[0, 0].double(), reference.float()[0, 0].double(), "snr")
    assert pairwise_neg_sdr(estimate, reference.float()).item() == pytest.approx(expected.item(), rel=1e-6)


def test_the_threshold_has_the_gradient_of_the_thresholded_snr():
    references, tau = torch.randn(1, 1, 300).double(), 10 ** (-30 / 10)
    estimates = (references + 0.01 * torch.randn(1, 1, 300)).requires_grad_()
    ours = torch.autograd.grad(pairwise_log_mse(estimates, references, snr_max=30).sum(), estimates)[0]
    noise, power = (estimates - references).square().sum(), references.square().sum()
    expected = torch.autograd.grad(-10 * torch.log10(power / (noise + tau * power)), estimates)[0]
    torch.testing.assert_close(ours, expected)


def test_log_error_and_ratio_differ_by_the_constant():
    noise, power = torch.rand(5) + 0.1, torch.rand(5) + 0.1
    torch.testing.assert_close(log_error(noise, power) - 10 * torch.log10(power), neg_ratio(power, noise))
    assert log_error(torch.zeros(1), torch.ones(1), 30).item() == pytest.approx(-30, abs=1e-3)
    assert log_error(torch.zeros(1), torch.ones(1), 1e6).item() == pytest.approx(-80)
