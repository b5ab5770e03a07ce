"""Dropout: masks are a function of the batch's seed, the call and the clip, and nothing else."""

import numpy as np
import pytest
import torch

from sedsep import ranks
from sedsep.nnet import dropout
from sedsep.nnet.dropout import Dropout, draw_keys, kept


def masked(x, p=0.5, seed=0):
    torch.manual_seed(seed)
    return Dropout(p)(x)


def test_values_are_dropped_with_their_probability_and_the_mean_stays():
    x = torch.ones(4, 3, 50, 700)
    for p in (0.1, 0.5, 0.9):
        y = masked(x, p)
        assert y.unique().tolist() == [0, pytest.approx(1 / (1 - p))]
        deviation = (p * (1 - p) / x[0].numel()) ** 0.5
        assert ((y == 0).float().flatten(1).mean(1) - p).abs().max() < 4 * deviation


def test_neighbours_clips_and_calls_are_independent():
    torch.manual_seed(5)
    first, second = (kept(draw_keys(torch.empty(6, 1)), (6, 100_000), 0.5).double() * 2 - 1 for _ in range(2))
    limit = 5 / 100_000**0.5
    between = torch.cat([first, second])
    products = between @ between.t() / 100_000
    assert (products - torch.eye(12)).abs().max() < limit
    for lag in (1, 2, 3, 4, 64, 128, 626):
        assert (first[:, lag:] * first[:, :-lag]).mean(1).abs().max() < limit


def test_evaluation_and_probability_zero_leave_the_values_and_draw_nothing():
    x = torch.randn(2, 5)
    torch.manual_seed(3)
    assert Dropout(0.5).eval()(x) is x and Dropout(0.0)(x) is x
    drawn = torch.rand(1)
    torch.manual_seed(3)
    assert torch.equal(drawn, torch.rand(1))


def test_a_share_of_the_batch_has_the_rows_of_the_whole(monkeypatch):
    x = torch.ones(12, 7, 9)  # two rows for each of six clips
    whole = masked(x)
    monkeypatch.setattr(ranks, "count", lambda: 3)
    for first, stop in ((0, 2), (2, 5), (5, 6)):
        with ranks.sharing(ranks.Share(first, stop, 6)):
            assert torch.equal(masked(x[2 * first : 2 * stop]), whole[2 * first : 2 * stop])


def test_the_layout_in_memory_does_not_matter():
    x = torch.randn(3, 4, 5)
    assert torch.equal(masked(x.transpose(1, 2).contiguous().transpose(1, 2)), masked(x))


def test_a_gpu_would_drop_the_same(monkeypatch):
    keys = draw_keys(torch.empty(3, 1))
    compiled = kept(keys, (3, 1000), 0.3)
    monkeypatch.setattr(dropout.torch, "device", lambda _: type("Device", (), {"type": "cuda"}))
    assert torch.equal(kept(keys, (3, 1000), 0.3), compiled)
    keys[1] = np.array([7, 8])
    assert not torch.equal(kept(keys, (3, 1000), 0.3), compiled)
