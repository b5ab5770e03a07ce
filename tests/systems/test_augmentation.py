"""Augmentation of features in every mean-teacher system: who hears what, and a few steps of every combination."""

from dataclasses import replace

import pytest
import torch

from sedsep import ranks
from sedsep.errors import UserError
from sedsep.nnet.frontends.frontend import Frontend
from sedsep.schedule import Progress
from sedsep.systems.augmentation import Augmentation

MASKS = {"kind": "specaugment", "frame_masks": [2, 2], "frame_width": 9, "band_masks": [1, 1], "band_width": 3}
NOISE = {"kind": "noise", "snr_db": [0.0, 10.0]}
SYSTEMS = [("detection", {"mixup": {"probability": 0.5}}), *(("joint", {"mode": m}) for m in ("stage1", "stage2")),
           ("joint", {"mode": "joint"}), ("ssep_sed", {})]  # fmt: skip
EFFECTS = {"none": [], "masks": [MASKS], "noise": [NOISE], "both": [MASKS, NOISE]}
COMBINED = [("same", "none"), ("same", "both"), ("noise", "both"), *(("other", name) for name in EFFECTS)]


def features(system, network, waveform, n_clips, seed=7, view=0):
    """What a front-end of the system gives under its augmentation."""
    with torch.no_grad(), system.augmentation.heard(network, n_clips, seed, view):
        frontend = next(module for module in network.modules() if isinstance(module, Frontend))
        return frontend.compression(frontend.spectrum(waveform))


@pytest.mark.parametrize("name, section", SYSTEMS)
@pytest.mark.parametrize("view, effects", COMBINED)
def test_a_few_steps_of_every_combination(build, batch, name, section, view, effects):
    effects = EFFECTS[effects]
    batch = replace(batch, other_view=batch.mixture.flip(0).roll(3, 1))
    changes = {"effects": effects, "most": 2, "other": [NOISE] if effects else []}
    weights = []
    for augmentation in (changes, changes, {}):
        system = build(name, teaching={"view": view, "ramp_epochs": 0.0}, augmentation=augmentation, **section).train()
        adam = torch.optim.Adam([p for p in system.parameters() if p.requires_grad], 1e-2)
        for step in (1, 2):
            torch.manual_seed(step)
            losses = system(batch, Progress(step, 1.0))
            assert all(torch.isfinite(value) for value in losses.values())
            adam.zero_grad()
            sum(losses.values()).backward()
            adam.step()
            system.after_step(Progress(step, 1.0))
        weights.append(torch.cat([p.detach().flatten() for p in system.parameters()]))
        assert not any(module._forward_hooks for module in system.modules()), "nothing is left behind"
    assert torch.equal(weights[0], weights[1])
    assert torch.equal(weights[0], weights[2]) == (not effects)


def test_views_have_their_own_changes_and_who_hears_the_same_view_the_same(build, batch):
    system = build("detection", augmentation={"effects": [NOISE], "most": 1})
    waveform, plain = batch.mixture[:1].expand(40, -1), build("detection")
    bare = features(plain, plain.student, waveform, 40)
    assert torch.equal(bare, plain.student.frontend.compression(plain.student.frontend.spectrum(waveform)))
    student, teacher = (features(system, getattr(system, who), waveform, 40) for who in system.variants)
    other, later = (features(system, system.teacher, waveform, 40, *key) for key in ((7, 1), (8, 0)))
    assert torch.equal(student, teacher) and not torch.equal(student, other) and not torch.equal(student, later)
    changed = [not torch.equal(a, b) for a, b in zip(student, bare)]
    assert 8 < sum(changed) < 32, "none or one, each as likely"
    assert len({clip.numpy().tobytes() for clip, is_so in zip(student, changed) if is_so}) == sum(changed)


def test_the_other_view_may_have_its_own_list(build, batch):
    system = build("detection", augmentation={"effects": [NOISE], "other": [MASKS], "most": 1})
    bare = features(build("detection"), system.student, batch.mixture, 6)
    own, other = (features(system, system.student, batch.mixture, 6, 7, view) for view in (0, 1))
    assert (own != bare).flatten(1).float().mean(1).unique().tolist() == [0.0, 1.0]
    assert (other != bare).any() and float((other != bare).float().mean()) < 0.5
    only = Augmentation(other=[MASKS])
    assert only.seed() > 0 and Augmentation().seed() == 0


def test_sources_of_a_clip_are_masked_alike(build, batch):
    system = build("joint", augmentation={"effects": [MASKS], "most": 1})
    sources = batch.mixture[:, None].expand(-1, 3, -1).reshape(18, -1)
    heard = features(system, system.student, sources, 6).unflatten(0, (6, 3))
    assert (heard == heard[:, :1]).all() and (heard[0] != heard[1]).any()


def test_a_process_draws_for_its_own_share_what_one_alone_would(build, batch, monkeypatch):
    system = build("joint", augmentation={"effects": [MASKS, NOISE], "most": 2})
    sources = batch.mixture.repeat_interleave(3, 0)
    whole = features(system, system.student, sources, 6)
    monkeypatch.setattr(ranks, "count", lambda: 2)
    for first, stop in ((0, 2), (2, 6)):
        with ranks.sharing(ranks.Share(first, stop, 6)):
            own = features(system, system.student, sources[3 * first : 3 * stop], stop - first)
        torch.testing.assert_close(own, whole[3 * first : 3 * stop])


def test_mistakes_are_refused(build):
    for section, message in (
        ({"effects": [{"kind": "specagment"}]}, r"augmentation.effects\[0\].kind is 'specagment'"),
        ({"effect": []}, "unknown key 'augmentation.effect' .did you mean 'effects'"),
        ({"most": -1}, "augmentation.most must be at least 0"),
    ):
        with pytest.raises(UserError, match=message):
            build("detection", augmentation=section)
