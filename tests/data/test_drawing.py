"""Drawing: views of a scene share events and timing and nothing else; rooms of clips and of sources."""

import hashlib

import numpy as np
import pytest

from sedsep.data.activity import active_mask, rms
from sedsep.data.augment import SOURCE_EFFECTS
from sedsep.data.drawing import draw
from sedsep.data.levels import LEVELS
from sedsep.data.loader import Loader
from sedsep.data.parts import MixedClips
from sedsep.data.sampler import StreamSampler
from sedsep.data.scene import as_fingerprinted, describe, labels
from sedsep.data.simulate import SimulatedClips
from sedsep.data.windows import Windows
from sedsep.labels import Classes, FrameGrid
from tests.data.test_scene import SOUNDS

RATE = 8000
EFFECTS = [{"kind": kind} for kind in SOURCE_EFFECTS]
DYNAMIC = {"n_events": [1, 5], "levels": {"kind": "uniform"}, "rooms": {"each": "source"}, "effects": EFFECTS,
           "most_effects": 2, "peak": 1.0}  # fmt: skip


def views(section, count=40):
    description = describe(section)
    return [[draw(description, SOUNDS, 3, 1, index, view) for view in (0, 1, 2)] for index in range(count)]


@pytest.mark.parametrize("levels", [None, *({"kind": kind} for kind in LEVELS)])
@pytest.mark.parametrize("each", ["clip", "source"])
def test_views_share_events_and_timing_and_nothing_else(levels, each):
    section = {**DYNAMIC, "levels": levels, "rooms": {"each": each, "probability": 1.0}}
    shared = ("sound", "start", "onset", "duration")
    for scenes in views(section):
        assert len({repr(labels(scene)) for scene in scenes}) == 1
        assert len({repr([[getattr(e, n) for n in shared] for e in scene.events]) for scene in scenes}) == 1
        assert len({scene.background.start for scene in scenes}) == 3
        for events in zip(*(scene.events for scene in scenes)):
            for name in ("level_db", "position", "tail"):
                values = {repr(getattr(event, name)) for event in events}
                # Levels at a limit of the normal rule are equal by right.
                assert len(values) == 3 or (name == "level_db" and (levels or {}).get("kind") == "normal")
        assert (len({scene.room for scene in scenes}) == 3) == (each == "clip")
    changed = [len({repr(event.effects) for event in events}) > 1 for scenes in views(section)
               for events in zip(*(scene.events for scene in scenes))]  # fmt: skip
    assert np.mean(changed) > 0.8


def test_every_source_may_have_a_room_of_its_own():
    for first, *_ in views({"n_events": [4, 4], "rooms": {"each": "source"}, "same_class_overlap": True}):
        rooms = [event.room for event in first.events]
        assert first.room is None and len(set(rooms)) == len(rooms) and None not in rooms
    dry = [scene for scene, *_ in views({**DYNAMIC, "rooms": {"each": "source", "probability": 0.5}}, 100)]
    share = np.mean([scene.events[0].room is None for scene in dry])
    assert 0.35 < share < 0.65 and all(len({e.room is None for e in scene.events}) == 1 for scene in dry)


def test_what_came_later_counts_only_where_it_changes_something():
    """Experiments that were begun before go on."""
    before = {"rt60": [0.15, 0.6], "probability": 1.0}
    assert as_fingerprinted(describe({"rooms": {}}))["rooms"] == before
    assert "levels" not in as_fingerprinted(describe({}))
    said = as_fingerprinted(describe(DYNAMIC))
    assert said["rooms"]["each"] == "source" and said["levels"]["kind"] == "uniform"


@pytest.mark.parametrize("kind", [*SOURCE_EFFECTS, "all"])
def test_with_every_effect_stems_add_up_and_labels_lie_on_the_sound(bank, kind):
    """Silence stays silence: nothing sounds before an event's onset, nor after its end where there is no room."""
    effects = EFFECTS if kind == "all" else [{"kind": kind}]
    section = {**DYNAMIC, "sample_rate": RATE, "seconds": 3.0, "rooms": None, "effects": effects}
    plain = SimulatedClips(describe({**section, "effects": []}), bank)
    clips, changed = SimulatedClips(describe(section), bank), 0
    for index in range(8):
        for view in (0, 1):
            scene, made, bare = clips.scene(1, index, view), clips.item(1, index, view), plain.item(1, index, view)
            assert np.abs(made.mixture - made.stems.sum(0, dtype=np.float64)).max() <= 1e-6
            assert made.rows == bare.rows == clips.item(1, index).rows
            np.testing.assert_allclose(made.stems[0] / made.gain, bare.stems[0] / bare.gain, rtol=1e-4, atol=1e-7)
            for event, stem, dry in zip(scene.events, made.stems[1:], bare.stems[1:]):
                first, last = (moment * RATE // 1000 for moment in (event.onset, event.onset + event.duration))
                assert not stem[:first].any() and not stem[last + 1 :].any()
                heard = stem[first:last]
                assert rms(heard[active_mask(heard, RATE)]) > 0
                changed += bool(event.effects) and not np.allclose(stem / made.gain, dry / bare.gain, rtol=1e-3)
    assert changed >= 3


def test_rooms_prolong_a_sound_and_never_begin_it_earlier(bank):
    clips = SimulatedClips(describe({**DYNAMIC, "sample_rate": RATE, "seconds": 3.0}), bank)
    for index in range(6):
        scene, made = clips.scene(0, index), clips.item(0, index)
        for event, stem in zip(scene.events, made.stems[1:]):
            assert not stem[: event.onset * RATE // 1000].any()


def windows(bank, seed):
    section = {**DYNAMIC, "sample_rate": RATE, "seconds": 2.0, "count": 6, "seed": seed}
    mixed = MixedClips(SimulatedClips(describe(section), bank), stems=True)
    return Windows([mixed], Classes(("Cat", "Dog")), RATE, 2.0, FrameGrid(RATE, 128, 4), 3, 5, True, (), 2)


def test_items_are_a_function_of_seed_epoch_and_index_whatever_the_workers(bank):
    found = set()
    for workers in (0, 0, 2):
        data = windows(bank, 1)
        loader = Loader({"all": data}, StreamSampler({"all": 6}, {"all": 3}, seed=1), workers)
        loader.batch_sampler.set_epoch(4)
        digest = hashlib.sha256()
        for batch in loader:
            for tensor in (batch.mixture, batch.other_view, batch.sources, batch.strong):
                digest.update(tensor.numpy().tobytes())
            assert not np.array_equal(batch.mixture, batch.other_view)
            np.testing.assert_allclose(batch.sources.sum(1), batch.mixture, atol=1e-5)
        found.add(digest.hexdigest())
    assert len(found) == 1
    one = windows(bank, 1)[4, 2]
    for other in (windows(bank, 2)[4, 2], windows(bank, 1)[5, 2], windows(bank, 1)[4, 3]):
        assert not np.array_equal(one.mixture, other.mixture)
