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


def test_the_cumulative_norm_is_that_of_the_other_toolkits():
    """By their formula, frame by frame in plain floats: sums of what has been, mean of squares less squared mean."""
    torch.manual_seed(0)
    x = 0.5 + torch.randn(2, 40, 8)
    norm, expected = LayerNorm(8, "cgln"), torch.zeros(2, 40, 8)
    for clip in range(2):
        count = total = power = 0.0
        for frame in range(40):
            for value in x[clip, frame].tolist():
                count, total, power = count + 1, total + value, power + value * value
            mean = total / count
            deviation = (power / count - mean * mean + 1e-8) ** 0.5
            for channel, value in enumerate(x[clip, frame].tolist()):
                expected[clip, frame, channel] = (value - mean) / deviation
    torch.testing.assert_close(norm(x), expected, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(norm(x.flip(1)), expected, atol=0.1) and not torch.allclose(
        LayerNorm(8, "gln")(x), expected, atol=0.1
    )
