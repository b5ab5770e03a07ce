"""Fused global norm: values and gradients of the plain block, in every layout of pieces and taps."""

import pytest
import torch
import torch.nn.functional as F

from sedsep.nnet import fused_norm
from sedsep.nnet.fused_norm import ExpandNormDepthwise, NormProject, Taps, fusable
from sedsep.nnet.tcn import TCNBlock


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr(fused_norm, "PIECE", 5)


def normalised(x, gain, bias):
    """The plain global norm."""
    return F.layer_norm(x, x.shape[1:], eps=fused_norm.EPS) * gain + bias


def plain_expand(x, weight, bias, slope, gain, norm_bias, depth_weight, depth_bias, dilation):
    """What ExpandNormDepthwise computes, operation by operation."""
    y = normalised(F.prelu(F.linear(x, weight, bias), slope), gain, norm_bias).transpose(1, 2)
    padding = dilation * (depth_weight.shape[2] // 2)
    return F.conv1d(y, depth_weight, depth_bias, 1, padding, dilation, groups=len(depth_weight)).transpose(1, 2)


def plain_project(z, slope, gain, norm_bias, weight, bias):
    """What NormProject computes, operation by operation."""
    return F.linear(normalised(F.prelu(z, slope), gain, norm_bias), weight, bias)


def random(*shape):
    return torch.randn(*shape, dtype=torch.double, requires_grad=True)


def arguments(n_frames, kernel=3, slope=0.25):
    slope = torch.tensor([slope], dtype=torch.double, requires_grad=True)
    expand = (random(2, n_frames, 4), random(6, 4), random(6), slope, random(6), random(6))
    project = (random(2, n_frames, 6), slope, *expand[4:], random(3, 6), random(3))
    return (*expand, random(6, 1, kernel), random(6)), project


@pytest.mark.parametrize("slope", [0.25, 0.0, -0.5])
@pytest.mark.parametrize("n_frames, kernel, dilation", [(13, 3, 2), (5, 3, 1), (2, 3, 4), (1, 3, 1), (12, 5, 3)])
def test_values_and_gradients_are_the_plain_ones(n_frames, kernel, dilation, slope):
    expand, project = arguments(n_frames, kernel, slope)
    pairs = [
        (ExpandNormDepthwise.apply(*expand, dilation), plain_expand(*expand, dilation), expand),
        (NormProject.apply(*project), plain_project(*project), project),
    ]
    for ours, plain, inputs in pairs:
        torch.testing.assert_close(ours, plain)
        direction = torch.randn_like(plain)
        grads = torch.autograd.grad(ours, inputs, direction), torch.autograd.grad(plain, inputs, direction)
        torch.testing.assert_close(*grads)


def test_gradcheck():
    expand, project = arguments(7)
    assert torch.autograd.gradcheck(lambda *a: ExpandNormDepthwise.apply(*a, 2), expand)
    assert torch.autograd.gradcheck(NormProject.apply, project)


def test_block_is_the_same_with_and_without_fusion(monkeypatch):
    block, x = TCNBlock(4, 6, 3, 3, 2), torch.randn(3, 23, 4)
    fused = torch.cat(block(x), 2)
    monkeypatch.setattr("sedsep.nnet.tcn.fusable", lambda x: False)
    torch.testing.assert_close(fused, torch.cat(block(x), 2), rtol=1e-5, atol=1e-5)


def test_a_constant_input_is_finite():
    block = TCNBlock(4, 6, 3, 3, 1)
    torch.nn.init.constant_(block.expand.bias, 1000.0)
    x = torch.zeros(1, 23, 4, requires_grad=True)
    residual, skip = block(x)
    (residual.sum() + skip.sum()).backward()
    assert residual.isfinite().all() and x.grad.isfinite().all()


def test_taps_beyond_a_short_clip_reach_nothing():
    taps = Taps(torch.ones(2, 1, 3), 4, n_frames=2)
    z = torch.zeros(2, 2)
    assert taps.offsets == [-4, 0, 4]
    assert [len(z[taps.outputs(0, 2, o)[1]]) for o in taps.offsets] == [0, 2, 0]
    assert [sum(len(f) for f in taps.orphans(z, o)) for o in taps.offsets] == [2, 0, 2]


def test_only_plain_cpu_tensors_are_fused():
    x = torch.zeros(1)
    assert fusable(x) and fusable(x.double()) and not fusable(x.bfloat16()) and not fusable(x.to("meta"))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert not fusable(x)


def test_memory_is_of_the_dtype_asked_for():
    for dtype in (torch.float32, torch.float64):
        x = fused_norm.empty(torch.zeros(1, dtype=dtype), 2, 3)
        assert x.dtype == dtype and x.shape == (2, 3)
