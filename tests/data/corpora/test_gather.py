"""Sets from published lists: what is used where it lies, what is converted, what is missing and why."""

import numpy as np
import pytest
import soundfile

from sedsep.data import audio
from sedsep.data.corpora.gather import gather
from sedsep.data.corpora.listings import Entry, Span
from sedsep.data.manifest import ClipSet
from sedsep.data.validate import faults
from sedsep.errors import UserError
from sedsep.labels import Classes

RATE = 8000
PETS = Classes(("Cat", "Dog"))


@pytest.fixture
def folder(tmp_path):
    """Recordings: one as the set wants them, one at another rate in stereo, one cut off, one short, one silent."""
    rng, root = np.random.default_rng(0), tmp_path / "corpus"
    audio.write(root / "good.wav", 0.1 * rng.standard_normal(2 * RATE), RATE)
    soundfile.write(root / "other.wav", 0.1 * rng.standard_normal((88200, 2)), 44100)
    audio.write(root / "cut.wav", 0.1 * rng.standard_normal(RATE), RATE)
    (root / "cut.wav").write_bytes((root / "cut.wav").read_bytes()[:5000])
    audio.write(root / "short.wav", 0.1 * rng.standard_normal(100), RATE)
    audio.write(root / "silent.wav", np.zeros(RATE), RATE)
    return root


def entries(*names, **known):
    return [Entry(f"{name}.wav", f"{name}.wav", **known) for name in names]


def test_what_is_there_and_what_is_not(folder, tmp_path):
    before = {path: path.read_bytes() for path in folder.iterdir()}
    listed = entries("good", "other", "cut", "short", "silent", "gone", weak=("Dog",))
    made = gather(tmp_path / "set", [folder], listed, PETS, RATE, workers=2)
    assert (made["listed"], made["clips"]) == (6, 2)
    found = ClipSet.read(tmp_path / "set")
    assert [clip.filename for clip in found] == ["good.wav", "other.wav"]
    good, other = found
    assert good.path == folder / "good.wav" and other.path == tmp_path / "set/audio/other.wav"
    assert audio.info(other.path)[:4] == (RATE, 1, 2 * RATE, "PCM_16") and other.duration == 2.0
    reasons = dict(found.missing)
    assert reasons["gone.wav"] == "not there" and reasons["silent.wav"] == "silent"
    assert reasons["short.wav"] == "too short: 0.013 s" and reasons["cut.wav"].startswith("unreadable: truncated")
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    assert not faults([tmp_path / "set"])[0]


def test_a_silent_clip_without_events_is_one(folder, tmp_path):
    gather(tmp_path / "set", [folder], entries("silent", strong=()), PETS, RATE)
    assert [clip.strong for clip in ClipSet.read(tmp_path / "set")] == [()]


def test_events_are_mended_and_the_log_says_so(folder, tmp_path):
    events = ((0.1, 0.5, "Dog"), (0.4, 0.9, "Dog"), (1.5, 7.0, "Cat"))
    good = ((0.1234567, 0.5, "Dog"),)
    listed = [*entries("good", strong=events), *entries("other", strong=good)]
    gather(tmp_path / "set", [folder], listed, PETS, RATE)
    first, second = ClipSet.read(tmp_path / "set")
    assert first.strong == ((0.1, 0.9, "Dog"), (1.5, 2.0, "Cat")) and second.strong == ((0.123, 0.5, "Dog"),)
    log = (tmp_path / "set/fixes.tsv").read_text().splitlines()
    assert len(log) == 2 and "good.wav: events that overlap in a class" in log[1]


def test_what_was_converted_before_is_kept(folder, tmp_path):
    times = []
    for _ in range(2):
        gather(tmp_path / "set", [folder], entries("other"), PETS, RATE)
        times.append((tmp_path / "set/audio/other.wav").stat().st_mtime_ns)
    assert times[0] == times[1]
    soundfile.write(folder / "other.wav", np.ones(44100) / 2, 44100)
    gather(tmp_path / "set", [folder], entries("other"), PETS, RATE)
    assert ClipSet.read(tmp_path / "set").clips[0].duration == 1.0


