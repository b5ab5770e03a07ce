"""The convolutions: the authors' maps and reconstruction from their weights, every layer heard; sizes and bad keys."""

import pytest
import torch

from sedsep.errors import UserError
from sedsep.nnet.vgg import VGG, Dilated
from tests.nnet.weak_2021 import CLOSE, EDGE, every_layer_is_heard, load, released, weights

FRAMES = 36


@torch.no_grad()
def test_class_maps_and_reconstruction_are_the_authors():
    """On the first frames of a clip: what lies far enough from the cut is as in the whole."""
    golden = released("two_step")
    encoder = load(VGG(1), {k: v for k, v in weights(golden, "weight/enc.").items() if k[0].isdigit()})
    decoder = load(VGG(256, [128, 64, 32, 1]), weights(golden, "weight/dec."))
    weight, bias = golden["weight/enc.class_conv.weight"], golden["weight/enc.class_conv.bias"]
    rows = golden["classes"]

    def maps_agree(x, sign=1.0):
        maps = torch.conv2d(encoder(x), sign * weight, bias)[:, rows, :-EDGE]
        torch.testing.assert_close(maps, golden["class_map"][:1, :, : FRAMES - EDGE], rtol=1e-4, atol=1e-5)

    x = golden["input"][:1, None, :FRAMES]
    every_layer_is_heard(encoder, lambda: maps_agree(x))
    for wrong in (x.flip(2), x.flip(3), golden["input"][1:, None, :FRAMES], x + 0.1):
        with pytest.raises(AssertionError):
            maps_agree(wrong)
    with pytest.raises(AssertionError):
        maps_agree(x, sign=0.99)

    encoded = encoder(x)

    def reconstruction_agrees():
        found = decoder(encoded)[:, 0, : FRAMES - 2 * EDGE]
        torch.testing.assert_close(found, golden["reconstruction"][:1, : FRAMES - 2 * EDGE], **CLOSE)

    every_layer_is_heard(decoder, reconstruction_agrees)
    assert (decoder(encoded) == 0).any() and (decoder(encoded) >= 0).all()


@torch.no_grad()
def test_benchmark_maps_are_the_authors():
    golden = released("pooling")
    encoder = VGG(1, [32, 64, 128, 128], smooth=False)
    load(encoder, {k: v for k, v in weights(golden, "weight/vggish/").items() if k[0].isdigit()})
    weight, bias = golden["weight/vggish/final_conv.weight"], golden["weight/vggish/final_conv.bias"]

    def agrees(smooth=False):
        for block in encoder:
            block.smooth = torch.nn.AvgPool2d(3, 1, 1) if smooth else torch.nn.Identity()
        maps = torch.sigmoid(torch.conv2d(encoder(golden["input"][:1, None, :20]), weight, bias))
        kept = maps[:, golden["classes"], :8]
        torch.testing.assert_close(kept, golden["maps"][:1, :, :8], **CLOSE)

    every_layer_is_heard(encoder, agrees)
    with pytest.raises(AssertionError):
        agrees(smooth=True)


def test_sizes_are_kept_at_any_length():
    for encoder in (VGG(2, [3, 4]), Dilated(2, [3, 4], [1, 2])):
        for frames in (1, 7):
            assert encoder(torch.randn(2, 2, frames, 5)).shape == (2, encoder.width, frames, 5)


def test_gradient_reaches_every_parameter():
    for encoder in (VGG(1, [3, 4]), Dilated(1, [3, 4], [1, 2])):
        encoder(torch.randn(2, 1, 9, 8)).square().sum().backward()
        assert all(p.grad is not None and p.grad.any() for p in encoder.parameters())


def test_wrong_layers_are_said():
    with pytest.raises(UserError, match="as many as channels"):
        Dilated(1, [3, 4], [1])
    with pytest.raises(UserError, match="kernel odd"):
        Dilated(1, [3], [1], kernel=4)
    with pytest.raises(UserError, match="one number from 1 on"):
        VGG(1, [])
