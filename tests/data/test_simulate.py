"""Simulation: stems add up, levels are what was drawn, labels are true, bytes do not depend on the workers."""

import resource
import signal
from dataclasses import replace

import numpy as np
import pytest
import yaml

from sedsep.data import audio
from sedsep.data.activity import FRAME_SECONDS, active_mask, decibels, rms
from sedsep.data.manifest import ClipSet
from sedsep.data.scene import describe
from sedsep.data.simulate import SimulatedClips, simulate, total
from sedsep.data.soundbank import Soundbank
from sedsep.data.sources import SourceCache
from sedsep.errors import UserError

RATE = 8000
BASE = {"sample_rate": RATE, "seconds": 4.0, "count": 4, "n_events": [1, 4], "level_db": [0.0, 20.0]}
REVERB = {"rt60": [0.2, 0.4], "probability": 1.0}
FILTERS = [{"kind": "filter", "cutoff": [200, 2000]}, {"kind": "filter", "form": "highpass", "cutoff": [200, 2000]}]


def contents(directory):
    return {p.relative_to(directory).as_posix(): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


@pytest.mark.parametrize("rooms", [None, REVERB])
def test_stems_add_up_and_items_are_pure(bank, rooms):
    clips = SimulatedClips(describe({**BASE, "rooms": rooms, "positions": "anywhere"}), bank)
    again = SimulatedClips(describe({**BASE, "rooms": rooms, "positions": "anywhere"}), bank)
    for epoch, index in [(1, 3), (0, 0), (5, 2), (0, 1)]:
        rendered = clips.item(epoch, index)
        assert rendered.mixture.shape == (4 * RATE,) and rendered.stems.dtype == np.float32
        assert np.abs(rendered.mixture - rendered.stems.sum(0, dtype=np.float64)).max() <= 1e-6
        assert np.abs(rendered.mixture).max() <= 0.99 + 1e-6
        assert rendered.infos[0].role == "background" and len(rendered.infos) == len(rendered.stems)
        np.testing.assert_array_equal(again.item(epoch, index).mixture, rendered.mixture)
    assert not np.array_equal(clips.item(0, 0).mixture, clips.item(1, 0).mixture)


@pytest.mark.parametrize("effects", [[], FILTERS])
def test_realised_levels_are_the_drawn_ones(bank, effects):
    clips = SimulatedClips(describe({**BASE, "background_level_db": [-50, -40], "effects": effects}), bank)
    compared = 0
    for index in range(8):
        scene, rendered = clips.scene(0, index), clips.item(0, index)
        background = decibels(rms(rendered.stems[0]))
        assert background == pytest.approx(scene.background.level_db, abs=0.1) and rendered.gain == 1
        for event, stem in zip(scene.events, rendered.stems[1:]):
            part = stem[event.onset * RATE // 1000 : (event.onset + event.duration) * RATE // 1000]
            level = decibels(rms(part[active_mask(part, RATE)])) - background
            assert level == pytest.approx(event.level_db - scene.background.level_db, abs=0.1)
            compared += 1
    assert compared >= 8


@pytest.mark.parametrize("effects", [[], FILTERS])
def test_labels_say_where_dry_stems_sound(bank, effects):
    clips = SimulatedClips(describe({**BASE, "positions": "anywhere", "effects": effects}), bank)
    for index in range(6):
        scene, rendered = clips.scene(0, index), clips.item(0, index)
        for event, stem in zip(scene.events, rendered.stems[1:]):
            sounding = np.flatnonzero(stem)
            slack = FRAME_SECONDS + 0.002  # the bank's spans are whole frames of activity
            assert sounding[0] / RATE == pytest.approx(event.onset / 1000, abs=slack)
            assert (sounding[-1] + 1) / RATE == pytest.approx((event.onset + event.duration) / 1000, abs=slack)


def test_effects_change_the_sounds_that_drew_some_and_no_other(bank):
    plain, clips = (SimulatedClips(describe({**BASE, "effects": effects}), bank) for effects in ([], FILTERS))
    changed = set()
    for index in range(8):
        before, after = plain.item(0, index), clips.item(0, index)
        assert after.rows == before.rows and after.infos == before.infos
        assert np.abs(after.mixture - after.stems.sum(0, dtype=np.float64)).max() <= 1e-6
        np.testing.assert_array_equal(before.stems[0], after.stems[0])
        for event, dry, heard in zip(clips.scene(0, index).events, before.stems[1:], after.stems[1:]):
            assert np.allclose(dry, heard, rtol=1e-3, atol=1e-6) == (not event.effects)
            changed.add(bool(event.effects))
    assert changed == {False, True}


def test_a_description_with_effects_reads_back_as_it_was_written(bank, tmp_path):
    description = describe({**BASE, "effects": FILTERS, "count": 1})
    simulate(description, bank, tmp_path / "set")
    written = yaml.safe_load((tmp_path / "set" / "simulation.yaml").read_text())
    written.pop("bank")
    assert describe(written).effects == description.effects and len(description.effects) == 2
    heard = audio.read(ClipSet.read(tmp_path / "set").clips[0].path, RATE)
    np.testing.assert_array_equal(heard, SimulatedClips(description, bank).item(0, 0).mixture)


def test_reverberation_starts_at_the_onset_and_rings_after_the_offset(bank):
    wet = SimulatedClips(describe({**BASE, "rooms": REVERB, "n_events": [1, 1]}), bank)
    rang = 0
    for index in range(6):
        scene, rendered = wet.scene(0, index), wet.item(0, index)
        (event,), stem = scene.events, rendered.stems[1]
        first, last = (round(ms * RATE / 1000) for ms in (event.onset, event.onset + event.duration))
        assert np.abs(stem[:first]).max(initial=0) < 1e-6 * np.abs(stem).max()
        rang += np.abs(stem[last : last + 200]).max(initial=0) > 1e-3 * np.abs(stem).max()
    assert rang >= 3


def test_one_gain_where_a_mixture_would_clip(bank):
    loud = SimulatedClips(describe({**BASE, "background_level_db": [0, 0]}), bank)
    quiet = SimulatedClips(describe({**BASE, "background_level_db": [0, 0], "peak": 1e9}), bank)
    rendered, free = loud.item(0, 0), quiet.item(0, 0)
    assert rendered.gain < 1 and free.gain == 1
    assert np.abs(rendered.mixture).max() == pytest.approx(0.99, abs=1e-5)
    np.testing.assert_allclose(rendered.stems, free.stems * rendered.gain, atol=1e-6)


def test_a_short_background_repeats_without_holes(bank):
    clips = SimulatedClips(describe({**BASE, "seconds": 11.0, "n_events": [0, 0]}), bank)
    rendered = clips.item(0, 0)
    levels = [rms(part) for part in np.array_split(rendered.mixture, 44)]
    assert min(levels) > 0.8 * max(levels) and rendered.rows == []


def test_same_bytes_for_any_number_of_workers(bank, tmp_path):
    description = describe({**BASE, "rooms": {"probability": 0.5}})
    summary = simulate(description, bank, tmp_path / "one" / "set", workers=1)
    simulate(description, bank, tmp_path / "two" / "set", workers=2)
    one, two = (contents(tmp_path / name) for name in ("one", "two"))
    assert one == two and summary["clips"] == 4
    assert summary["events"] == sum(name.startswith("set/stems/") for name in one) - 4


def test_a_set_on_disk(bank, tmp_path):
    simulate(describe(BASE), bank, tmp_path / "set")
    clip_set = ClipSet.read(tmp_path / "set")
    assert clip_set.classes.names == bank.classes.names and len(clip_set) == 4
    known = {sound.source for sound in bank.sounds if sound.split == "train"}
    for index, clip in enumerate(clip_set):
        rendered = SimulatedClips(describe(BASE), bank).item(0, index)
        stems = np.stack([audio.read(stem.path, RATE) for stem in clip.stems])
        np.testing.assert_array_equal(total(stems), audio.read(clip.path, RATE))
        np.testing.assert_array_equal(stems, rendered.stems)
        assert list(clip.strong) == rendered.rows and clip.duration == 4.0 and clip.domain == "synthetic"
        assert clip.weak is None and {stem.source for stem in clip.stems} <= known
    written = yaml.safe_load((tmp_path / "set" / "simulation.yaml").read_text())
    assert written.pop("bank") == str(bank.directory) and describe(written) == replace(
        describe(BASE), share=[0.0, 1.0], event_seconds=[0.1, 10.0], background_level_db=[-50.0, -50.0]
    )


@pytest.mark.parametrize("labels", ["weak", "none"])
def test_weak_and_unlabelled_sets_without_stems(bank, tmp_path, labels):
    simulate(describe({**BASE, "labels": labels, "stems": False, "domain": "real"}), bank, tmp_path / "set")
    for clip in ClipSet.read(tmp_path / "set"):
        found = {stem.label for stem in clip.stems if stem.role == "foreground"}
        assert clip.strong is None and clip.domain == "real" and all(stem.path is None for stem in clip.stems)
        assert clip.weak is None if labels == "none" else set(clip.weak) == found
    assert not (tmp_path / "set" / "stems").exists()


def test_a_full_disk_leaves_nothing_half_written(bank, tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
        with pytest.raises(UserError, match="cannot write .*; free some space"):
            simulate(describe(BASE), bank, tmp_path / "set")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_set_survives_a_failed_run(bank, tmp_path, monkeypatch):
    simulate(describe(BASE), bank, tmp_path / "set")
    before = contents(tmp_path)

    def broken(self, sound):
        raise UserError("recording is gone")

    monkeypatch.setattr(SourceCache, "get", broken)
    with pytest.raises(UserError, match="recording is gone"):
        simulate(describe(BASE), bank, tmp_path / "set")
    assert contents(tmp_path) == before


@pytest.mark.parametrize("pause", [0.0, 1e-4])
def test_what_is_cut_out_of_a_sound_with_pauses_is_sound(bank, tmp_path, pause):
    """A pause of 0.4 s belongs to the event around it; a shorter cut that falls into it is raised to its level."""
    tone = 0.3 * np.sin(2 * np.pi * 1000 * np.arange(800) / RATE)
    noise = pause * np.random.default_rng(0).standard_normal(3000)
    audio.write(tmp_path / "bark.wav", np.concatenate([tone, noise, tone, noise, tone]), RATE)
    sound = replace(next(s for s in bank.sounds if s.role == "foreground"), path=tmp_path / "bark.wav", onset=0.0,
                    offset=1.05, split="train")  # fmt: skip
    rest = tuple(s for s in bank.sounds if s.role == "background")
    scene = {**BASE, "n_events": [1, 1], "event_seconds": [0.1, 0.2], "count": 40, "level_db": [10.0, 10.0]}
    clips = SimulatedClips(describe(scene), Soundbank(bank.directory, bank.classes, (*rest, sound)))
    for index in range(40):
        stem = clips.item(0, index).stems[1]
        power = np.abs(np.fft.rfft(stem, 4 * RATE)) ** 2
        assert power[4 * 500 : 4 * 1500].sum() > 0.9 * power.sum()


def test_a_recording_that_fell_silent_is_named(bank, tmp_path):
    sounds = tuple(replace(s, path=tmp_path / "quiet.wav") if s.role == "foreground" else s for s in bank.sounds)
    audio.write(tmp_path / "quiet.wav", np.zeros(3 * RATE), RATE)
    clips = SimulatedClips(describe(BASE), Soundbank(bank.directory, bank.classes, sounds))
    with pytest.raises(UserError, match="quiet.wav: silent where the bank says it sounds"):
        clips.item(0, 0)


def test_fixed_clips_are_the_same_in_every_epoch(bank):
    for fixed in (False, True):
        clips = SimulatedClips(describe({**BASE, "fixed": fixed}), bank)
        assert np.array_equal(clips.item(0, 1).mixture, clips.item(3, 1).mixture) == fixed
