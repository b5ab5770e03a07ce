"""Norms: the layer against its definition, the moments of a clip in any pieces."""

import pytest
import torch

from sedsep.nnet.norms import LayerNorm, Moments


@pytest.mark.parametrize("kind, axes", [("gln", (1, 2)), ("cln", 2)])
def test_norm_is_zero_mean_unit_variance_over_its_axes(kind, axes):
    x = 3 + 2 * torch.randn(2, 50, 8)
    norm = LayerNorm(8, kind)
    y = norm(x)
    torch.testing.assert_close(y.mean(axes), torch.zeros_like(y.mean(axes)), rtol=0, atol=1e-5)
    torch.testing.assert_close(y.var(axes, unbiased=False), torch.ones_like(y.mean(axes)), rtol=0, atol=1e-4)
    with torch.no_grad():
        norm.gain.copy_(torch.arange(8.0))
        norm.bias.fill_(5)
    torch.testing.assert_close(norm(x), y * torch.arange(8.0) + 5)


def test_moments_do_not_depend_on_the_pieces():
    x, ones, zeros = 5 + torch.randn(40, 3), torch.ones(3), torch.zeros(3)
    whole, parts = Moments(), Moments()
    whole.add(x)
    for piece in x.split(7):
        parts.add(piece)
    norm = parts.norm(ones, zeros)
    assert norm.mean == pytest.approx(x.mean().item(), rel=1e-6)
    assert norm.rate == pytest.approx(1 / x.std(unbiased=False).item(), rel=1e-5)
    assert whole.norm(ones, zeros).rate == pytest.approx(norm.rate, rel=1e-5)


def test_the_cumulative_norm_knows_each_frame_and_those_before_it():
    x = 3 + 2 * torch.randn(2, 30, 8)
    norm = LayerNorm(8, "cgln")
    with torch.no_grad():
        norm.gain.copy_(torch.arange(8.0))
        norm.bias.fill_(5)
    for frame in (0, 1, 12, 29):
        past = x[:, : frame + 1]
        mean, variance = past.mean((1, 2), keepdim=True), past.var((1, 2), correction=0, keepdim=True)
        expected = (x[:, frame : frame + 1] - mean) / (variance + 1e-8).sqrt() * torch.arange(8.0) + 5
        torch.testing.assert_close(norm(x)[:, frame : frame + 1], expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(norm(x)[:, :12], norm(x[:, :12]))  # nothing of the future
    silent = torch.zeros(1, 9, 8, requires_grad=True)
    norm(silent).sum().backward()
    assert silent.grad.isfinite().all()


def test_the_cumulative_norm_is_asteroids():
    peer = pytest.importorskip("asteroid.masknn.norms", reason="asteroid is not installed").CumLN(8)
    x = torch.randn(2, 40, 8)
    torch.testing.assert_close(LayerNorm(8, "cgln")(x), peer(x.transpose(1, 2)).transpose(1, 2), rtol=1e-4, atol=1e-4)
