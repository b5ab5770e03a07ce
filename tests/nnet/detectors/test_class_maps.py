"""ClassMaps: the authors' whole networks, their sizes, and shapes at any length."""

import pytest
import torch

from sedsep.config import resolve
from sedsep.nnet.detectors.class_maps import ClassMaps
from sedsep.nnet.vgg import VGG
from tests.nnet.weak_2021 import CLOSE, load, released, weights

GIVEN = ("n_classes", "n_bands", "n_maps")
BENCHMARK = {"channels": [32, 64, 128, 128], "smooth": False}


def network(n_classes=41, n_bands=64, **section):
    return ClassMaps(n_classes, n_bands, **resolve(ClassMaps, section, given=GIVEN))


def parameters(*modules):
    return sum(p.numel() for module in modules for p in module.parameters())


def test_parameter_counts():
    """With the decoder, as the authors count."""
    assert parameters(network(), VGG(256, [128, 64, 32, 1])) == 1967366
    for kind in ("mean", "max", "rank"):
        assert parameters(network(encoder=BENCHMARK, pooling={"kind": kind})) == 587593
    assert parameters(network(encoder={"kind": "dilated"}, pooling={"kind": "attention"})) == 1047570


@torch.no_grad()
def test_the_whole_network_is_the_authors():
    golden = released("two_step")
    renamed = {
        r"^(\d)\.": r"encoder.\1.",
        "class_conv": "pooling.maps",
        "fc_mel": "pooling.bands",
        "fc_time": "pooling.time",
    }
    renamed |= {"_prob": ".classes", "_att": ".attention"}
    state = weights(golden, "weight/enc.", renamed) | weights(golden, "weight/dsa.", renamed)
    found = load(network(), state)
    output = torch.cat([found(clip[None]).weak for clip in golden["input"]])
    torch.testing.assert_close(output, golden["output"], **CLOSE)
    with pytest.raises(AssertionError):
        torch.testing.assert_close(output.flip(0), golden["output"], **CLOSE)
    strong = found(golden["input"][:1]).strong[0].T
    attention = golden["time_attention"][0]
    expected = golden["output"][0][:, None] * attention / attention.amax(1, keepdim=True)
    torch.testing.assert_close(strong, expected, rtol=1e-3, atol=1e-5)


@torch.no_grad()
def test_the_benchmarks_poolings_are_the_authors(form):
    golden = released("pooling")
    state = weights(golden, "weight/vggish/", {r"^(\d)\.": r"encoder.\1.", "final_conv": "pooling.maps"})
    encoder = load(network(encoder=BENCHMARK, pooling={"kind": "mean"}), state).encoder
    encoded = torch.cat([encoder(clip[None, None]) for clip in golden["input"]])
    maps = {name.removeprefix("pooling."): value for name, value in state.items() if name.startswith("pooling.")}
    for kind in ("max", "mean", "rank"):
        pooling = form(load(network(encoder=BENCHMARK, pooling={"kind": kind}).pooling, maps))
        torch.testing.assert_close(pooling(encoded).weak, golden[f"output/{kind}"], **CLOSE)
        for other in {"max", "mean", "rank"} - {kind}:
            with pytest.raises(AssertionError):
                torch.testing.assert_close(pooling(encoded).weak, golden[f"output/{other}"], **CLOSE)
        with pytest.raises(AssertionError):
            torch.testing.assert_close(pooling(encoded.flip(0)).weak, golden[f"output/{kind}"], **CLOSE)


SMALL = [
    {"encoder": {"channels": [3, 4]}, "pooling": {"n_frames": 9}},
    *(
        {"encoder": {"channels": [3, 4], "smooth": False}, "pooling": {"kind": kind}}
        for kind in ("mean", "max", "rank")
    ),
    {"encoder": {"kind": "dilated", "channels": [3, 4], "dilations": [1, 2]}, "pooling": {"kind": "attention"}},
]


@pytest.mark.parametrize("section", SMALL, ids=lambda s: s["pooling"].get("kind", "two_step"))
def test_shapes_and_single_clips(section):
    torch.manual_seed(0)
    found = network(3, 8, **section).eval()
    for frames in (5, 9, 20):
        features = torch.randn(2, frames, 8)
        together = found(features)
        assert together.strong.shape == (2, frames, 3) and together.weak.shape == (2, 3)
        assert together.embedding.shape == (2, frames, 4)
        for alone, row in ((found(features[:1]), 0), (found(features[1:]), 1)):
            torch.testing.assert_close(alone.strong[0], together.strong[row], rtol=1e-5, atol=1e-6)
            torch.testing.assert_close(alone.weak[0], together.weak[row], rtol=1e-5, atol=1e-6)


def test_several_maps_of_features():
    found = ClassMaps(3, 8, 2, **resolve(ClassMaps, SMALL[0], given=GIVEN))
    assert found(torch.randn(1, 2, 9, 8)).weak.shape == (1, 3)
