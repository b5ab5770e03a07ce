"""Feature effects: the released code's outputs, what was drawn is what is done, axes the right way round."""

import json

import numpy as np
import pytest
import torch

from sedsep.config import resolve_kind
from sedsep.errors import UserError
from sedsep.nnet.augment import FEATURE_EFFECTS
from sedsep.nnet.augment.noise import Noise, noisy
from sedsep.nnet.augment.specaugment import SpecAugment
from sedsep.systems.teacher import Teaching
from tests.conftest import ROOT

GOLDEN = ROOT.parent / "shared" / "golden" / "effects_2020.npz"


@pytest.fixture(scope="module")
def golden():
    if not GOLDEN.exists():
        pytest.skip(f"{GOLDEN} is not there")
    with np.load(GOLDEN) as found:
        return {name: torch.from_numpy(found[name]) for name in found}


@pytest.mark.parametrize("number", range(3))
def test_masks_are_the_released_ones(golden, number):
    """Its «frequency» masks cut frames, its «time» masks bands; both are zero, which on dB is loud."""
    features = golden["features"].T  # (band, frame) -> (L, F)
    masks = {part: golden[f"specaugment/{number}/{part}_masks"].tolist() for part in ("frame", "band")}
    drawn = {"frames": masks["frame"], "bands": masks["band"], "fill": "zero"}
    output = golden[f"specaugment/{number}/output"].T
    assert torch.equal(SpecAugment.apply(features, drawn), output)
    for wrong in ({"frames": masks["band"], "bands": masks["frame"]}, {"fill": "silence"}):
        assert not torch.equal(SpecAugment.apply(features, {**drawn, **wrong}), output)


def test_noise_is_the_released_one(golden):
    features, noise, snr = golden["features"], golden["gaussnoise/standard_normal"], float(golden["gaussnoise/snr"])
    torch.testing.assert_close(noisy(features, noise, 20 * np.log10(snr)), golden["gaussnoise/output"])
    with pytest.raises(AssertionError):  # the ratio is not one of powers
        torch.testing.assert_close(noisy(features, noise, 10 * np.log10(snr)), golden["gaussnoise/output"])


def test_the_noise_of_the_2020_baselines_teacher(golden, monkeypatch):
    noise = golden["noise30/standard_normal"]
    monkeypatch.setattr(torch, "randn", lambda *shape, **how: noise[None])
    for level, agrees in ((30.0, True), (29.0, False)):
        heard = Teaching(view="noise", noise_db=level).heard(golden["noise30/input"][None], -2)[0]
        assert torch.allclose(heard, golden["noise30/output"], rtol=1e-5, atol=1e-6) == agrees


@pytest.mark.parametrize("kind", FEATURE_EFFECTS)
@pytest.mark.parametrize("shape", [(50, 16), (3, 2, 50, 16), (2, 1)])
def test_every_kind_keeps_to_what_a_feature_effect_is(kind, shape):
    effect = FEATURE_EFFECTS[kind]()
    features = torch.randn(shape, requires_grad=True)
    before = features.detach().clone()
    for seed in range(5):
        drawn = effect.draw(np.random.default_rng(seed), shape[-2:])
        assert json.loads(json.dumps(drawn)) == drawn == effect.draw(np.random.default_rng(seed), shape[-2:])
        heard = effect.apply(features, drawn)
        assert heard.shape == features.shape and heard.dtype == features.dtype and torch.isfinite(heard).all()
        assert torch.equal(heard, effect.apply(features, drawn))
        (gradient,) = torch.autograd.grad(heard.sum(), features)
        assert set(gradient.unique().tolist()) <= {0.0, 1.0}
    assert torch.equal(features, before)


@pytest.mark.parametrize("snr_db", [-30.0, 0.0, 25.0])
def test_noise_has_the_ratio_that_was_drawn(snr_db):
    features = 40 + 7 * torch.randn(2, 300, 64)
    added = Noise.apply(features, {"snr_db": snr_db, "noise": 3}) - features
    ratio = 20 * torch.log10(features.std((-2, -1)) / added.std((-2, -1)))
    torch.testing.assert_close(ratio, torch.full((2,), snr_db), atol=0.1, rtol=0)
    assert not torch.equal(added[0] / added[0].std(), added[1] / added[1].std())


def test_frame_masks_cut_frames_and_band_masks_bands():
    features = torch.rand(200, 64) + 1
    only = {"band_masks": (0, 0), "frame_masks": (3, 3), "frame_width": 20}
    for settings, axis, length in ((only, 1, 200), ({**only, "band_masks": (3, 3), "frame_masks": (0, 0),
                                                     "band_width": 20}, 0, 64)):  # fmt: skip
        changed = []
        for seed in range(30):
            drawn = SpecAugment(**settings).draw(np.random.default_rng(seed), (200, 64))
            different = SpecAugment.apply(features, drawn) != features
            rows = different.any(axis)
            assert (different.float().mean(axis)[rows] > 0.97).all(), "a mask is whole: only the minimum is itself"
            changed.append(int(rows.sum()))
        assert len(changed) == 30 and max(changed) <= 3 * 19 and np.mean(changed) > 10 and length


@pytest.mark.parametrize("fill, value", [("silence", 1.0), ("mean", 4.0), ("zero", 0.0)])
def test_what_stands_in_a_mask(fill, value):
    features = torch.arange(1.0, 8.0).repeat(1, 5, 1)  # bands of 1 to 7
    heard = SpecAugment.apply(features, {"frames": [[2, 1]], "bands": [], "fill": fill})
    assert (heard[:, 1:3] == value).all() and torch.equal(heard[:, 3:], features[:, 3:])


def test_numbers_and_widths_are_those_of_the_configuration():
    drawn = [SpecAugment().draw(np.random.default_rng(seed), (600, 128)) for seed in range(300)]
    for axis, numbers, widths in (("frames", range(5, 11), {0, 1, 2}), ("bands", range(2, 6), {0, 1})):
        assert {len(one[axis]) for one in drawn} == set(numbers)
        assert {width for one in drawn for width, _ in one[axis]} == widths


@pytest.mark.parametrize(
    "section, message",
    [
        ({"kind": "specaug"}, "kind is 'specaug' .did you mean 'specaugment'"),
        ({"kind": "noise", "snr": 3}, "unknown key 'snr' .did you mean 'snr_db'"),
        ({"kind": "noise", "snr_db": [10, -30]}, r"snr_db must be \[lowest, highest\]"),
        ({"kind": "specaugment", "fill": "loud"}, "fill is 'loud'"),
        ({"kind": "specaugment", "frame_width": -1}, "frame_width must be at least 0"),
    ],
)
def test_mistakes_are_refused(section, message):
    with pytest.raises(UserError, match=message):
        resolve_kind(FEATURE_EFFECTS, section)
