"""Encoder, global norm and 1 x 1 convolution in one product: values and gradients of one after the other."""

import torch

from sedsep.nnet.fast.encoder import compress
from sedsep.nnet.norms import LayerNorm


def parts(dtype=torch.double):
    """Filters, a norm that is not the initial one, and a bottleneck."""
    encoder, norm, bottleneck = torch.randn(12, 8), LayerNorm(12), torch.nn.Linear(12, 5)
    for parameter in norm.parameters():
        torch.nn.init.normal_(parameter)
    return encoder.to(dtype).requires_grad_(), norm.to(dtype), bottleneck.to(dtype)


def plain(frames, encoder, norm, bottleneck):
    return bottleneck(norm(frames @ encoder.t()))


def test_values_and_gradients_are_the_plain_ones():
    frames, (encoder, norm, bottleneck) = torch.randn(3, 40, 8, dtype=torch.double, requires_grad=True), parts()
    inputs = [frames, encoder, *norm.parameters(), *bottleneck.parameters()]
    ours, expected = (function(frames, encoder, norm, bottleneck) for function in (compress, plain))
    torch.testing.assert_close(ours, expected)
    direction = torch.randn_like(expected)
    torch.testing.assert_close(*(torch.autograd.grad(y, inputs, direction) for y in (ours, expected)))


def test_float32_with_a_large_offset():
    frames, (encoder, norm, bottleneck) = 0.01 * torch.randn(2, 4000, 8) + 1, parts(torch.float32)
    ours = compress(frames, encoder, norm, bottleneck)
    exact = plain(frames.double(), encoder.double(), norm.double(), bottleneck.double())
    assert (ours - exact).norm() < 1e-4 * exact.norm()


def test_silence_is_finite():
    encoder, norm, bottleneck = parts()
    assert compress(torch.zeros(2, 40, 8).double(), encoder, norm, bottleneck).isfinite().all()
