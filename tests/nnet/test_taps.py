"""Taps: the output of a layer inside a network, with its gradient, and nothing left behind."""

import pytest
import torch
from torch import nn

from sedsep.nnet.taps import taps


def test_a_layer_is_heard_with_its_gradient_and_the_output_stays():
    network = nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.ReLU(), nn.Linear(4, 2)))
    x = torch.randn(5, 3)
    expected = network(x)
    with taps(network, ["0", "1.0"]) as heard:
        assert torch.equal(network(x), expected)
    torch.testing.assert_close(heard["1.0"], heard["0"].relu())
    heard["0"].sum().backward()
    assert network[0].weight.grad.any()
    heard.clear()
    network(x)
    assert not heard


def test_hooks_go_also_where_the_block_fails():
    network = nn.Linear(2, 2)
    with pytest.raises(ZeroDivisionError), taps(nn.Sequential(network), ["0"]):
        1 / 0
    assert not network._forward_hooks


def test_an_unknown_layer_names_the_nearest():
    with (
        pytest.raises(KeyError, match="no layer 'cnm'.*did you mean 'cnn'"),
        taps(nn.ModuleDict({"cnn": nn.ReLU()}), ["cnm"]),
    ):
        pass
