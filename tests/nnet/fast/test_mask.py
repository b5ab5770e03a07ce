"""Fused masks and decoder: values and gradients of the plain formula, for every activation."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from sedsep.nnet.fast import mask as fused_mask
from sedsep.nnet.fast.crew import kernel
from sedsep.nnet.fast.mask import MaskDecode
from sedsep.nnet.fast.mask_kernels import exp
from sedsep.nnet.separators.conv_tasnet import MASKS

N_SOURCES, N_FILTERS, KERNEL = 3, 5, 4


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr(fused_mask, "PIECE", 6)


def plain(hidden, slope, weight, bias, frames, encoder, decoder, activation):
    """What MaskDecode computes, operation by operation."""
    score = F.linear(F.prelu(hidden, slope), weight, bias).unflatten(2, (-1, len(encoder)))
    return (MASKS[activation](score) * (frames @ encoder.t()).unsqueeze(2)) @ decoder


def arguments():
    shapes = [(2, 11, 7), (1,), (N_SOURCES * N_FILTERS, 7), (N_SOURCES * N_FILTERS,), (2, 11, KERNEL)]
    shapes += [(N_FILTERS, KERNEL), (N_FILTERS, KERNEL)]
    return [torch.randn(*shape, dtype=torch.double, requires_grad=True) for shape in shapes]


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("activation", MASKS)
def test_values_and_gradients_are_the_plain_ones(activation, n_threads, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: n_threads)
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


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("activation", MASKS)
def test_float32_is_close_to_float64_at_a_real_size(activation, n_threads, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: n_threads)
    torch.manual_seed(0)
    exact = [torch.randn(shape, dtype=torch.double) for shape in [(2, 700, 24), (1,), (64, 24), (64,), (2, 700, 16)]]
    exact += [torch.randn(16, 16, dtype=torch.double) for _ in range(2)]
    rough = [x.float().requires_grad_() for x in exact]
    exact = [x.requires_grad_() for x in exact]
    ours, expected = MaskDecode.apply(*rough, activation), plain(*exact, activation)
    torch.testing.assert_close(ours.double(), expected, rtol=1e-4, atol=1e-4)
    direction = torch.randn_like(expected)
    grads = torch.autograd.grad(ours, rough, direction.float()), torch.autograd.grad(expected, exact, direction)
    for index, (ours, expected) in enumerate(zip(*grads)):
        # The slope's is a single sum of terms of both signs, which nearly cancel.
        assert (ours - expected).norm() < (1e-3 if index == 1 else 1e-5) * expected.norm()


@kernel
def exp_all(x, out):
    """Exponential of every element."""
    for i in range(len(x)):
        out[i] = exp(x[i])


def test_exp_is_exact_to_float32_over_its_range():
    x = np.linspace(-86.9, 87.9, 1_000_001, dtype=np.float32)
    out = np.empty_like(x)
    exp_all(x, out)
    exact = np.exp(x.astype(np.float64))
    assert np.abs(out / exact - 1).max() < 1.5e-7
    extremes = np.array([-np.inf, -1000, 0, 1000, np.inf, np.nan], np.float32)
    exp_all(extremes, out[:6])
    assert (out[:2] < 2e-38).all() and out[2] == 1 and (out[3:5] > 1e38).all() and np.isnan(out[5])


@pytest.mark.parametrize("activation", MASKS)
def test_a_score_that_is_not_a_number_shows(activation):
    inputs = [x.detach().float() for x in arguments()]
    inputs[0][0, 3, 0] = float("nan")
    out = MaskDecode.apply(*inputs, activation)
    assert out[0, 3].isnan().all() and out[1].isfinite().all()


def test_an_infinite_score_is_no_problem_of_relu():
    inputs = [x.detach() for x in arguments()]
    inputs[3][0] = -float("inf")
    assert torch.equal(MaskDecode.apply(*inputs, "relu").isfinite(), plain(*inputs, "relu").isfinite())


def test_an_empty_batch():
    hidden, slope, weight, bias, frames, encoder, decoder = arguments()
    out = MaskDecode.apply(hidden[:0], slope, weight, bias, frames[:0], encoder, decoder, "sigmoid")
    assert out.shape == (0, 11, N_SOURCES, KERNEL)
    out.sum().backward()
    assert not weight.grad.any() and hidden.grad.shape == hidden.shape
