"""A detector's fast parts: values, gradients and statistics of the plain ones, in every layout of pieces and pools."""

import copy

import pytest
import torch
from torch import nn

from sedsep.nnet.detectors.crnn import CRNN, ConvBlock
from sedsep.nnet.fast import accelerate, conv, gate
from sedsep.nnet.fast.conv import NarrowConv
from sedsep.nnet.taps import taps


@pytest.fixture(autouse=True, params=[1, 4])
def threads(request, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: request.param)
    monkeypatch.setattr(gate, "PIECE", 64)
    monkeypatch.setattr(conv, "ROWS", 3)


def results(network, x, seed=1):
    """Output, its gradients to x and to the parameters, and the buffers afterwards."""
    torch.manual_seed(seed)
    x = x.detach().requires_grad_()
    out = network(x)
    out = out[0] if isinstance(out, tuple) else out
    torch.manual_seed(7)
    direction = torch.randn(out.shape).to(out.dtype)
    return [out.detach(), *torch.autograd.grad((out * direction).sum(), [x, *network.parameters()])], [
        buffer.clone() for buffer in network.buffers()
    ]


def same(plain, x, rtol=1e-4):
    """Compare the fast form with the plain one in double precision, gradients that are zero but for rounding apart."""
    (ours, our_buffers), (expected, buffers) = (
        results(network, x.to(next(network.parameters()).dtype))
        for network in (accelerate(copy.deepcopy(plain)), copy.deepcopy(plain).double())
    )
    for mine, wanted in zip(ours + our_buffers, expected + buffers, strict=True):
        torch.testing.assert_close(mine.double(), wanted.double(), rtol=rtol, atol=2e-4)
    return ours


def block(n_in, n_out, pool, p=0.5):
    net = ConvBlock(n_in, n_out, pool, p)
    nn.init.uniform_(net[1].weight, -1, 1)
    nn.init.normal_(net[1].bias)
    nn.init.normal_(net[1].running_mean)
    nn.init.uniform_(net[1].running_var, 0.5, 2)
    return net


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    "n_in, n_out, n_frames, n_bands, pool",
    [(1, 4, 13, 8, (2, 2)), (3, 5, 7, 6, (2, 3)), (2, 3, 1, 2, (1, 2)), (6, 4, 9, 4, (1, 1)), (6, 7, 5, 8, (5, 8))],
)
def test_a_block_in_every_layout(n_in, n_out, n_frames, n_bands, pool, training):
    same(block(n_in, n_out, pool).train(training), torch.randn(3, n_in, n_frames, n_bands) + 2)


def test_statistics_that_are_held_still_while_the_block_learns():
    net = block(2, 4, (1, 2), 0.0)
    net[1].eval()
    same(net, torch.randn(2, 2, 6, 4))


def test_what_the_fast_block_does_not_take_goes_the_plain_way():
    for shape, pool in (((2, 2, 6, 5), (1, 2)), ((1, 2, 1, 4), (2, 2))):  # a band left over; shorter than the pool
        net, x = block(2, 3, pool, 0.0), torch.randn(shape)
        if shape[2] < pool[0]:
            with pytest.raises(RuntimeError, match="too small"):
                accelerate(net)(x)
        else:
            same(net, x)
    net = accelerate(block(2, 3, (1, 2)))
    with taps(net, ["2"]) as heard:
        net(torch.randn(2, 2, 6, 4))
    assert heard["2"].shape == (2, 3, 6, 4)


def test_a_narrow_convolution_is_torchs():
    weight, bias = torch.randn(5, 3, 3, 3, requires_grad=True), torch.randn(5, requires_grad=True)
    x, direction = torch.randn(2, 3, 11, 7), torch.randn(2, 5, 11, 7)
    values = NarrowConv.apply(x, weight, bias), nn.functional.conv2d(x, weight, bias, padding=1)
    torch.testing.assert_close(*values, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(
        *(torch.autograd.grad((y * direction).sum(), (weight, bias)) for y in values), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("n_clips, n_frames, width, hidden, n_layers", [(5, 9, 3, 4, 2), (1, 1, 2, 3, 1)])
def test_a_gru_is_torchs(n_clips, n_frames, width, hidden, n_layers):
    plain = nn.GRU(width, hidden, n_layers, bidirectional=True, batch_first=True)
    x = 3 * torch.randn(n_clips, n_frames, width)
    same(plain, x)
    fast = accelerate(copy.deepcopy(plain))
    with torch.no_grad():
        torch.testing.assert_close(fast(x), plain(x), rtol=1e-4, atol=1e-5)
        for extreme in (1e4 * x, 0 * x):
            torch.testing.assert_close(fast(extreme)[0], plain(extreme)[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("keys", [{"bidirectional": False}, {"batch_first": False}, {"dropout": 0.5, "num_layers": 2}])
def test_another_gru_is_left_to_torch(keys):
    plain = nn.GRU(3, 4, **{"bidirectional": True, "batch_first": True, **keys})
    fast, x = accelerate(copy.deepcopy(plain)), torch.randn(5, 6, 3)
    out = []
    for net in (fast, plain):
        torch.manual_seed(0)
        out.append(net(x)[0])
    assert torch.equal(*out)


def test_a_crnn_is_the_plain_one_with_its_dropout_and_a_counter_test():
    plain = CRNN(3, 8, 1, [4, 6, 5], [[2, 2], [1, 2], [1, 2]], 4, 2, 0.5, {"kind": "mean"})
    x = torch.rand(2, 12, 8)
    ours = same(plain, x)
    with torch.no_grad():
        plain.cnn[1][2].linear.weight[0, 0] += 0.1
    (changed, *_), _ = results(accelerate(copy.deepcopy(plain)), x)
    assert (changed - ours[0]).abs().max() > 1e-5
