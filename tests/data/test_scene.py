"""Scenes as data: the description's keys, the rules of placement, randomness from (seed, epoch, index) alone."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedsep.data.drawing import draw, usable
from sedsep.data.scene import Placed, Scene, SceneDescription, describe, labels, scene_classes
from sedsep.data.soundbank import Sound, Sounds
from sedsep.errors import UserError
from sedsep.labels import Classes


def sound(label, seconds, number=0):
    return Sound(f"{label}{number}.wav", label, "foreground", 0.5, 0.5 + seconds, "train", f"{label}{number}")


SOUNDS = Sounds(
    {"Cat": tuple(sound("Cat", 0.3 + number, number) for number in range(3)), "Dog": (sound("Dog", 5.0),)},
    {"room": (sound("room", 12.0),)},
)


@given(
    st.integers(0, 10**6),
    st.booleans(),
    st.sampled_from(["inside", "anywhere"]),
    st.sampled_from([None, 1, 2]),
    st.floats(1.0, 10.0),
)
@settings(max_examples=60, deadline=None)
def test_rules_of_placement(index, overlap, positions, polyphony, seconds):
    description = describe(
        {
            "seconds": round(seconds, 3),
            "n_events": [0, 8],
            "event_seconds": [0.25, 2.5],
            "same_class_overlap": overlap,
            "positions": positions,
            "polyphony": polyphony,
        }
    )
    scene = draw(description, SOUNDS, 1, 0, index)
    assert scene == draw(description, SOUNDS, 1, 0, index)
    assert scene != draw(description, SOUNDS, 1, 1, index)
    assert len(scene.events) <= 8
    for event in scene.events:
        assert event.onset >= 0 and event.onset + event.duration <= scene.milliseconds
        assert 250 <= event.duration <= 2500
        assert event.start >= 500 and event.start + event.duration <= 1000 * event.sound.offset + 1
        assert 6 <= event.level_db - scene.background.level_db <= 30
    rows = labels(scene)
    for onset, offset, label in rows:
        assert 0 <= onset < offset <= scene.milliseconds / 1000 and round(onset, 3) == onset
        others = [row for row in rows if row[2] == label and row[0] > onset]
        assert all(other[0] - offset > 0.0009 for other in others)
    if not overlap:
        assert len(rows) == len(scene.events)
    if polyphony:
        moments = [event.onset for event in scene.events]
        sounding = [sum(e.onset <= m < e.onset + e.duration for e in scene.events) for m in moments]
        assert max(sounding, default=0) <= polyphony


def test_overlaps_of_a_class_are_merged_in_the_labels():
    events = tuple(Placed(sound(n, 2.0), 0, a, b - a, 0.0) for n, a, b in (("Cat", 0, 900), ("Dog", 100, 200)))
    events += (Placed(sound("Cat", 2.0), 0, 500, 700, 0.0), Placed(sound("Cat", 2.0), 0, 1300, 100, 0.0))
    assert labels(Scene(2000, None, events, None)) == [(0, 1.2, "Cat"), (0.1, 0.2, "Dog"), (1.3, 1.4, "Cat")]


def test_every_class_and_recording_gets_its_turn_and_cut_events_occur():
    description = describe({"n_events": [2, 2], "positions": "anywhere", "rooms": {"probability": 0.5}})
    scenes = [draw(description, SOUNDS, 0, 0, index) for index in range(200)]
    events = [event for scene in scenes for event in scene.events]
    assert {event.sound for event in events} == {s for sounds in SOUNDS.events.values() for s in sounds}
    assert any(e.onset == 0 for e in events) and any(e.onset + e.duration == 10000 for e in events)
    assert 70 < sum(scene.room is not None for scene in scenes) < 130
    assert all((event.position is None) == (scene.room is None) for scene in scenes for event in scene.events)


def test_defaults_and_sections():
    assert describe({}) == SceneDescription()
    assert describe({"rooms": {"rt60": [0.2, 0.3]}}).rooms == {"rt60": [0.2, 0.3], "probability": 1.0, "each": "clip"}
    assert describe({"rooms": None}).rooms is None


@pytest.mark.parametrize(
    "section, message",
    [
        ({"n_event": [1, 2]}, "unknown key 'n_event' .did you mean 'n_events'"),
        ({"rooms": {"rt": [1, 2]}}, "unknown key 'rooms.rt' .did you mean 'rt60'"),
        ({"level_db": [30, 6]}, r"level_db must be \[lowest, highest\], not \[30.0, 6.0\]"),
        ({"level_db": [6]}, "level_db must be"),
        ({"seconds": 0}, "seconds must be positive"),
        ({"polyphony": 0}, "polyphony must be at least 1"),
        ({"labels": "strnog"}, "labels is 'strnog' .did you mean 'strong'"),
        ({"count": "many"}, "count must be int"),
        ({"effects": {"kind": "filter"}}, "effects must be a list of sections"),
        ({"effects": [{"kind": "filtre"}]}, r"effects\[0\].kind is 'filtre' .did you mean 'filter'"),
        ({"effects": [{"kind": "filter"}, {"cutoff": [1, 2]}]}, r"key 'effects\[1\].kind' is missing; legal: filter"),
        ({"effects": [{"kind": "filter", "cut": [1, 2]}]}, r"'effects\[0\].cut' .did you mean 'cutoff'"),
        ({"effects": [{"kind": "filter", "cutoff": [0, 2]}]}, r"effects\[0\].cutoff\[0\] must be at least 1"),
        ({"most_effects": -1}, "most_effects must be at least 0"),
    ],
)
def test_mistakes_in_a_description_are_refused(section, message):
    with pytest.raises(UserError, match=message):
        describe(section)


def test_what_the_bank_cannot_serve_is_refused():
    assert set(usable(SOUNDS, describe({"event_seconds": [4, 10]})).events) == {"Dog"}
    with pytest.raises(UserError, match="no sound of the bank is as long"):
        usable(SOUNDS, describe({"event_seconds": [20, 30]}))
    with pytest.raises(UserError, match="no backgrounds .* background_probability to 0"):
        usable(Sounds(SOUNDS.events, {}), describe({}))
    assert usable(Sounds(SOUNDS.events, {}), describe({"background_probability": 0})).backgrounds == {}


@given(st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_lists_of_classes_distinct_classes_and_drawn_cuts(index):
    names = [f"class{number}" for number in range(6)]
    sounds = Sounds(
        {name: (sound(name, 8.0), sound(name, 1.0, 1)) for name in names},
        {"room": (sound("room", 12.0),), "street": (sound("street", 12.0),)},
    )
    description = describe({
        "seconds": 6.0, "n_events": [3, 3], "event_seconds": [0.3, 5.0], "cut_seconds": [2.0, 4.0],
        "distinct_classes": True, "event_classes": [names[:4], names[:4], names[4:]], "background_labels": ["room"],
    })  # fmt: skip
    scene = draw(description, usable(sounds, description), 1, 0, index)
    assert scene.background.sound.label == "room"
    labels = [event.sound.label for event in scene.events]
    assert len(set(labels)) == 3 and sum(label in names[4:] for label in labels) == 1
    assert all(event.duration == 1000 or 2000 <= event.duration <= 4000 for event in scene.events)


def test_a_scene_has_the_classes_that_can_occur():
    classes = Classes(("Cat", "Dog", "Cow"))
    assert scene_classes(describe({}), classes) == classes
    assert scene_classes(describe({"event_classes": [["Dog"], ["Dog", "Cat"]]}), classes).names == ("Cat", "Dog")
    with pytest.raises(UserError, match="event_classes: unknown label 'Dig'.*'Dog'"):
        scene_classes(describe({"event_classes": [["Dig"]]}), classes)
    with pytest.raises(UserError, match="no sound of event_classes Cow"):
        usable(SOUNDS, describe({"event_classes": [["Cat"], ["Cow"]]}))
    with pytest.raises(UserError, match="no backgrounds street"):
        usable(SOUNDS, describe({"background_labels": ["street"]}))


def facts(scene) -> bytes:
    """What was drawn but for effects; levels to 1e-6 dB."""
    placed = [(p.sound.path, p.start, p.onset, p.duration, round(p.level_db, 6), p.position, p.tail)
              for p in (scene.background, *scene.events)]  # fmt: skip
    return repr((placed, scene.room)).encode()


@pytest.mark.parametrize("effects", [[], [{"kind": "filter"}]])
def test_effects_leave_the_scenes_of_the_version_before_effects(effects):
    section = {"n_events": [1, 4], "positions": "anywhere", "rooms": {"probability": 0.5}, "effects": effects}
    scenes = [draw(describe(section), SOUNDS, 7, epoch, index) for epoch in (0, 3) for index in range(4)]
    assert hashlib.sha256(b"".join(map(facts, scenes))).hexdigest()[:16] == "e01b916168a2a480"
    assert any(event.effects for scene in scenes for event in scene.events) == bool(effects)


def test_effects_of_events_are_drawn_anew_for_each_view():
    low, high = {"kind": "filter", "cutoff": [100, 200]}, {"kind": "filter", "form": "highpass"}
    description = describe({"n_events": [3, 5], "effects": [low, high], "most_effects": 2})
    chains = []
    for index in range(50):
        first, again, other = (draw(description, SOUNDS, 1, 2, index, view) for view in (0, 0, 1))
        assert first == again and first.background.effects == ()
        chains += [(a.effects, b.effects) for a, b in zip(first.events, other.events)]
    assert {len(chain) for pair in chains for chain in pair} == {0, 1, 2}
    both = [(a, b) for a, b in chains if a and b]
    assert both and all(a != b for a, b in both)
    cutoffs = [p["cutoff"] for pair in chains for c in pair for _, p in c if p["form"] == "lowpass"]
    assert all(100 <= cutoff <= 200 for cutoff in cutoffs)
