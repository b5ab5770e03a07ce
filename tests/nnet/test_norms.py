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
