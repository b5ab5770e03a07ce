"""Smoothing of score directories: seconds to frames, classes by name, what is recorded and what is refused."""

import json

import numpy as np
import pytest

from sedsep.errors import UserError
from sedsep.evaluate.smooth.smooth import read_smoother, smooth, smooth_directory, steps_of
from sedsep.scores.directory import ClipScores, ScoreSet
from sedsep.scores.hmm import hmm_smooth
from sedsep.scores.median import median_filter
from sedsep.scores.segments import drop_short, fill_gaps

FRAME = 0.064


def score_set(lengths=(156, 156, 40, 1), seed=0, classes=("Cat", "Dog")):
    rng = np.random.default_rng(seed)
    clips = {}
    for index, length in enumerate(lengths):
        boundaries = np.round(np.arange(length + 1) * FRAME, 6)
        boundaries[-1] -= 0.02
        clips[f"clip{index}"] = ClipScores(boundaries, rng.random((length, len(classes))).astype("f4"))
    return ScoreSet(tuple(classes), clips, {"clip0": np.array([0.1, 0.9])}, {"model": "m", "postprocess": []})


STEPS = [
    ({"name": "median", "seconds": 0.448}, lambda s: median_filter(s, 7)),
    ({"name": "median", "seconds": {"Dog": 0.32}}, lambda s: median_filter(s, [1, 5])),
    ({"name": "median", "seconds": 0}, lambda s: s),
    ({"name": "hmm", "stay_silence": 0.9, "stay_event": {"Dog": 0.7, "Cat": 0.8}},
     lambda s: hmm_smooth(s, 0.9, [0.8, 0.7])),
    ({"name": "min_length", "seconds": 0.192}, lambda s: drop_short(s, 3)),
    ({"name": "min_length", "seconds": 0.2}, lambda s: drop_short(s, 4)),
    ({"name": "merge_gap", "seconds": {"Cat": 0.192}}, lambda s: fill_gaps(s, [3, 1])),
]  # fmt: skip


@pytest.mark.parametrize("step, expected", STEPS)
def test_each_step(step, expected):
    before = score_set()
    after = smooth(before, [step])
    assert list(after.clips) == list(before.clips) and after.weak == before.weak
    for name, clip in after.clips.items():
        assert (clip.boundaries == before.clips[name].boundaries).all()
        assert (clip.scores == expected(before.clips[name].scores)).all()


def test_steps_are_applied_in_order_and_recorded():
    before, steps = score_set(), [STEPS[4][0], STEPS[0][0]]
    after = smooth(smooth(before, steps[:1]), steps[1:])
    assert after.info == {"model": "m", "postprocess": steps}
    both = smooth(before, steps)
    assert both.info == after.info
    assert all((both.clips[name].scores == after.clips[name].scores).all() for name in both.clips)
    other = smooth(before, steps[::-1])
    assert any((both.clips[name].scores != other.clips[name].scores).any() for name in both.clips)


def test_directory_there_and_back(tmp_path):
    score_set().write(tmp_path / "in")
    smoother = {"steps": steps_of(median=0.448, hmm=(0.9, 0.8))}
    assert [step["name"] for step in smoother["steps"]] == ["median", "hmm"]
    said = smooth_directory(tmp_path / "in", tmp_path / "out", smoother)
    assert "4 clips, median, hmm" in said and "tuned" not in said
    read = ScoreSet.read(tmp_path / "out")
    expected = smooth(ScoreSet.read(tmp_path / "in"), smoother["steps"])
    assert all((read.clips[name].scores == clip.scores).all() for name, clip in expected.clips.items())
    assert read.info["postprocess"] == smoother["steps"] and "fitted" not in read.info
    assert read.weak["clip0"].tolist() == [0.1, 0.9]


def test_clips_that_tuned_the_smoother_are_told(tmp_path):
    score_set().write(tmp_path / "in")
    fitted = {"fingerprint": "events:1", "tuned_on": ["clip1", "clip3", "other"]}
    path = tmp_path / "smoother.json"
    path.write_text(json.dumps({"steps": steps_of(0.448), "fitted": fitted}))
    said = smooth_directory(tmp_path / "in", tmp_path / "out", read_smoother(path))
    assert "tuned on 2 of them" in said
    assert ScoreSet.read(tmp_path / "out").info["fitted"] == {"fingerprint": "events:1", "tuned_clips_here": 2}


@pytest.mark.parametrize(
    "step, message",
    [
        ({"name": "medain", "seconds": 1}, "'medain'.*did you mean 'median'"),
        ("median", "unknown smoothing step"),
        ({"name": "median", "second": 1}, "'second'.*did you mean 'seconds'"),
        ({"name": "median"}, "'seconds' is missing"),
        ({"name": "median", "seconds": -1}, "at least 0"),
        ({"name": "median", "seconds": float("nan")}, "at least 0"),
        ({"name": "median", "seconds": "0.4"}, "must be a number"),
        ({"name": "median", "seconds": {"Cow": 1}}, "names 'Cow', no class of the scores"),
        ({"name": "hmm", "stay_silence": 0.9, "stay_event": {"Cat": 0.9}}, "no value for class 'Dog'"),
        ({"name": "hmm", "stay_silence": 0.1, "stay_event": 0.2}, "changes rather than stays"),
        ({"name": "hmm", "stay_silence": 1.0, "stay_event": 0.2}, "between 0 and 1"),
    ],
)
def test_refused_steps(step, message):
    with pytest.raises(UserError, match=message):
        smooth(score_set(), [step])


def test_refused_files(tmp_path):
    path = tmp_path / "smoother.json"
    for text, message in [
        ("{", "not valid JSON"),
        ("[]", "not a smoother"),
        ('{"steps": 1}', "not a smoother"),
        ('{"steps": [], "fitted": {}}', "lacks the clips"),
    ]:
        path.write_text(text)
        with pytest.raises(UserError, match=message):
            read_smoother(path)
    score_set().write(tmp_path / "in")
    with pytest.raises(UserError, match="would overwrite"):
        smooth_directory(tmp_path / "in", tmp_path / "." / "in", {"steps": []})
    with pytest.raises(UserError, match="two probabilities"):
        steps_of(hmm=(0.9,))
    with pytest.raises(UserError):
        smooth_directory(tmp_path / "in", tmp_path / "out", {"steps": [{"name": "median"}]})
    assert not (tmp_path / "out").exists()
