"""Fused masks and decoder: values and gradients of the plain formula, for every activation."""

import pytest
import torch
import torch.nn.functional as F

from sedsep.nnet import fused_mask
from sedsep.nnet.conv_tasnet import MASKS
from sedsep.nnet.fused_mask import MaskDecode

N_SOURCES, N_FILTERS, KERNEL = 3, 5, 4


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr(fused_mask, "PIECE", 6)


def plain(hidden, weight, bias, frames, encoder, decoder, activation):
    """What MaskDecode computes, operation by operation."""
    score = F.linear(hidden, weight, bias).unflatten(2, (-1, len(encoder)))
    return (MASKS[activation](score) * (frames @ encoder.t()).unsqueeze(2)) @ decoder


def arguments():
    shapes = [(2, 11, 7), (N_SOURCES * N_FILTERS, 7), (N_SOURCES * N_FILTERS,), (2, 11, KERNEL)]
    shapes += [(N_FILTERS, KERNEL), (N_FILTERS, KERNEL)]
    return [torch.randn(*shape, dtype=torch.double, requires_grad=True) for shape in shapes]


@pytest.mark.parametrize("activation", MASKS)
def test_values_and_gradients_are_the_plain_ones(activation):
    inputs = arguments()
    ours, expected = MaskDecode.apply(*inputs, activation), plain(*inputs, activation)
    assert ours.shape == (2, 11, N_SOURCES, KERNEL)
    torch.testing.assert_close(ours, expected)
    direction = torch.randn_like(expected)
    torch.testing.assert_close(
        torch.autograd.grad(ours, inputs, direction), torch.autograd.grad(expected, inputs, direction)
    )


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_gradcheck(activation):
    assert torch.autograd.gradcheck(lambda *a: MaskDecode.apply(*a, activation), arguments())
