"""Recordings: files and folders in, each with an id that tells it from the others, now and when more are added."""

import os
from pathlib import Path

import pytest

from sedsep.apply.recordings import places, recordings
from sedsep.errors import UserError


@pytest.fixture
def folder(tmp_path):
    """``folder(name, ...)`` makes empty files and gives the folder."""

    def make(*names):
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(b"")
        return tmp_path

    return make


def ids(found):
    return [recording.id for recording in found]


def test_a_folder_is_walked_and_the_id_keeps_it(folder):
    root = folder("A/0500.WAV", "A/north/0500.flac", "B/0500.flac")
    assert ids(recordings(files=[root / "A"])) == ["A/0500", "A/north/0500"]
    assert ids(recordings(files=[root / "A", root / "B"])) == ["A/0500", "A/north/0500", "B/0500"]


def test_files_have_the_folders_that_tell_them_apart(folder):
    root = folder("A/0500.WAV", "B/0500.flac", "x/A/0600.wav", "y/A/0600.wav", "0700.v2.wav")
    assert ids(recordings(files=[root / "A/0500.WAV", root / "0700.v2.wav"])) == ["0500", "0700.v2"]
    assert ids(recordings(files=[root / "A/0500.WAV", root / "B/0500.flac"])) == ["A/0500", "B/0500"]
    assert ids(recordings(files=[root / "x/A", root / "y/A"])) == ["x/A/0600", "y/A/0600"]


def test_relative_paths_and_repetitions(folder, monkeypatch):
    root = folder("A/0500.wav", "B/0500.wav")
    monkeypatch.chdir(root / "A")
    found = recordings(files=["0500.wav", Path(), "../B/0500.wav", "../A"])
    assert ids(found) == ["A/0500", "B/0500"] and found[0].path == root / "A/0500.wav"


def test_no_other_recording_takes_the_id_of_an_earlier_one(folder):
    root = folder("A/0500.wav", "B/0500.wav", "B/0600.wav")
    known = {"0500": str(root / "A/0500.wav"), "B/0600": str(root / "B/0600.wav")}
    assert ids(recordings(files=[root / "B/0500.wav"], known=known)) == ["B/0500"]
    assert ids(recordings(files=[root / "A"], known=known)) == ["0500"]
    assert ids(recordings(files=[root / "B/0600.wav"], known=known)) == ["B/0600"]


def test_what_no_folder_tells_apart_is_a_problem_of_the_second(folder):
    root = folder("A/x.flac", "A/x.wav", "A/y.wav")
    good, bad, other = recordings(files=[root / "A"])
    assert good.id == "A/x" and not good.problem and other.id == "A/y" and not other.problem
    assert bad.problem == f"{root}/A/x.wav: a second recording with the id of {root}/A/x.flac; rename one of them"
    (late,) = recordings(files=[root / "A/x.wav"], known={"A/x": str(root / "A/x.flac")})
    assert "rename one of them" in late.problem


def test_a_sets_own_ids_stay_as_they_are(folder, make_set):
    data = make_set("a_set", 2)
    root = folder("elsewhere/a_set_0.wav")
    found = recordings(data, [root / "elsewhere/a_set_0.wav"])
    assert ids(found) == ["a_set_0", "a_set_1", "elsewhere/a_set_0"]
    assert [recording.own for recording in found] == [False, False, True]


def test_nothing_to_decode(folder):
    with pytest.raises(UserError, match="nothing to decode"):
        recordings()
    with pytest.raises(UserError, match="no audio file in it"):
        recordings(files=[folder("A/notes.txt") / "A"])


def test_places(folder):
    root = folder("A/x.wav", "B/x.wav")

    def of(files, out=None):
        return [place for _, place in places(recordings(files=files), files, out)]

    assert of([root / "A/x.wav"]) == [root / "A/x_extracted"]
    assert of([root / "A/x.wav"], root / "o") == [root / "o"]
    assert of([root / "A/x.wav", root / "B/x.wav"], root / "o") == [root / "o/A/x", root / "o/B/x"]
    assert of([root / "A"], "o") == [Path("o/A/x")]


def test_ids_have_one_unicode_form_and_names_are_utf_8(folder):
    root = folder("cafe\u0301/a.wav", "cafe\u0301/b/a.wav", "tab\there.wav")
    assert ids(recordings(files=[root / "cafe\u0301", root / "tab\there.wav"])) == [
        "caf\u00e9/a", "caf\u00e9/b/a", "tab\there"
    ]  # fmt: skip
    bad = Path(os.fsdecode(os.fsencode(root) + b"/caf\xe9.wav"))
    bad.touch()
    (found,) = recordings(files=[bad])
    assert "its name, or a folder's, is not UTF-8; rename it" in found.problem
