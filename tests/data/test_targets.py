"""Targets: what is asked for is in the mixture, the enrolment is another recording, and all of it is reproducible."""

from dataclasses import replace

import numpy as np
import pytest

from sedsep.batch import collate
from sedsep.data.manifest import ClipSet
from sedsep.data.parts import MixedClips, RecordedClips
from sedsep.data.scene import describe
from sedsep.data.simulate import SimulatedClips, simulate
from sedsep.data.targets import Targets, recordings_of
from sedsep.errors import UserError
from sedsep.labels import Classes

RATE = 8000
SCENE = {"sample_rate": RATE, "seconds": 1.0, "count": 8, "n_events": [2, 2], "event_seconds": [0.1, 0.6],
         "distinct_classes": True}  # fmt: skip


def targets(parts, seed=0, longest=0.5, classes=("Cat", "Dog")):
    return Targets(parts, Classes(classes), RATE, 1.0, longest, seed)


@pytest.fixture
def mixed(bank):
    return MixedClips(SimulatedClips(describe(SCENE), bank), stems=True)


@pytest.fixture
def recorded(bank, tmp_path):
    simulate(describe(SCENE), bank, tmp_path / "set")
    return RecordedClips(ClipSet.read(tmp_path / "set"), RATE, stems=True)


@pytest.mark.parametrize("kind", ["mixed", "recorded"])
def test_targets_are_stems_and_enrolments_other_recordings(kind, request):
    part = request.getfixturevalue(kind)
    data = targets([part])
    asked = set()
    for index in range(len(data)):
        example, (_, (clip,)) = data[2, index], data.views(2, index)
        label = ("Cat", "Dog")[example.target_class]
        asked.add(label)
        np.testing.assert_array_equal(example.target, clip.stems[label])
        np.testing.assert_array_equal(example.mixture, clip.mixture)
        assert 0 < len(example.enrolment) <= RATE // 2 and example.enrolment[0] != 0
        others = [s for s in recordings_of(part)[label] if s.source not in clip.origins[label]]
        assert others and len(others) < len(recordings_of(part)[label])
        wholes = [data.pools[0].cache.get(s) for s in others]
        assert any(example.enrolment[0] in whole for whole in wholes)
    assert asked == {"Cat", "Dog"}


def test_a_sound_without_a_label_is_no_target_and_no_enrolment(recorded):
    clips = []
    for clip in recorded.clips:
        stems = tuple(replace(stem, label=stem.label.replace("Dog", "")) for stem in clip.stems)
        clips.append(replace(clip, stems=stems))
    part = RecordedClips(clips, RATE, stems=True)
    assert set(recordings_of(part)) == {"Cat"}
    data = targets([part])
    assert {data[0, index].target_class for index in range(len(data))} == {0}
    _, (clip,) = data.views(0, 0)
    assert set(clip.origins) == {"Cat"} and any(not isinstance(name, str) for name in clip.stems)


def test_pairs_are_a_function_of_seed_epoch_and_index(mixed):
    one, other = targets([mixed])[3, 5], targets([mixed])[3, 5]
    np.testing.assert_array_equal(one.enrolment, other.enrolment)
    assert one.target_class == other.target_class
    drawn = {targets([mixed], seed)[epoch, 5].enrolment.tobytes() for seed in (0, 1) for epoch in (0, 1)}
    assert len(drawn) == 4


def test_classes_that_are_not_asked_for(mixed):
    data = targets([mixed], classes=("Dog",))
    assert {data[0, index].target_class for index in range(8)} == {0}
    with pytest.raises(UserError, match="no sound to extract"):
        targets([mixed], classes=("Cow",))[0, 0]


def test_batches_pad_enrolments_and_count_their_samples(mixed):
    examples = [targets([mixed])[0, index] for index in range(4)]
    batch = collate(examples)
    assert batch.target.shape == batch.mixture.shape == (4, RATE)
    assert batch.n_enrolment.tolist() == [len(e.enrolment) for e in examples]
    for row, example in zip(batch.enrolment, examples):
        np.testing.assert_array_equal(row[: len(example.enrolment)], example.enrolment)
        assert not row[len(example.enrolment) :].any()


