"""Poolings of maps: the authors' outputs, and ranks with their gradient; what each means."""

import pytest
import torch

from sedsep.nnet.fast import accelerate
from sedsep.nnet.map_poolings import MAP_POOLINGS, AttentionMap, RankMap, rank_weights
from sedsep.nnet.vgg import Dilated
from tests.nnet.weak_2021 import CLOSE, every_layer_is_heard, load, released, weights


def pooled(form, maps):
    """GWRP of maps ``(B, C, L, F)`` that are ready."""
    return form(RankMap(1, 1, 1)).pool(maps.flatten(2))


@pytest.mark.parametrize("size", ["small", "full"])
def test_ranks_and_their_gradient_are_the_authors(form, size):
    golden = released("pooling")
    found, gradient = golden[f"gwrp/{size}/output"], golden[f"gwrp/{size}/grad"]
    maps = golden[f"gwrp/{size}/map"].requires_grad_()
    output = pooled(form, maps)
    torch.testing.assert_close(output, found, **CLOSE)
    (output * golden[f"gwrp/{size}/cotangent"]).sum().backward()
    torch.testing.assert_close(maps.grad, gradient, rtol=1e-4, atol=5e-8)
    with pytest.raises(AssertionError):
        torch.testing.assert_close(form(RankMap(1, 1, 1, decay=0.999)).pool(maps.flatten(2)), found, **CLOSE)
    with pytest.raises(AssertionError):
        torch.testing.assert_close(maps.grad.flip(2), gradient, rtol=1e-4, atol=5e-8)
    with pytest.raises(AssertionError):
        torch.testing.assert_close(pooled(form, maps + 0.001), found, **CLOSE)


@torch.no_grad()
def test_the_dilated_benchmark_is_the_authors():
    """Whole clips, for its attention is over all of one; the encoder's layers are moved in turn on fewer frames."""
    golden = released("pooling")
    places = {f"^{kind}{n + 1}": f"{3 * n + place}" for n in range(3) for place, kind in enumerate(("conv", "bn"))}
    encoder = load(Dilated(1), weights(golden, "weight/atrous/emb.", places))
    renamed = {r"^att\b": "attention", r"^cla\b": "maps"}
    pooling = load(AttentionMap(256, 41, 64), weights(golden, "weight/atrous/attention.", renamed))
    output = torch.cat([pooling(encoder(clip[None, None])).weak for clip in golden["input"]])
    torch.testing.assert_close(output, golden["output/atrous"], **CLOSE)
    assert output.max() < 0.5
    encoded = encoder(golden["input"][:1, None])
    every_layer_is_heard(
        pooling, lambda: torch.testing.assert_close(pooling(encoded).weak, golden["output/atrous"][:1], **CLOSE)
    )
    x = golden["input"][:1, None, :24]
    before = encoder(x)
    every_layer_is_heard(encoder, lambda: torch.testing.assert_close(encoder(x), before, rtol=1e-3, atol=1e-3))


@pytest.mark.parametrize("kind", ["mean", "max", "rank"])
def test_clips_and_frames_of_maps(form, kind):
    torch.manual_seed(0)
    pooling, encoded = form(MAP_POOLINGS[kind](4, 3, 6)), torch.randn(2, 4, 5, 6)
    maps = torch.sigmoid(pooling.maps(encoded))  # (B, C, L, F)
    ordered, weight = maps.flatten(2).sort(2, descending=True).values, 0.9998 ** torch.arange(30)
    ranked = (ordered * weight).sum(2) / weight.sum()
    clip = {"mean": maps.mean((2, 3)), "max": maps.amax((2, 3)), "rank": ranked}[kind]
    frames = maps.amax(3) if kind == "max" else maps.mean(3)
    detection = pooling(encoded)
    torch.testing.assert_close(detection.weak, clip)
    torch.testing.assert_close(detection.strong, frames.transpose(1, 2))


def test_ranks_between_maximum_and_mean():
    cells = torch.rand(2, 3, 40)
    torch.testing.assert_close(RankMap(1, 1, 1, decay=0.0).pool(cells), cells.amax(2))
    torch.testing.assert_close(RankMap(1, 1, 1, decay=1.0).pool(cells), cells.mean(2))


def test_the_sum_of_the_weights():
    assert float(1 / rank_weights(311 * 64, 0.9998)[0]) == pytest.approx(4906.68, abs=0.005)


def test_a_fast_pooling_is_chosen_where_a_system_is_built():
    assert type(accelerate(RankMap(1, 1, 1))).__name__ == "FastRankMap"
