"""Fused TCN block: values and gradients of the plain block, in every layout of pieces and taps."""

import pytest
import torch
import torch.nn.functional as F

from sedsep.nnet.fast import accelerate
from sedsep.nnet.fast import block as fused_block
from sedsep.nnet.fast.tcn import FusedBlock
from sedsep.nnet.norms import EPS
from sedsep.nnet.tcn import TCNBlock


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr(fused_block, "PIECE", 5)


def normalised(x, gain, bias):
    """The plain global norm."""
    return F.layer_norm(x, x.shape[1:], eps=EPS) * gain + bias


def fused(x, *parameters_and_dilation):
    """FusedBlock with the arguments of :func:`plain`."""
    *parameters, dilation = parameters_and_dilation
    return FusedBlock.apply(x, dilation, *parameters)


def plain(x, w1, b1, slope1, gain1, bias1, wd, bd, slope2, gain2, bias2, w2, b2, dilation):
    """What FusedBlock computes, operation by operation."""
    y = normalised(F.prelu(F.linear(x, w1, b1), slope1), gain1, bias1).transpose(1, 2)
    z = F.conv1d(y, wd, bd, 1, dilation * (wd.shape[2] // 2), dilation, groups=len(wd)).transpose(1, 2)
    return F.linear(normalised(F.prelu(z, slope2), gain2, bias2), w2, b2)


def arguments(n_frames, kernel=3, dtype=torch.double, channels=4, hidden=6, outputs=3):
    """Random ones; the slopes are positive, as the fused block needs them."""
    slopes = [torch.rand(1) + 0.1 for _ in range(2)]
    inputs = [torch.randn(2, n_frames, channels), torch.randn(hidden, channels), torch.randn(hidden), slopes[0]]
    inputs += [torch.randn(hidden), torch.randn(hidden), torch.randn(hidden, 1, kernel), torch.randn(hidden)]
    inputs += [slopes[1], torch.randn(hidden), torch.randn(hidden)]
    inputs += [torch.randn(outputs, hidden), torch.randn(outputs)]
    return [x.to(dtype).requires_grad_() for x in inputs]


@pytest.mark.parametrize("n_frames, kernel, dilation", [(13, 3, 2), (5, 3, 1), (2, 3, 4), (1, 3, 1), (12, 5, 3)])
def test_values_and_gradients_are_the_plain_ones(n_frames, kernel, dilation):
    inputs = arguments(n_frames, kernel)
    ours, expected = fused(*inputs, dilation), plain(*inputs, dilation)
    torch.testing.assert_close(ours, expected)
    direction = torch.randn_like(expected)
    grads = (torch.autograd.grad(y, inputs, direction) for y in (ours, expected))
    torch.testing.assert_close(*grads)


def test_float32_is_as_close_as_the_plain_block_to_float64(monkeypatch):
    monkeypatch.setattr(fused_block, "PIECE", 256)
    inputs = arguments(700, dtype=torch.float32, channels=16, hidden=32, outputs=24)
    direction = torch.randn(2, 700, 24)
    exact = [x.detach().double().requires_grad_() for x in inputs]
    exact_grads = torch.autograd.grad(plain(*exact, 4), exact, direction.double())
    errors = []
    for function in (fused, plain):
        grads = torch.autograd.grad(function(*inputs, 4), inputs, direction)
        errors.append(max((g - e).norm() / e.norm() for g, e in zip(grads, exact_grads)))
    assert errors[0] < max(2 * errors[1], 1e-5)


def test_gradcheck():
    assert torch.autograd.gradcheck(lambda *inputs: fused(*inputs, 2), arguments(7))


def test_a_constant_input_is_finite():
    block = accelerate(TCNBlock(4, 6, 3, 3, 1))
    torch.nn.init.constant_(block.expand.bias, 1000.0)
    x = torch.zeros(1, 23, 4, requires_grad=True)
    residual, skip = block(x)
    (residual.sum() + skip.sum()).backward()
    assert residual.isfinite().all() and x.grad.isfinite().all()