def of_sources(bank, counts):
    """The bank with so many sources of each class, all in one split: ``{(class, split): count}``."""
    kept = [s for s in bank.sounds if s.role == "background"]
    for (label, split), count in counts.items():
        every = [s for s in bank.sounds if s.label == label]
        sources = list(dict.fromkeys(s.source for s in every))[:count]
        kept += [replace(s, split=split) for s in every if s.source in sources]
    return replace(bank, sounds=tuple(kept))


def test_a_set_is_enrolled_from_the_validation_split_of_the_bank(bank, recorded):
    there = of_sources(bank, {("Cat", "validation"): 6, ("Dog", "validation"): 6})
    data = targets([recorded])
    both = Targets([recorded], data.classes, RATE, 1.0, 0.5, training=False, banks=[there])
    paths = {sound.path for sounds in both.pools[0].sounds.values() for sound in sounds}
    assert paths == {s.path for s in there.sounds if s.role == "foreground"}
    for index in range(len(both)):
        (_, (clip,)), example = both.views(0, index), both[0, index]
        label = ("Cat", "Dog")[example.target_class]
        others = [s for s in both.pools[0].sounds[label] if s.source not in clip.origins[label]]
        assert any(example.enrolment[0] in both.pools[0].cache.get(s) for s in others)


def test_classes_that_cannot_be_enrolled_are_named_before_training(bank, recorded):
    """One clip has no other clip's stems; a bank helps, with its training recordings if it must."""
    alone = RecordedClips(recorded.clips[:1], RATE, stems=True)
    with pytest.raises(UserError, match="no second recording to enrol these classes with: (Cat, Dog|Dog, Cat); add"):
        targets([alone])
    assert targets([alone], longest=None)[0, 0].enrolment is None
    for split in ("train", "validation"):
        there = of_sources(bank, {("Cat", split): 6, ("Dog", split): 6})
        assert len(Targets([alone], Classes(("Cat", "Dog")), RATE, 1.0, 0.5, banks=[there])[0, 0].enrolment)
    only = of_sources(bank, {("Cat", "train"): 6, ("Dog", "test"): 6})
    with pytest.raises(UserError, match="these classes with: Dog; add"):
        Targets([alone], Classes(("Cat", "Dog")), RATE, 1.0, 0.5, banks=[only])
    assert Targets([alone], Classes(("Cat",)), RATE, 1.0, 0.5, banks=[only])[0, 0].target_class == 0


def test_a_bank_with_one_recording_of_a_class_is_said_before_training(bank):
    few = of_sources(bank, {("Cat", "train"): 6, ("Dog", "train"): 1})
    with pytest.raises(UserError, match="these classes with: Dog; add"):
        targets([MixedClips(SimulatedClips(describe(SCENE), few), stems=True)])
    cats = describe({**SCENE, "event_classes": [["Cat"]], "n_events": [1, 1]})
    assert targets([MixedClips(SimulatedClips(cats, few), stems=True)])[0, 0].target_class == 0


def test_a_mixture_with_all_recordings_of_a_class_asks_for_another(bank):
    few = of_sources(bank, {("Cat", "train"): 6, ("Dog", "train"): 2})
    scene = {**SCENE, "n_events": [3, 3], "distinct_classes": False, "event_classes": [["Dog"], ["Dog"], ["Cat"]],
             "seconds": 4.0, "count": 30}  # fmt: skip
    data = Targets(
        [MixedClips(SimulatedClips(describe(scene), few), stems=True)], Classes(("Cat", "Dog")), RATE, 4.0, 0.5
    )
    asked = [(len(data.views(0, index)[1][0].origins["Dog"]), data[0, index].target_class) for index in range(30)]
    assert {label for used, label in asked if used == 2} == {0} and {label for used, label in asked if used == 1} == {
        0,
        1,
    }