def test_a_set_that_stays_the_same_is_not_written_again(folder, tmp_path):
    listed = entries("good", "other", "gone", strong=((0.1234567, 0.5, "Dog"),))
    gather(tmp_path / "set", [folder], listed, PETS, RATE)
    before = (tmp_path / "set/clips.tsv").stat().st_mtime_ns
    gather(tmp_path / "set", [folder], listed, PETS, RATE)
    assert (tmp_path / "set/clips.tsv").stat().st_mtime_ns == before
    audio.write(folder / "gone.wav", 0.1 * np.ones(RATE), RATE)
    gather(tmp_path / "set", [folder], listed, PETS, RATE)
    assert len(ClipSet.read(tmp_path / "set")) == 3 and ClipSet.read(tmp_path / "set").missing == ()


def test_another_rate_or_kind_of_labels_leaves_nothing_behind(folder, tmp_path):
    gather(tmp_path / "set", [folder], entries("good", "other", weak=("Dog",)), PETS, RATE)
    gather(tmp_path / "set", [folder], entries("good", "other", strong=()), PETS, 16000)
    found = ClipSet.read(tmp_path / "set")
    assert [audio.info(clip.path).sample_rate for clip in found] == [16000, 16000]
    assert not (tmp_path / "set/weak.tsv").exists() and found.clips[0].weak is None


def test_mixtures_with_their_sources(folder, tmp_path):
    rng = np.random.default_rng(1)
    parts = [0.1 * rng.standard_normal(RATE) for _ in range(3)]
    names = ["background0_sound", "foreground0_sound", "foreground1_sound"]
    for name, part in zip(names, parts):
        audio.write(folder / "mix_sources" / f"{name}.wav", part, RATE, "PCM_16")
    audio.write(folder / "mix.wav", sum(parts), RATE, "PCM_16")
    stems = tuple(f"mix_sources/{name}.wav" for name in names)
    whole, lacking = Entry("a.wav", "mix.wav", stems=stems), Entry("b.wav", "mix.wav", stems=(*stems, "none.wav"))
    wrong = Entry("c.wav", "mix.wav", stems=("short.wav",))
    made = gather(tmp_path / "set", [folder], [whole, lacking, wrong], Classes(("sound",)), RATE)
    assert made["missing"] == [
        ("b.wav", "source not there: none.wav"),
        ("c.wav", "source of another length: short.wav"),
    ]
    (clip,) = ClipSet.read(tmp_path / "set")
    assert [stem.role for stem in clip.stems] == ["background", "foreground", "foreground"]
    assert [stem.label for stem in clip.stems] == ["", "", ""] and not faults([tmp_path / "set"])[0]


def test_spans_begin_where_the_list_says(folder, tmp_path):
    listed = [
        Entry("a.wav", "good.wav", span=Span(0.5, 1.5, 0.25)),
        Entry("b.wav", "good.wav", span=Span(1.0, 9.0, 0.0)),
        Entry("c.wav", "good.wav", span=Span(3.0, 9.0, 0.0)),
    ]
    made = gather(tmp_path / "set", [folder], listed, PETS, RATE, seconds=1.5)
    assert made["missing"] == [("c.wav", "too short: the recording ends before the part")]
    original = audio.read(folder / "good.wav", RATE)
    first, second = (audio.read(clip.path, RATE) for clip in ClipSet.read(tmp_path / "set"))
    assert len(first) == len(second) == 1.5 * RATE
    assert not first[:2000].any() and not first[10000:].any()
    assert np.abs(first[2000:10000] - original[4000:12000]).max() < 1e-4
    assert np.abs(second[:8000] - original[8000:]).max() < 1e-4 and not second[8000:].any()


def test_nothing_that_can_be_used(folder, tmp_path):
    with pytest.raises(UserError, match="none of the 1 clips can be used; the first: gone.wav: not there"):
        gather(tmp_path / "set", [folder], entries("gone"), PETS, RATE)
    with pytest.raises(UserError, match="nowhere: no such folder of recordings"):
        gather(tmp_path / "set", [tmp_path / "nowhere"], entries("gone"), PETS, RATE)
    assert not (tmp_path / "set" / "clips.tsv").exists()


def test_folders_are_searched_in_order(folder, tmp_path):
    audio.write(tmp_path / "more" / "gone.wav", 0.1 * np.ones(RATE), RATE)
    made = gather(tmp_path / "set", [folder, tmp_path / "more"], entries("good", "gone"), PETS, RATE)
    assert made["clips"] == 2
