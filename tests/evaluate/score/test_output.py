"""A system's output against the truth: names that differ, classes in another order, clips that are missing."""

import numpy as np
import pytest

from sedsep.errors import UserError
from sedsep.evaluate.score.output import read, read_several
from sedsep.evaluate.score.truth import from_directory, from_files
from sedsep.scores.directory import ScoreSet


@pytest.fixture
def truth(make_set):
    return from_directory(make_set("set"))


def test_classes_in_another_order(make_scores, truth, tmp_path):
    scores = ScoreSet.read(make_scores("right", truth.source))
    turned = {name: type(clip)(clip.boundaries, clip.scores[:, ::-1]) for name, clip in scores.clips.items()}
    weak = {name: row[::-1] for name, row in scores.weak.items()}
    ScoreSet(scores.classes[::-1], turned, weak).write(tmp_path / "turned")
    output, _ = read(truth, tmp_path / "turned")
    for name, clip in output.scores.items():
        assert (clip.scores == scores.clips[name.removesuffix(".wav")].scores).all()
    assert (output.clip_scores(truth, "ap") == [scores.weak[n.removesuffix(".wav")] for n in truth.filenames]).all()


def test_missing_clips_are_counted(make_scores, truth):
    directory = make_scores("right", truth.source)
    (directory / "strong" / "set_3.tsv").unlink()
    output, _ = read(truth, directory)
    assert output.missing == ("set_3.wav",)


def test_unknown_clips_are_named_both_ways(make_scores, truth):
    directory = make_scores("right", truth.source)
    (directory / "strong" / "set_3.tsv").rename(directory / "strong" / "other.tsv")
    with pytest.raises(
        UserError, match="1 clips are not in .*: 'other'; of the ground truth 1 are missing: 'set_3.wav'"
    ):
        read(truth, directory)


def test_classes_that_differ_are_named_both_ways(make_scores, truth):
    directory = make_scores("right", truth.source)
    for path in (directory / "strong").iterdir():
        path.write_text(path.read_text().replace("High", "Treble"))
    (directory / "weak.tsv").unlink()
    with pytest.raises(UserError, match="not expected here 'Treble'; missing here 'High'"):
        read(truth, directory)


def test_events_of_an_unknown_class(truth, tmp_path):
    path = tmp_path / "events.tsv"
    path.write_text("filename\tonset\toffset\tevent_label\nset_0.wav\t0\t1\tHgh\n")
    with pytest.raises(UserError, match="unknown class 'Hgh'.*did you mean 'High'"):
        read(truth, events=path)


def test_files_of_truth_take_the_classes_of_the_output(make_scores, truth, tmp_path):
    strong = tmp_path / "strong.tsv"
    strong.write_text("filename\tonset\toffset\tevent_label\nset_1.wav\t0\t1\tLow\n")
    loose = from_files(strong, f"{truth.source}/durations.tsv")
    _, common = read(loose, make_scores("right", truth.source))
    assert common.classes.names == ("High", "Low") and common.tags.tolist()[1] == [0, 1]


@pytest.mark.parametrize("asked", ["events", "operating_points", "frame_scores"])
def test_what_is_not_there_is_named(truth, tmp_path, asked):
    events = tmp_path / "events.tsv"
    events.write_text("filename\tonset\toffset\tevent_label\n")
    points = tmp_path / "points"
    points.mkdir()
    (points / "p.tsv").write_text(events.read_text())
    output, _ = read(truth, **({"events": events} if asked == "operating_points" else {"operating_points": points}))
    arguments = {"events": (truth.classes, 0.5, "m"), "operating_points": (truth.classes, "m"), "frame_scores": ("m",)}
    with pytest.raises(UserError, match="m needs"):
        getattr(output, asked)(*arguments[asked])


def test_nothing_given_and_nothing_there(truth, tmp_path):
    with pytest.raises(UserError, match="nothing to score"):
        read(truth)
    with pytest.raises(UserError, match="no operating points"):
        read(truth, operating_points=tmp_path)
    with pytest.raises(UserError, match="no such score directory"):
        read(truth, tmp_path / "absent")


def test_several_directories_have_distinct_names(make_scores, truth, tmp_path):
    first = make_scores("a", truth.source)
    (tmp_path / "x").mkdir()
    second = make_scores("x/a", truth.source, noise=0.1)
    _, outputs = read_several(truth, [first, second, make_scores("b", truth.source)])
    assert list(outputs) == [f"{tmp_path.name}/a", "x/a", "b"]


def test_clip_scores_without_weak_table_are_maxima(make_scores, truth):
    directory = make_scores("right", truth.source)
    (directory / "weak.tsv").unlink()
    output, _ = read(truth, directory)
    found = output.clip_scores(truth, "ap")
    assert np.allclose(found, [output.scores[name].scores.max(0) for name in truth.filenames])


@pytest.mark.parametrize("label", ["high", "High ", "Hihg"])
def test_loose_truth_is_a_closed_vocabulary(truth, tmp_path, label):
    loose, path = _loose(truth, tmp_path), tmp_path / "events.tsv"
    path.write_text(f"filename\tonset\toffset\tevent_label\nset_0.wav\t0\t1\t{label}\n")
    with pytest.raises(UserError, match=rf"{path}: events of unknown class '{label}' .did you mean 'High'.*--classes"):
        read(loose, events=path)
    _, common = read(_loose(truth, tmp_path, ("High", "Low", label.strip() + "2")), events=_labelled(path, "High"))
    assert common.classes.names == ("High", "Low", label.strip() + "2")


def test_detections_name_files_or_ids(tmp_path):
    strong, durations, path = (tmp_path / name for name in ("strong.tsv", "durations.tsv", "events.tsv"))
    strong.write_text("filename\tonset\toffset\tevent_label\na.wav.wav\t0\t1\tHigh\n")
    durations.write_text("filename\tduration\na.wav.wav\t1\ncaf\u00e9.flac\t1\n", encoding="utf-8")
    for name, found in (("a.wav", "a.wav.wav"), ("a.wav.wav", "a.wav.wav"), ("cafe\u0301.wav", "caf\u00e9.flac")):
        path.write_text(f"filename\tonset\toffset\tevent_label\n{name}\t0\t1\tHigh\n", encoding="utf-8")
        output, _ = read(from_files(strong, durations), events=path)
        assert output.table["filename"].tolist() == [found]


def _loose(truth, tmp_path, classes=None):
    return from_files(f"{truth.source}/strong.tsv", f"{truth.source}/durations.tsv", classes)


def _labelled(path, label):
    path.write_text(f"filename\tonset\toffset\tevent_label\nset_0.wav\t0\t1\t{label}\n")
    return path
