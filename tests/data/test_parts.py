"""Parts: clips of files and of the simulator come as wholes, with stems by class."""

import numpy as np
import pytest

from sedsep.data.manifest import ClipSet
from sedsep.data.parts import MixedClips, RecordedClips, _by_class, origins_of
from sedsep.data.scene import describe
from sedsep.data.simulate import SimulatedClips
from sedsep.data.tables import Stem
from sedsep.errors import UserError

RATE = 8000


def test_a_sound_without_a_label_is_a_source_of_its_own():
    rng, stems = np.random.default_rng(0), []
    for number, name in enumerate(("", "background", "", "Cat", "", "Cat"), start=1):
        role = "background" if name == "background" else "foreground"
        info = Stem(None, "" if role == "background" else name, role, f"r{number}")
        stems.append((info, number * rng.normal(size=80)))
    found = _by_class(stems)
    waveforms = [waveform for _, waveform in stems]
    assert len(found) == 5 and np.array_equal(found[""], waveforms[1])
    assert np.array_equal(found["Cat"], waveforms[3] + waveforms[5])
    unlabelled = [waveform for name, waveform in found.items() if not isinstance(name, str)]
    assert all(np.array_equal(a, b) for a, b in zip(unlabelled, (waveforms[0], waveforms[2], waveforms[4])))
    assert origins_of([info for info, _ in stems]) == {"Cat": {"r4", "r6"}}


def test_without_stems_the_cure_is_named(make_set):
    with pytest.raises(UserError, match="--loss mixit"):
        RecordedClips(ClipSet.read(make_set("a", 2)).clips, RATE, stems=True)


def test_views_share_events_and_timing_and_all_else_is_drawn_anew(bank, make_set):
    recorded = RecordedClips(ClipSet.read(make_set("a", 2)).clips, RATE)
    assert len({id(clip) for clip in recorded.views(0, 1, 2)}) == 1
    scene = {"sample_rate": RATE, "seconds": 2.0, "count": 3, "n_events": [3, 3]}
    for effects in ([], [{"kind": "filter"}]):
        mixed = MixedClips(SimulatedClips(describe({**scene, "effects": effects}), bank), stems=True)
        pairs = [mixed.views(2, index, 2) for index in range(3)]
        for first, other in pairs:
            assert (first.strong, first.weak, first.origins) == (other.strong, other.weak, other.origins)
            assert not np.array_equal(first.stems[""], other.stems[""])
            np.testing.assert_array_equal(mixed.clip(2, 1, 1).mixture, pairs[1][1].mixture)


def test_clips_are_whole_and_their_stems_add_up(bank, make_set):
    recorded = RecordedClips(ClipSet.read(make_set("a", 2, stems=True)).clips, RATE, stems=True)
    scene = {"sample_rate": RATE, "seconds": 2.0, "count": 3, "domain": "real", "labels": "weak"}
    mixed = MixedClips(SimulatedClips(describe(scene), bank), stems=True)
    for part, seconds, is_synthetic in ((recorded, 1.0, True), (mixed, 2.0, False)):
        clip = part.clip(4, 1)
        assert (clip.sample_rate, clip.seconds, clip.is_synthetic) == (RATE, seconds, is_synthetic)
        np.testing.assert_allclose(sum(clip.stems.values()), clip.mixture, atol=1e-6)
        assert set(clip.weak) == set(clip.origins) == {name for name in clip.stems if name}
    assert recorded.clip(4, 1).strong is not None and mixed.clip(4, 1).strong is None
