"""Every table of a set and a bank, written with any names, is read back equal, or the name is refused."""

import os
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sedsep.data import audio
from sedsep.data.corpora.listings import read_listing
from sedsep.data.corpora.recording import Recording
from sedsep.data.enrolment import PAIRS, SPAN, read_pairs, read_shots
from sedsep.data.manifest import Clip, ClipSet, write_set
from sedsep.data.missing import read_missing, write_missing
from sedsep.data.repair import repair
from sedsep.data.soundbank import Soundbank, build
from sedsep.data.tables import Stem
from sedsep.data.validate import check
from sedsep.errors import UserError
from sedsep.files import write_table
from sedsep.labels import Classes
from sedsep.names import fault, join, normal
from tests.awkward import names

few = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
classes = names.map(normal).filter(lambda name: not fault(name))
files = names.map(normal).filter(lambda name: "/" not in name and name not in (".", ".."))


@pytest.fixture
def sound(tone):
    return tone("tone.wav")


@few
@given(files, classes, classes, names.map(normal))
def test_a_set(tmp_path, sound, filename, label, other, source):
    known = Classes(dict.fromkeys((label, other)))
    stems = (Stem(sound, label, "foreground", source), Stem(None, "", "background", "noise"))
    clip = Clip(filename, sound, 0.7, ((0.1, 0.5, label),), known.names, stems, "real")
    write_set(tmp_path / "set", known, [clip])
    found = ClipSet.read(tmp_path / "set")
    assert found.classes == known and found.clips == (clip,)


@few
@given(files.filter(lambda name: len(name.encode()) < 200), classes)
def test_a_repaired_set(tmp_path, sound, filename, label):
    write_set(tmp_path / "set", (label,), [Clip(filename, sound, 0.7, ((0.1, 9.0, label),), (label,), domain="real")])
    repair(tmp_path / "set", tmp_path / "out")
    assert check(tmp_path / "out").faults == []
    (clip,) = ClipSet.read(tmp_path / "out")
    assert (clip.filename, clip.weak) == (filename, (label,))


@few
@given(st.lists(files.filter(lambda name: len(name.encode()) < 200), min_size=1, max_size=3, unique=True), classes)
def test_a_bank(tmp_path, sound, found, label):
    folder = tmp_path / "sounds"
    folder.mkdir(exist_ok=True)
    paths = [folder / name for name in found]
    for path in paths:
        path.unlink(missing_ok=True)
        os.link(sound, path)
    build(tmp_path / "bank", [Recording(path, (label,), path.name) for path in paths])
    bank = Soundbank.read(tmp_path / "bank")
    assert bank.classes.names == (label,)
    assert {(s.path, s.label, s.source) for s in bank.sounds} == {(path, label, path.name) for path in paths}


@few
@given(names.map(normal), names, classes, names.map(normal))
def test_what_is_missing_and_what_is_asked_for(tmp_path, sound, filename, path, label, reason):
    write_missing(tmp_path, [(filename, reason)])
    assert read_missing(tmp_path) == ((filename, reason),)
    clip_set = ClipSet(tmp_path, Classes((label,)), (Clip(filename, sound, 0.7),))
    row = (filename, label, path, "0.100", "0.500")
    write_table(tmp_path / PAIRS, pd.DataFrame([row], columns=["filename", "event_label", *SPAN]))
    assert read_pairs(clip_set) == {filename: [(label, path, 0.1, 0.5)]}
    write_table(tmp_path / "shots.tsv", pd.DataFrame([row[1:]], columns=["event_label", *SPAN]))
    ((name, (shot,)),) = read_shots(tmp_path / "shots.tsv").items()
    assert (name, shot.label, shot.path, shot.source) == (label, label, Path(path), path)


@few
@given(files, st.lists(classes, min_size=1, max_size=3, unique=True))
def test_lists_of_clips(tmp_path, filename, labels):
    known, path = Classes(labels), tmp_path / "list.tsv"
    write_table(path, pd.DataFrame([(filename, join(labels))], columns=["filename", "event_labels"]))
    ((entry,), faults) = read_listing("weak", path, known)
    assert (entry.filename, entry.weak, faults) == (filename, tuple(labels), [])
    rows = [(filename, "0.5", "1", label) for label in labels]
    write_table(path, pd.DataFrame(rows, columns=["filename", "onset", "offset", "event_label"]))
    ((entry,), faults) = read_listing("strong", path, known)
    assert (entry.strong, faults) == (tuple((0.5, 1.0, label) for label in labels), [])


def test_two_forms_of_one_name_are_one_name(tmp_path, sound):
    clip = Clip("caf\u00e9.wav", sound, 0.7)
    with pytest.raises(UserError, match="is not unique"):
        write_set(tmp_path / "set", ("Dog",), [clip, replace(clip, filename="cafe\u0301.wav")])


def test_audio_whose_name_has_another_form_on_the_disk(tmp_path, sound):
    stored = tmp_path / "set" / "cafe\u0301.wav"
    stored.parent.mkdir()
    sound.rename(stored)
    (tmp_path / "set" / "classes.txt").write_text("Dog\n")
    (tmp_path / "set" / "clips.tsv").write_text("filename\tpath\ncaf\u00e9.wav\tcaf\u00e9.wav\n")
    (clip,) = ClipSet.read(tmp_path / "set")
    assert clip.path == stored and len(audio.read(clip.path, 8000))
