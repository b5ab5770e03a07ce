"""Sets of clips: tables written and read again, and every fault of a table named with its line."""

from pathlib import Path

import numpy as np
import pytest

from sedsep.data import audio
from sedsep.data.manifest import Clip, ClipSet, parse, write_set
from sedsep.data.tables import Stem
from sedsep.errors import UserError
from sedsep.labels import Classes

RATE = 16000
NAME = "Y00pbt6aJV8Y_350.000_360.000.wav"


@pytest.fixture
def small(tmp_path):
    """A set of two clips, one of them without events."""
    directory = tmp_path / "set"
    for name in (NAME, "quiet.wav"):
        audio.write(directory / "audio" / name, np.full(RATE, 0.1, np.float32), RATE)
    clips = [
        Clip(
            NAME,
            directory / "audio" / NAME,
            1.0,
            strong=((0.1, 0.5, "Cat"), (0.25, 0.75, "Dog")),
            weak=("Cat", "Dog"),
            stems=(Stem(directory / "audio" / NAME, "Cat", "foreground", "007"), Stem(None, "", "background", "NA")),
            domain="synthetic",
        ),
        Clip("quiet.wav", directory / "audio" / "quiet.wav", 1.0, (), (), (Stem(None, "", "background", "b"),), "real"),
    ]
    write_set(directory, Classes(("Cat", "Dog")), clips)
    return directory, clips


def test_a_set_that_cannot_be_replaced_is_one_clear_line(tmp_path, make_set):
    clips = list(ClipSet.read(make_set("set", 2)))
    (tmp_path / "other" / "clips.tsv").mkdir(parents=True)
    with pytest.raises(UserError, match="cannot write .*clips.tsv"):
        write_set(tmp_path / "other", ("High", "Low"), clips)


def test_a_write_that_is_cut_off_leaves_no_set(make_set, monkeypatch, tmp_path):
    directory = make_set("set", 2)
    clips = list(ClipSet.read(directory))
    monkeypatch.setattr("sedsep.data.manifest.write_table", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_set(directory, ("High", "Low"), clips)
    assert not (directory / "clips.tsv").exists() and not (directory / "strong.tsv").exists()


def test_round_trip(small):
    directory, clips = small
    read = ClipSet.read(directory)
    assert list(read) == clips and read.classes.names == ("Cat", "Dog") and len(read) == 2
    assert read.durations() == {NAME: 1.0, "quiet.wav": 1.0}
    assert read.events().to_numpy().tolist() == [[NAME, 0.1, 0.5, "Cat"], [NAME, 0.25, 0.75, "Dog"]]
    assert (directory / "strong.tsv").read_text().splitlines()[-1] == "quiet.wav\t\t\t"
    assert (directory / "clips.tsv").read_text().splitlines()[1] == f"{NAME}\taudio/{NAME}\tsynthetic"


def test_a_set_that_moves_still_reads(small, tmp_path):
    small[0].rename(tmp_path / "elsewhere")
    assert ClipSet.read(tmp_path / "elsewhere").clips[0].path == tmp_path / "elsewhere" / "audio" / NAME


def test_unlabelled_set_and_durations_from_headers(small):
    directory, _ = small
    for name in ("strong", "weak", "stems", "durations"):
        (directory / f"{name}.tsv").unlink()
    read = ClipSet.read(directory)
    assert [c.strong or c.weak or c.stems for c in read] == [None, None]
    assert read.durations()[NAME] == 1.0 and len(read.events()) == 0


def append(path: Path, line: str):
    path.write_text(path.read_text() + line + "\n")


@pytest.mark.parametrize(
    "table, line, message",
    [
        ("strong.tsv", f"{NAME}\t0.1\t0.2\tDogg", r"strong.tsv:5: unknown label 'Dogg'.*did you mean 'Dog'"),
        ("strong.tsv", f"{NAME}\t0.5\t0.2\tDog", r"strong.tsv:5: onset 0.5 s is not before offset 0.2 s"),
        ("strong.tsv", f"{NAME}\t-0.5\t0.2\tDog", r"strong.tsv:5: onset -0.5 s is before the clip"),
        ("strong.tsv", f"{NAME}\t0.5\t\tDog", r"strong.tsv:5: incomplete event"),
        ("strong.tsv", f"{NAME}\thalf\t1\tDog", r"strong.tsv:5: onset is not a number: 'half'"),
        ("strong.tsv", "quite.wav\t0.1\t0.2\tDog", r"strong.tsv:5: clip 'quite.wav' is not in.*'quiet.wav'"),
        ("weak.tsv", "quiet.wav\tDog", r"weak.tsv:4: filename 'quiet.wav' is not unique"),
        ("clips.tsv", f"{NAME}\taudio/quiet.wav\treal", r"clips.tsv:4: filename .* is not unique"),
        ("clips.tsv", "new.wav\taudio/new.wav\treal", r"clips.tsv:4: audio file is missing: .*new.wav"),
        ("clips.tsv", "new.wav\taudio/quiet.wav\tunreal", r"clips.tsv:4: unknown domain 'unreal'"),
        ("durations.tsv", "quiet.wav\t1", r"durations.tsv:4: filename 'quiet.wav' is not unique"),
        ("durations.tsv", "q.wav\t0", r"durations.tsv:4: duration of 'q.wav' is not positive"),
        ("stems.tsv", "quiet.wav\t\t\tmiddle\tx", r"stems.tsv:5: unknown role 'middle'"),
        ("stems.tsv", "quiet.wav\tno.wav\t\tbackground\tx", r"stems.tsv:5: stem is missing"),
    ],
)
def test_faults_name_file_and_line(small, table, line, message):
    directory, _ = small
    append(directory / table, line)
    with pytest.raises(UserError, match=message):
        ClipSet.read(directory)


def test_a_table_that_forgets_a_clip_is_a_fault(small):
    directory, _ = small
    table = directory / "strong.tsv"
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(UserError, match=r"clips.tsv:3: strong.tsv has no row for clip 'quiet.wav'; a clip without"):
        ClipSet.read(directory)


def test_all_faults_are_listed_and_good_rows_kept(small):
    directory, _ = small
    append(directory / "strong.tsv", f"{NAME}\t0.5\t0.2\tDog")
    append(directory / "strong.tsv", f"{NAME}\t0.1\t0.2\tdog")
    append(directory / "strong.tsv", f"{NAME}\t0.8\t0.9\tDog")
    clip_set, faults, lines = parse(directory)
    assert [fault.line for fault in faults] == [5, 6] and lines.strong[NAME] == [2, 3, 7]
    assert clip_set.clips[0].strong[-1] == (0.8, 0.9, "Dog")
    with pytest.raises(UserError, match="1 more: sedsep validate"):
        ClipSet.read(directory)


def test_missing_directory_and_tables(tmp_path, small):
    with pytest.raises(UserError, match="no such data directory"):
        ClipSet.read(tmp_path / "nowhere")
    (small[0] / "clips.tsv").unlink()
    with pytest.raises(UserError, match="clips.tsv: no such file"):
        ClipSet.read(small[0])


def test_write_refuses_repeated_names(tmp_path, small):
    with pytest.raises(UserError, match="not unique"):
        write_set(tmp_path / "new", Classes(("Cat",)), [small[1][0], small[1][0]])
