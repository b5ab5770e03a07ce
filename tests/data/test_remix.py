"""Remix: levels, pairing over SNRs, folds apart, both variants of the generator, labels where sound is."""

from dataclasses import replace

import numpy as np
import pytest

from sedsep.data import audio
from sedsep.data.activity import rms
from sedsep.data.manifest import ClipSet
from sedsep.data.remix import RemixedClips, describe, remix
from sedsep.data.soundbank import Soundbank
from sedsep.errors import UserError

RATE = 8000
BASE = {"sample_rate": RATE, "seconds": 8.0, "per_fold": 12, "n_folds": 3, "folds": [1, 2], "event_seconds": 1.0}


def clips_of(bank, **settings):
    return RemixedClips(describe({**BASE, **settings}), bank)


@pytest.mark.parametrize("variant", ["fixed", "code"])
def test_levels_and_the_mean_of_two_channels(bank, variant):
    for snr in (0.0, 10.0, 20.0):
        clips = clips_of(bank, snr=snr, variant=variant)
        rendered, (_, placed) = clips.item(0, 3), clips.placed(3)
        assert len(placed) == 3 and rendered.stems.shape == (4, 8 * RATE)
        np.testing.assert_allclose(rendered.mixture, rendered.stems.sum(0), atol=1e-6)
        scene, events = 2 * rendered.stems[0], 2 * rendered.stems[1:].sum(0)
        assert max(np.abs(scene).max(), np.abs(events).max()) == pytest.approx(1.0, abs=1e-5)
        for stem, (onset, recording) in zip(rendered.stems[1:], placed):
            whole = clips.cache.get(recording.sound)
            first, length = round(onset * RATE), min(len(whole), RATE)
            scale = stem[first : first + length] @ whole[:length] / (whole[:length] @ whole[:length])
            level = 20 * np.log10(scale * rms(whole) / rms(rendered.stems[0]))
            assert level == pytest.approx(snr, abs=0.01), "of the whole recording, before it was cut"
            assert not stem[:first].any() and not stem[first + length :].any()


@pytest.mark.parametrize("variant", ["fixed", "code"])
def test_the_snr_is_no_part_of_what_is_drawn(bank, variant):
    sets = [clips_of(bank, snr=snr, variant=variant) for snr in (0.0, 20.0)]
    for index in range(24):
        assert sets[0].placed(index) == sets[1].placed(index)
        assert sets[0].item(0, index).rows == sets[1].item(0, index).rows
    other = clips_of(bank, seed=5, variant=variant)
    assert any(other.placed(index) != sets[0].placed(index) for index in range(24))


def sources(clips, index):
    background, placed = clips.placed(index)
    return {background.sound.source}, {recording.sound.source for _, recording in placed}


def test_folds_share_no_original_and_no_scene(bank):
    clips = clips_of(bank, folds=[1, 2, 3])
    by_fold = {}
    for index in range(36):
        scene, events = sources(clips, index)
        by_fold.setdefault(index // 12, set()).update(scene | events)
    assert not by_fold[0] & by_fold[1] and not by_fold[1] & by_fold[2] and not by_fold[0] & by_fold[2]
    alone = clips_of(bank, folds=[2])
    assert [alone.placed(k) for k in range(12)] == [clips.placed(12 + k) for k in range(12)]


def test_published_folds_count(bank):
    named = {source: f"{1 + place % 3}" for place, source in enumerate(sorted({s.source for s in bank.sounds}))}
    told = Soundbank(bank.directory, bank.classes, tuple(replace(s, fold=named[s.source]) for s in bank.sounds))
    clips = clips_of(told, folds=[1, 2, 3])
    for index in range(36):
        assert {named[source] for source in set.union(*sources(clips, index))} == {str(1 + index // 12)}


def test_events_do_not_touch_and_lists_are_used_up_evenly(bank):
    clips = clips_of(bank, folds=[1], per_fold=40)
    used, first_onsets = {}, set()
    for index in range(40):
        spans = []
        for onset, recording in clips.placed(index)[1]:
            length = min(recording.sound.offset - recording.sound.onset, 1.0)
            spans.append((onset, onset + length))
            used[recording.sound.path] = used.get(recording.sound.path, 0) + 1
        assert all(a[1] < b[0] for a, b in zip(sorted(spans), sorted(spans)[1:]))
        assert spans[0][0] >= 0 and max(end for _, end in spans) <= 8.0
        first_onsets.add(spans[0][0])
    assert max(used.values()) - min(used.values()) <= 1 and len(first_onsets) > 30
    triples = {frozenset(r.sound.path for _, r in clips.placed(index)[1]) for index in range(40)}
    assert len(triples) > 1


def test_the_released_generator_repeats_its_triples(bank):
    """Onsets of 0.5, 3 and 5.5 s; a fold of n recordings has n different triples, or n / 3 where 3 divides it."""
    clips = clips_of(bank, variant="code", folds=[1], per_fold=40)
    n = len(clips.events[1])
    triples = [tuple(r.sound.path for _, r in clips.placed(index)[1]) for index in range(40)]
    assert len(set(triples)) == (n // 3 if n % 3 == 0 else n)
    assert {tuple(onset for onset, _ in clips.placed(index)[1]) for index in range(40)} == {(0.5, 3.0, 5.5)}
    assert len({sources(clips, index)[0].pop() for index in range(40)}) == 3, "scenes out of all folds"


def test_labels_are_where_sound_is(bank):
    clips = clips_of(bank)
    for index in range(24):
        rendered = clips.item(0, index)
        for onset, offset, label in rendered.rows:
            stems = [s for s, info in zip(rendered.stems, rendered.infos) if info.label == label]
            inside = max(rms(s[round(onset * RATE) : round(offset * RATE)]) for s in stems)
            assert inside > 3 * max(rms(s) for s in stems) / np.sqrt(8) and offset <= 8.0


def test_a_set_has_both_kinds_of_labels_and_other_workers_write_the_same(bank, tmp_path):
    description = describe({**BASE, "per_fold": 3, "stems": True})
    for name, workers in (("one", 1), ("two", 2)):
        made = remix(description, bank, tmp_path / name, workers)
        assert made["clips"] == 6
    found = ClipSet.read(tmp_path / "one")
    for clip in found:
        assert set(clip.weak) == {label for _, _, label in clip.strong} and len(clip.stems) == 4
        other = tmp_path / "two" / "audio" / clip.filename.replace("one", "two")
        assert np.array_equal(audio.read(clip.path, RATE), audio.read(other, RATE))


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"folds": [4]}, "folds must be some of 1 to 3"),
        ({"folds": [1, 1]}, "each once"),
        ({"folds": []}, "folds must be"),
        ({"seconds": 2.0}, "seconds must be at least 3.003"),
        ({"seconds": 6.0, "variant": "code"}, "seconds must be at least 6.5"),
        ({"n_folds": 5}, "no scenes in fold 4|no scenes in fold"),
        ({"snrs": 3}, "unknown key 'snrs'; did you mean 'snr'|unknown key"),
    ],
)
def test_what_cannot_be_is_said(bank, settings, message):
    if "n_folds" in settings:
        settings = {**settings, "folds": [1, 2, 3, 4, 5]}
    with pytest.raises(UserError, match=message):
        clips_of(bank, **settings)
