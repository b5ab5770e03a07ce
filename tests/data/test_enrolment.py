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
    stretches,
    whole_recordings,
)  # fmt: skip
from sedsep.data.manifest import ClipSet
from sedsep.data.scene import describe
from sedsep.data.simulate import simulate
from sedsep.data.soundbank import Sound, active_sounds
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
            assert f"/{label}/" in path and sum(map(len, read_enrolment(path, RATE, 30.0, onset, offset))) > 100
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
    (whole,) = read_enrolment(tmp_path / "a.wav", RATE, 30.0)
    assert abs(len(whole) - 2000) <= 160
    audio.write(tmp_path / "b.wav", np.zeros(8000), RATE)
    with pytest.raises(UserError, match="b.wav: silent"):
        list(read_enrolment(tmp_path / "b.wav", RATE, 30.0))


@pytest.mark.parametrize("rate", [RATE, 11025, 44100])
@pytest.mark.parametrize("longest", [0.5, 3.0, 8.0, 100.0])
def test_pieces_of_an_enrolment_are_the_whole(tmp_path, rate, longest):
    sound = 0.2 * np.random.default_rng(0).standard_normal(25 * rate)
    audio.write(tmp_path / "a.wav", np.pad(sound, rate), rate)
    pieces = list(read_enrolment(tmp_path / "a.wav", RATE, longest, 1.0, 26.0))
    sizes = {len(piece) for piece in pieces}
    assert max(sizes) <= longest * RATE and max(sizes) - min(sizes) <= 1 and len(pieces) == -(-25 // longest)
    (whole,) = read_enrolment(tmp_path / "a.wav", RATE, 100.0, 1.0, 26.0)
    np.testing.assert_array_equal(np.concatenate(pieces), whole)
    expected = audio.read(tmp_path / "a.wav", RATE, convert=True)[RATE : 26 * RATE]
    np.testing.assert_allclose(whole, expected, atol=1e-6)


@pytest.mark.parametrize("milliseconds", [0.4, 1, 2.5, 12, 29])
@pytest.mark.parametrize("padding", [0, 0.5])
def test_a_click_is_an_enrolment(tmp_path, milliseconds, padding):
    sound = 0.3 * np.ones(round(RATE * milliseconds / 1000))
    audio.write(tmp_path / "a.wav", np.pad(sound, round(padding * RATE)), RATE)
    (click,) = read_enrolment(tmp_path / "a.wav", RATE, 30.0)
    assert np.count_nonzero(click) >= len(sound) - 4 and len(click) <= len(sound) + 160  # times have milliseconds


def test_an_enrolment_that_a_table_puts_behind_the_end(tmp_path):
    audio.write(tmp_path / "a.wav", 0.1 * np.ones(RATE), RATE)
    (rest,) = read_enrolment(tmp_path / "a.wav", RATE, 30.0, 0.5, 1.001)
    assert len(rest) == RATE // 2
    with pytest.raises(UserError, match="a.wav: ends before 2 s"):
        list(read_enrolment(tmp_path / "a.wav", RATE, 30.0, 2.0, 3.0))


def bark(path, pause):
    """Two barks of half a second and ``pause`` ``(T,)`` between them, with the sound that names them both."""
    noise = 0.3 * np.random.default_rng(0).standard_normal((2, RATE // 2))
    audio.write(path, np.concatenate([noise[0], pause, noise[1]]), RATE)
    return Sound(path, "bark", "foreground", 0.0, 1 + len(pause) / RATE, "train", str(path))


@pytest.mark.parametrize("level", [0, 1e-4, 1e-3])
def test_pauses_are_no_part_of_what_is_mixed(tmp_path, level):
    sound = bark(tmp_path / "a.wav", level * np.random.default_rng(1).standard_normal(RATE))
    found = [(s.onset, s.offset) for s in stretches(sound)]
    np.testing.assert_allclose(found, [(0, 0.5), (1.5, 2.0)], atol=0.011)
    np.testing.assert_allclose([(s.onset, s.offset) for s in active_sounds(sound.path, "bark")], found)
    (second,) = stretches(replace(sound, onset=1.6))
    assert second.onset == 1.6 and abs(second.offset - 2.0) < 0.011
    if level:  # what is quiet beside the rest is a sound where a table says so
        (quiet,) = stretches(replace(sound, onset=0.6, offset=1.2))
        assert (quiet.onset, quiet.offset) == pytest.approx((0.6, 1.2), abs=0.011)
    else:
        with pytest.raises(UserError, match="a.wav: silent from 0.6 s to 1.2 s"):
            stretches(replace(sound, onset=0.6, offset=1.2))


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
