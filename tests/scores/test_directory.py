"""Score directories: there and back, public layouts, and every fault with its line."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sedsep.errors import UserError
from sedsep.names import fault, normal
from sedsep.scores.directory import ClipScores, ScoreSet
from tests.awkward import names

ROWS = [[0, 0.5, 0.1, 0.2], [0.5, 1, 0.3, 0.4], [1, 1.2, 0.5, 0.6]]


def write(path, rows=ROWS, columns=("onset", "offset", "Cat", "Dog")):
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows, columns=columns).to_csv(path, sep="\t", index=False)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_there_and_back(tmp_path, dtype):
    rng = np.random.default_rng(0)
    scores = rng.random((156, 2)).astype(dtype)
    scores[:3] = [[0, 1], [1e-12, 1], [1e-300, 0.1]]
    name = "Y00pbt6aJV8Y_350.000_360.000"
    clip = ClipScores(np.minimum(np.arange(157) * 0.064, 9.98), scores)
    ours = ScoreSet(("Cat", "Dog"), {name: clip}, {name: scores[9]}, {"model": "x"})
    ours.write(tmp_path / "out")
    read = ScoreSet.read(tmp_path / "out")
    assert read.classes == ours.classes and list(read.clips) == [name] and read.info == {"model": "x"}
    assert (read.clips[name].scores.astype(dtype) == scores).all()
    assert np.abs(read.clips[name].boundaries - clip.boundaries).max() < 1e-6
    assert (read.weak[name].astype(dtype) == scores[9]).all()
    assert read.frame_seconds == pytest.approx(0.064)
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_plain_directory_and_column_order(tmp_path):
    write(tmp_path / "b.tsv")
    write(tmp_path / "a.tsv", [[0.1, 0, 0.2, 0.5]], ("Cat", "onset", "Dog", "offset"))
    read = ScoreSet.read(tmp_path)
    assert list(read.clips) == ["a", "b"] and read.classes == ("Cat", "Dog")
    assert read.weak == {} and read.info == {}
    assert read.clips["a"].scores.tolist() == [[0.1, 0.2]] and read.clips["a"].boundaries.tolist() == [0, 0.5]
    assert read.clips["b"].boundaries.tolist() == [0, 0.5, 1, 1.2]


def changed(row, column, value):
    rows = [list(r) for r in ROWS]
    rows[row][column] = value
    return rows


@pytest.mark.parametrize(
    "rows, message",
    [
        (changed(1, 2, float("nan")), r"b\.tsv:3: score nan is not in \[0, 1\]"),
        (changed(2, 3, 1.5), r"b\.tsv:4: score 1\.5 is not in"),
        (changed(0, 2, -0.1), r"b\.tsv:2: score -0\.1"),
        (changed(1, 2, "many"), r"b\.tsv:3: Cat is not a number: 'many'"),
        (changed(1, 0, 0.6), r"b\.tsv:3: gap before this window"),
        (changed(0, 0, 0.1), r"b\.tsv:2: gap before"),
        (changed(1, 0, 0.4), r"b\.tsv:3: window overlaps"),
        (changed(1, 0, float("nan")), r"b\.tsv:3: window does not end"),
        (changed(2, 1, 1.0), r"b\.tsv:4: window does not end after it starts"),
        ([], r"b\.tsv: no rows"),
    ],
)
def test_faults_of_a_table(tmp_path, rows, message):
    write(tmp_path / "strong" / "a.tsv")
    write(tmp_path / "strong" / "b.tsv", rows)
    with pytest.raises(UserError, match=message):
        ScoreSet.read(tmp_path)


def test_faults_of_a_directory(tmp_path):
    with pytest.raises(UserError, match="no such score directory"):
        ScoreSet.read(tmp_path / "none")
    with pytest.raises(UserError, match="no score tables"):
        ScoreSet.read(tmp_path)
    write(tmp_path / "a.tsv")
    write(tmp_path / "b.tsv", columns=("onset", "offset", "Cat", "Cow"))
    with pytest.raises(UserError, match=r"b\.tsv:1: .* not expected here 'Cow'; missing here 'Dog'; a\.tsv"):
        ScoreSet.read(tmp_path)
    write(tmp_path / "b.tsv", columns=("onset", "offset", "Dog", "Cat"))
    with pytest.raises(UserError, match="their order is another"):
        ScoreSet.read(tmp_path)
    write(tmp_path / "b.tsv", columns=("onset", "offset", "Dog", "Dog"))
    with pytest.raises(UserError, match="distinct"):
        ScoreSet.read(tmp_path)
    (tmp_path / "b.tsv").write_text("onset\toffset\tCat\tDog\n0\t1\t0.5\n")
    with pytest.raises(UserError, match=r"b\.tsv:2"):
        ScoreSet.read(tmp_path)
    (tmp_path / "b.tsv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match=r"b\.tsv: not a table of scores in UTF-8"):
        ScoreSet.read(tmp_path)


def test_faults_of_weak_scores(tmp_path):
    write(tmp_path / "strong" / "a.tsv")
    write(tmp_path / "weak.tsv", [["a.wav", 0.5, 2]], ("filename", "Cat", "Dog"))
    with pytest.raises(UserError, match=r"weak\.tsv:2"):
        ScoreSet.read(tmp_path)


def test_refuses_to_write_illegal_scores(tmp_path):
    clip = ClipScores(np.arange(3.0), np.array([[0.5], [np.nan]]))
    with pytest.raises(UserError, match=r"a\.tsv:3: score nan"):
        ScoreSet(("Cat",), {"a": clip}).write(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_frame_seconds_needs_a_regular_grid():
    def grid(*boundaries):
        return ClipScores(np.array(boundaries), np.zeros((len(boundaries) - 1, 1)))

    assert ScoreSet(("a",), {"x": grid(0, 0.5, 1, 1.2), "y": grid(0, 0.3)}).frame_seconds == 0.5
    for wrong in (grid(0, 0.5, 0.9, 1.4), grid(0, 0.6)):
        with pytest.raises(UserError, match="'y' are not on a grid of 0.5 s"):
            ScoreSet(("a",), {"x": grid(0, 0.5, 1, 1.5, 2), "y": wrong}).frame_seconds


def test_ids_may_have_folders_and_look_like_filenames(tmp_path):
    clip = ClipScores(np.arange(3.0), np.array([[0.5], [0.25]]))
    names = ["A/0500", "B/0500", "song.mp3", "weak"]
    ours = ScoreSet(("Cat",), dict.fromkeys(names, clip), dict.fromkeys(names, np.array([0.5])))
    ours.write(tmp_path / "out")
    read = ScoreSet.read(tmp_path / "out")
    assert sorted(read.clips) == names == sorted(read.weak)


ids = names.map(normal).filter(lambda name: "/" not in name and not name.startswith(".") and len(name.encode()) < 200)
classes = names.map(normal).filter(lambda name: not fault(name))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ids, min_size=1, max_size=3, unique=True), st.lists(classes, min_size=1, max_size=3, unique=True))
def test_any_names_there_and_back(tmp_path, clips, columns):
    scores = {name: ClipScores(np.array([0, 0.5]), np.full((1, len(columns)), 0.25)) for name in clips}
    ours = ScoreSet(tuple(columns), scores, {name: np.full(len(columns), 0.5) for name in clips})
    ours.write(tmp_path / "out")
    read = ScoreSet.read(tmp_path / "out")
    assert read.classes == ours.classes and set(read.clips) == set(read.weak) == set(clips)


@pytest.mark.parametrize("name", ["weak", "a.wav", 'say "hi"', "tab\there", "caf\u00e9"])
def test_ids_that_look_like_something_else(tmp_path, name):
    ScoreSet(("Dog",), {name: ClipScores(np.array([0, 1.0]), np.ones((1, 1)))}, {name: np.ones(1)}).write(
        tmp_path / "o"
    )
    read = ScoreSet.read(tmp_path / "o")
    assert list(read.clips) == list(read.weak) == [name]


def test_names_from_a_disk_in_another_form(tmp_path):
    write(tmp_path / "strong" / "cafe\u0301.tsv", columns=("onset", "offset", "Cafe\u0301", "Dog"))
    write(tmp_path / "weak.tsv", [["cafe\u0301.wav", 0.5, 0.5]], ("filename", "Caf\u00e9", "Dog"))
    read = ScoreSet.read(tmp_path)
    assert list(read.clips) == list(read.weak) == ["caf\u00e9"] and read.classes == ("Caf\u00e9", "Dog")


@pytest.mark.parametrize(
    "encoding, end", [("utf-8-sig", "\n"), ("utf-16", "\r\n"), ("utf-8", "\t\r\n"), ("utf-8", "\n\n")]
)
def test_tables_as_programs_save_them(tmp_path, encoding, end):
    rows = ["onset\toffset\tCat\tDog", "0\t0.5\t0.1\t0.2", "0.5\t1\t0.3\t7"]
    (tmp_path / "a.tsv").write_bytes(end.join([*rows[:2], ""]).encode(encoding))
    assert ScoreSet.read(tmp_path).clips["a"].scores.tolist() == [[0.1, 0.2]]
    (tmp_path / "a.tsv").write_bytes(end.join([*rows, ""]).encode(encoding))
    with pytest.raises(UserError, match=rf"a.tsv:{5 if end.count(chr(10)) == 2 else 3}: score 7 is not in"):
        ScoreSet.read(tmp_path)
