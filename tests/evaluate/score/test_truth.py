"""Ground truth from a directory and from files: equal content has an equal fingerprint; faults are named."""

import numpy as np
import pytest

from sedsep.errors import UserError
from sedsep.evaluate.score.truth import few, from_directory, from_files, read_events, with_classes

STRONG = "filename\tonset\toffset\tevent_label\n"
DURATIONS = "filename\tduration\nb.0.wav\t10\na.wav\t10\n"


def files(tmp_path, strong="a.wav\t0\t1\tCat\nb.0.wav\t\t\t\n", durations=DURATIONS):
    paths = tmp_path / "strong.tsv", tmp_path / "durations.tsv"
    paths[0].write_text(STRONG + strong)
    paths[1].write_text(durations)
    return paths


def test_files_and_directory_are_the_same_truth(make_set):
    directory = make_set("set")
    first, second = from_directory(directory), from_files(directory / "strong.tsv", directory / "durations.tsv")
    assert first.filenames == second.filenames and (first.tags == second.tags).all()
    assert all(first.fingerprint(part) == second.fingerprint(part) for part in ("events", "tags"))


def test_fingerprint_changes_with_the_content_and_not_with_the_order(tmp_path):
    rows = ["a.wav\t0\t1\tCat\n", "a.wav\t2\t3\tDog\n"]
    prints = [
        from_files(*files(tmp_path, "".join(strong), durations)).fingerprint("events")
        for strong, durations in (
            (rows, DURATIONS),
            (rows[::-1], DURATIONS),
            (rows[:1], DURATIONS),
            (rows, DURATIONS + "c.wav\t1\n"),
        )
    ]
    assert prints[0] == prints[1] and len(set(prints)) == 3


def test_event_free_clips_and_names_with_dots(tmp_path):
    truth = from_files(*files(tmp_path))
    assert truth.filenames == ("a.wav", "b.0.wav") and len(truth.events) == 1
    assert truth.tags.tolist() == [[1], [0]]


def test_classes_can_be_more(tmp_path):
    truth = with_classes(from_files(*files(tmp_path)), ["Bird", "Cat"])
    assert truth.tags.tolist() == [[0, 1], [0, 0]] and truth.without_references() == ["Bird"]


@pytest.mark.parametrize(
    ("strong", "durations", "complaint"),
    [
        ("", DURATIONS, "strong.tsv: has no events"),
        ("x.wav\t0\t1\tCat\n", DURATIONS, r"1 clips are not in .*durations.tsv: 'x.wav'"),
        ("a.wav\t2\t1\tCat\n", DURATIONS, r"strong.tsv:2: not an event"),
        ("a.wav\t\t1\tCat\n", DURATIONS, r"strong.tsv:2: not an event"),
        ("a.wav\t0\tx\tCat\n", DURATIONS, r"strong.tsv:2: offset is not a number"),
        (
            "a.wav\t0\t1\tCat\n",
            "filename\tduration\na.wav\t0\n",
            "durations.tsv:2: duration of 'a.wav' is not positive",
        ),
        ("a.wav\t0\t1\tCat\n", "filename\tduration\n", "lists no clips"),
        (
            "a.wav\t0\t2\tCat\na.wav\t1\t3\tCat\n",
            DURATIONS,
            "Cat in a.wav at 1 s; repair: merge or cut them in that table",
        ),
        ("a.wav\t0\t2\tCat\n", DURATIONS + "a.flac\t10\n", "two clips have the id 'a'"),
    ],
)
def test_faults(tmp_path, strong, durations, complaint):
    with pytest.raises(UserError, match=complaint):
        from_files(*files(tmp_path, strong, durations))


def test_overlap_in_a_directory_names_the_repair(make_set):
    directory = make_set("set")
    with open(directory / "strong.tsv", "a", encoding="utf-8") as file:
        file.write("set_0.wav\t0.5\t0.95\tHigh\n")
    with pytest.raises(UserError, match=rf"High in set_0.wav at .* repair: sedsep validate {directory} --fix OUT"):
        from_directory(directory)


def test_without_strong_labels_there_are_tags_alone(make_set):
    truth = from_directory(make_set("set", strong=False))
    assert truth.events is None and truth.tags.sum() == 6


def test_events_tables_of_both_kinds(tmp_path):
    comma, tab = tmp_path / "a.csv", tmp_path / "b.tsv"
    comma.write_text(',event_label,onset,offset,filename\n0,Cat,0.5,1.0,"a, b.wav"\n')
    tab.write_text("event_label\tonset\toffset\tfilename\tindex\nCat\t0.5\t1.0\ta, b.wav\t1\n")
    first, second = read_events(comma), read_events(tab)
    assert first.equals(second) and first["filename"].tolist() == ["a, b.wav"]


def test_few():
    assert few(["a"]) == "'a'" and few("abcde") == "'a', 'b', 'c' and 2 more"


def test_tags_have_one_row_per_clip(make_set):
    assert np.asarray(from_directory(make_set("set")).tags).shape == (6, 2)


def test_a_clip_has_one_duration(tmp_path):
    with pytest.raises(UserError, match=r"durations.tsv:4: 'a.wav' has 60 s here and 10 s in an earlier line"):
        from_files(*files(tmp_path, durations=DURATIONS + "a.wav\t60\n"))
    assert from_files(*files(tmp_path, durations=DURATIONS + "a.wav\t10.0\n")).durations["a.wav"] == 10


def test_a_reference_event_lasts_some_time(tmp_path):
    with pytest.raises(UserError, match=r"strong.tsv:3: the reference event 'Cat' at 2 s lasts no time; give it"):
        from_files(*files(tmp_path, "\na.wav\t2\t2\tCat\n"))
    assert len(read_events(files(tmp_path, "a.wav\t2\t2\tCat\n")[0])) == 1, "a detected one may be as short as it likes"


@pytest.mark.parametrize(
    "labels, classes, complaint",
    [
        (("Cat", "cat"), None, "strong.tsv: labels 'Cat' and 'cat' differ in case alone; give both one name"),
        (("Cat", "Dog "), None, "strong.tsv: class name 'Dog ' has spaces around it; rename it"),
        (("Cat", "Dgo"), ("Cat", "Dog"), r"strong.tsv: unknown label 'Dgo' \(did you mean 'Dog'"),
    ],
)
def test_labels_that_look_alike(tmp_path, labels, classes, complaint):
    rows = "".join(f"a.wav\t{i}\t{i + 1}\t{label}\n" for i, label in enumerate(labels))
    with pytest.raises(UserError, match=complaint):
        from_files(*files(tmp_path, rows), classes)


def test_classes_that_are_given_stand_in_their_order(tmp_path):
    truth = from_files(*files(tmp_path), ("Dog", "Cat"))
    assert truth.classes.names == ("Dog", "Cat") and truth.without_references() == ["Dog"]
    assert from_files(*files(tmp_path, "a.wav\t0\t1\tCafe\u0301\n")).classes.names == ("Caf\u00e9",)
