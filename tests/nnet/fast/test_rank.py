"""The fast pooling by ranks: values and gradients of the plain one for any floats, threads, and equal values."""

import pytest
import torch

from sedsep.nnet.fast.rank import FastRankMap, RankMean
from sedsep.nnet.map_poolings import RankMap, rank_weights


@pytest.mark.parametrize("n_threads", [1, 2])
def test_values_and_gradients_are_the_plain_ones(n_threads, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: n_threads)
    torch.manual_seed(0)
    rows = (torch.randn(37, 700) * 10 ** torch.randn(37, 1)).requires_grad_()  # of either sign, of any size
    weights = rank_weights(700, 0.99).float()
    ours, expected = RankMean.apply(rows, weights), rows.sort(1, descending=True).values @ weights
    torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-6)
    direction = torch.randn(37)
    torch.testing.assert_close(*(torch.autograd.grad(y, rows, direction)[0] for y in (ours, expected)))


def test_equal_values_share_out_all_weights():
    rows = torch.tensor([[0.5, 0.5, 0.5, 0.5], [0.0, -0.0, 1.0, -1.0]], requires_grad=True)
    weights = rank_weights(4, 0.5).float()
    RankMean.apply(rows, weights).sum().backward()
    assert torch.equal(rows.grad[0].sort(descending=True).values, weights)
    assert torch.equal(rows.grad[1, 2:], weights[[0, 3]])


def test_what_the_kernel_does_not_take_goes_the_plain_way():
    cells = torch.rand(2, 3, 50, dtype=torch.double, requires_grad=True)
    fast, plain = FastRankMap(1, 1, 1), RankMap(1, 1, 1)
    torch.testing.assert_close(fast.pool(cells), plain.pool(cells), rtol=1e-12, atol=0)
    assert torch.autograd.gradcheck(fast.pool, cells)
