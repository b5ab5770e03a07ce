"""Enrolments: never the sound in the mixture, the same for every model, and tables that say what is wrong in them."""

from dataclasses import replace

import numpy as np
import pytest

from sedsep.data import audio
from sedsep.data.enrolment import (
    PAIRS,
    Enrolments,
    draw_shots,
    pair,
    read_enrolment,
    read_pairs,
    read_shots,
    whole_recordings,
)  # fmt: skip
from sedsep.data.manifest import ClipSet
from sedsep.data.scene import describe
from sedsep.data.simulate import simulate
from sedsep.data.soundbank import Sound
from sedsep.errors import UserError

RATE = 8000


@pytest.fixture
def clip_set(bank, tmp_path):
    """Four clips of one event each, so that the other class is absent."""
    scene = {"sample_rate": RATE, "seconds": 1.0, "count": 4, "n_events": [1, 1], "event_seconds": [0.1, 0.6]}
    simulate(describe(scene), bank, tmp_path / "set")
    return ClipSet.read(tmp_path / "set")


def test_pairs_are_other_recordings_and_one_absent_class(bank, clip_set):
    assert pair(bank, clip_set, "train") == 8
    table = (clip_set.directory / PAIRS).read_bytes()
    asked = read_pairs(clip_set)
    for clip in clip_set:
        (stem,) = [stem for stem in clip.stems if stem.role == "foreground"]
        rows = {label: path for label, path, _, _ in asked[clip.filename]}
        assert list(rows) == [stem.label, {"Cat": "Dog", "Dog": "Cat"}[stem.label]]
        sources = {str(sound.path): sound.source for sound in bank.sounds}
        assert sources[rows[stem.label]] != stem.source
        for label, path, onset, offset in asked[clip.filename]:
            assert f"/{label}/" in path and len(read_enrolment(path, RATE, onset, offset)) > 100
    pair(bank, clip_set, "train")
    assert (clip_set.directory / PAIRS).read_bytes() == table


def test_a_class_with_one_recording_in_the_split_is_enrolled_from_another(bank, clip_set):
    sounds = [s for s in bank.sounds if s.split != "test" or s.role == "background"]
    few = {label: next(s for s in sounds if s.label == label) for label in ("Cat", "Dog")}
    small = replace(bank, sounds=tuple(replace(s, split="test") if s in few.values() else s for s in sounds))
    pair(small, clip_set, "test")
    for clip in clip_set:
        (stem,) = [stem for stem in clip.stems if stem.role == "foreground"]
        for label, path, _, _ in read_pairs(clip_set)[clip.filename]:
            source = next(s.source for s in sounds if str(s.path) == path)
            assert source != stem.source
            if label != stem.label or few[label].source != stem.source:
                assert source == few[label].source


def test_a_broken_table_of_pairs(bank, clip_set):
    with pytest.raises(UserError, match="sedsep pair BANK"):
        read_pairs(clip_set)
    pair(bank, clip_set, "train")
    path = clip_set.directory / PAIRS
    good = path.read_text()
    path.write_text(good + "set_0000.wav\tDig\tx.wav\t0\t1\n")
    with pytest.raises(UserError, match="enrolments.tsv:10: unknown label 'Dig'"):
        read_pairs(clip_set)
    path.write_text(good + "other.wav\tDog\tx.wav\t0\t1\n")
    with pytest.raises(UserError, match="enrolments.tsv:10: clip 'other.wav' is not"):
        read_pairs(clip_set)


def test_fewer_shots_are_the_first_of_more(bank, tmp_path):
    draw_shots(bank, tmp_path / "four.tsv", ["Dog", "Cat"], 4)
    draw_shots(bank, tmp_path / "two.tsv", ["Cat", "Dog"], 2)
    four, two = read_shots(tmp_path / "four.tsv"), read_shots(tmp_path / "two.tsv")
    assert {len(set(sounds)) for sounds in four.values()} == {4}
    assert two == {label: four[label][:2] for label in two}
    assert all(sound.split == "train" for sounds in four.values() for sound in sounds)
    with pytest.raises(UserError, match="4 recordings of 'Dog' in split 'train', not 5"):
        draw_shots(bank, tmp_path / "five.tsv", ["Dog"], 5)


def test_silence_around_an_enrolment_is_cut(tmp_path):
    sound = 0.3 * np.sin(np.arange(4000)).astype(np.float32)
    audio.write(tmp_path / "a.wav", np.pad(sound, 8000), 2 * RATE)
    assert abs(len(read_enrolment(tmp_path / "a.wav", RATE)) - 2000) <= 160
    audio.write(tmp_path / "b.wav", np.zeros(8000), RATE)
    with pytest.raises(UserError, match="b.wav: silent"):
        read_enrolment(tmp_path / "b.wav", RATE)


def test_stretches_of_a_recording_are_one_enrolment(tmp_path):
    path = tmp_path / "a.wav"
    first, second = (Sound(path, "Dog", "foreground", a, b, "train", "a") for a, b in ((0.1, 0.2), (0.5, 0.9)))
    (whole,) = whole_recordings((second, first))
    assert (whole.onset, whole.offset) == (0.1, 0.9)


def test_a_class_with_one_recording_cannot_be_enrolled(tmp_path):
    audio.write(tmp_path / "a.wav", np.zeros(RATE, np.float32), RATE)
    sound = Sound(tmp_path / "a.wav", "Dog", "foreground", 0.0, 1.0, "train", "a")
    pool, rng = Enrolments({"Dog": (sound,)}, RATE, 1.0), np.random.default_rng(0)
    with pytest.raises(UserError, match="no second recording"):
        pool.draw(rng, "Dog", {"a"})
    with pytest.raises(UserError, match="a.wav: silent"):
        pool.draw(rng, "Dog")
