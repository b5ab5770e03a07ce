"""PIT: brute force, invariances, the peer's values."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sedsep.losses.pit import by_hungarian, by_table, exchangeable, pit, reorder
from sedsep.losses.separation import pairwise_neg_sdr

SHARED = Path(__file__).resolve().parents[2].parent / "shared"


def brute_force(matrix):
    """The smallest mean over permutations of one clip, by a loop; ``matrix[estimate][reference]``."""
    n_sources = len(matrix)
    return min(
        (sum(matrix[p[j]][j] for j in range(n_sources)) / n_sources, p)
        for p in itertools.permutations(range(n_sources))
    )


@given(st.integers(2, 5), st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_is_the_best_permutation(n_sources, seed):
    generator = torch.Generator().manual_seed(seed)
    matrix = torch.randn(3, n_sources, n_sources, dtype=torch.double, generator=generator)
    loss, permutation = pit(matrix)
    for clip, value, order in zip(matrix.tolist(), loss.tolist(), permutation.tolist()):
        expected, best = brute_force(clip)
        assert value == pytest.approx(expected) and tuple(order) == best


@pytest.mark.parametrize("groups", ["a", "aa", "abab", "aabbcc", ". .aa"])
def test_hungarian_is_the_table(groups):
    groups = tuple(name.strip(". ") for name in groups)
    matrix = torch.randn(5, len(groups), len(groups))
    allowed = exchangeable(groups)
    assert torch.equal(by_hungarian(matrix, allowed), by_table(matrix, allowed))


@given(st.lists(st.sampled_from(["", "background", "event"]), min_size=2, max_size=7), st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_sources_change_places_inside_their_group_only(groups, seed):
    n_sources = len(groups)
    matrix = torch.randn(2, n_sources, n_sources, generator=torch.Generator().manual_seed(seed))
    loss, permutation = pit(matrix, "sum", groups)
    for clip, value, order in zip(matrix.tolist(), loss.tolist(), permutation.tolist()):
        legal = [
            p
            for p in itertools.permutations(range(n_sources))
            if all(j == p[j] or (groups[j] and groups[j] == groups[p[j]]) for j in range(n_sources))
        ]
        assert tuple(order) in legal
        assert value == pytest.approx(min(sum(clip[p[j]][j] for j in range(n_sources)) for p in legal), abs=1e-5)


def test_many_sources_are_found_again():
    references = torch.randn(2, 9, 200)
    order = torch.stack([torch.randperm(9) for _ in range(2)])
    estimates = reorder(references, order)
    loss, permutation = pit(pairwise_neg_sdr(estimates, references))
    assert torch.equal(reorder(estimates, permutation), references) and (loss < -60).all()


@pytest.mark.parametrize("n_sources", [2, 4, 8])
@pytest.mark.parametrize("kind", ["snr", "sisdr"])
def test_values_are_those_of_asteroid(n_sources, kind):
    path = SHARED / "golden" / f"losses_m{n_sources}.npz"
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    golden = np.load(path)
    estimates, references = torch.from_numpy(golden["est"]), torch.from_numpy(golden["ref"])

    def agrees(estimates):
        loss, permutation = pit(pairwise_neg_sdr(estimates, references, kind, zero_mean=True))
        np.testing.assert_allclose(loss.mean(), golden[f"pit_{kind}"], rtol=1e-5)
        np.testing.assert_array_equal(reorder(estimates, permutation), golden[f"pit_{kind}_reordered"])

    agrees(estimates)
    for wrong in (estimates.flip(0), estimates.flip(2), 1.001 * estimates):
        with pytest.raises(AssertionError):
            agrees(wrong)
    agrees(estimates.flip(1))  # the order of the estimates means nothing


def test_permuting_estimates_permutes_the_answer_alone():
    estimates, references, shuffle = torch.randn(2, 4, 100), torch.randn(2, 4, 100), torch.tensor([2, 0, 3, 1])
    loss, permutation = pit(pairwise_neg_sdr(estimates, references))
    shuffled_loss, shuffled = pit(pairwise_neg_sdr(estimates[:, shuffle], references))
    torch.testing.assert_close(loss, shuffled_loss)
    assert torch.equal(shuffle[shuffled], permutation)


def test_sum_is_the_mean_times_the_sources():
    matrix = torch.randn(2, 3, 3)
    torch.testing.assert_close(pit(matrix, "sum")[0], 3 * pit(matrix)[0])


def test_ties_go_to_the_first_permutation():
    assert pit(torch.zeros(1, 3, 3))[1].tolist() == [[0, 1, 2]]


@pytest.mark.parametrize("n_sources", [3, 7])
def test_gradient_flows_through_the_chosen_pairs_alone(n_sources):
    matrix = torch.randn(2, n_sources, n_sources, requires_grad=True)
    loss, permutation = pit(matrix)
    loss.sum().backward()
    expected = torch.zeros_like(matrix).scatter_(1, permutation.unsqueeze(1), 1 / n_sources)
    torch.testing.assert_close(matrix.grad, expected)


@pytest.mark.parametrize("n_sources", [3, 7])
def test_a_loss_that_is_not_a_number_comes_through(n_sources):
    matrix = torch.randn(2, n_sources, n_sources)
    matrix[0] = float("nan")
    loss, _ = pit(matrix)
    assert loss[0].isnan() and loss[1].isfinite()
