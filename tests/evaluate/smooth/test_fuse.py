"""Fusion of score directories: grids, classes, weights, contributions, and members that do not fit together."""

import numpy as np
import pytest

from sedsep.data.manifest import Clip, write_set
from sedsep.errors import UserError
from sedsep.evaluate.smooth.fuse import fuse_directories
from sedsep.scores.directory import ClipScores, ScoreSet

CLASSES = ("Cat", "Dog")


def member(path, seed=0, frame=0.5, classes=CLASSES, names=("a", "b"), seconds=4.0, noise=None, weak=True):
    rng = np.random.default_rng(seed)
    grid = np.minimum(np.arange(int(np.ceil(seconds / frame)) + 1) * frame, seconds)
    clips = {}
    for name in names:
        scores = rng.random((len(grid) - 1, len(classes)))
        if noise is not None:
            middle = (grid[:-1] + grid[1:])[:, None] / 2
            active = (middle > 1) & (middle < 2.5)
            scores = 1 / (1 + np.exp(-(4 * active - 2 + noise * rng.standard_normal(scores.shape))))
        clips[name] = ClipScores(grid, scores)
    tags = {name: clip.scores.max(0) for name, clip in clips.items()} if weak else {}
    score_set = ScoreSet(tuple(classes), clips, tags)
    score_set.write(path)
    return score_set


def labels(path, names=("a", "b"), classes=CLASSES):
    clips = []
    for name in names:
        audio = path / f"{name}.wav"
        audio.parent.mkdir(exist_ok=True)
        audio.touch()
        clips.append(Clip(audio.name, audio, 4.0, tuple((1.0, 2.5, label) for label in classes)))
    write_set(path, classes, clips)


def test_mean_with_weights(tmp_path):
    one, two = member(tmp_path / "1", 1), member(tmp_path / "2", 2, weak=False)
    said = fuse_directories(tmp_path / "out", [tmp_path / "1", tmp_path / "2"], weights="3,1")
    fused = ScoreSet.read(tmp_path / "out")
    for name in ("a", "b"):
        expected = 0.75 * one.clips[name].scores + 0.25 * two.clips[name].scores
        assert np.allclose(fused.clips[name].scores, expected, atol=1e-12)
    assert fused.weak == {}
    first, second = fused.info["fusion"]["members"]
    assert first["weights"] == {"Cat": 0.75, "Dog": 0.75}
    gap = [np.abs(one.clips[name].scores - two.clips[name].scores) for name in ("a", "b")]
    assert first["mean_change_without"] == pytest.approx(0.75 * np.mean(gap))
    assert second["mean_change_without"] == pytest.approx(0.25 * np.mean(gap))
    assert "weight 0.750" in said and str(tmp_path / "2") in said


def test_finest_grid_and_order_of_classes(tmp_path):
    coarse = member(tmp_path / "1", 1, frame=1.0)
    fine = member(tmp_path / "2", 2, frame=0.25, classes=CLASSES[::-1])
    fuse_directories(tmp_path / "out", [tmp_path / "1", tmp_path / "2"])
    fused = ScoreSet.read(tmp_path / "out")
    assert fused.classes == CLASSES and fused.frame_seconds == 0.25
    expected = (np.repeat(coarse.clips["a"].scores, 4, 0) + fine.clips["a"].scores[:, ::-1]) / 2
    assert np.allclose(fused.clips["a"].scores, expected, atol=1e-12)
    assert np.allclose(fused.weak["b"], (coarse.weak["b"] + fine.weak["b"][::-1]) / 2)


def test_power_and_a_single_member(tmp_path):
    one, two = member(tmp_path / "1", 1), member(tmp_path / "2", 2)
    fuse_directories(tmp_path / "out", [tmp_path / "1", tmp_path / "2"], "power", 2.0)
    fused = ScoreSet.read(tmp_path / "out").clips["b"].scores
    assert np.allclose(fused, np.sqrt((one.clips["b"].scores ** 2 + two.clips["b"].scores ** 2) / 2))
    fuse_directories(tmp_path / "alone", [tmp_path / "1"])
    assert (ScoreSet.read(tmp_path / "alone").clips["a"].scores == one.clips["a"].scores).all()


@pytest.mark.parametrize("per_class", [False, True])
def test_learned_on_one_set_and_applied_to_another(tmp_path, per_class):
    names = [f"c{i}" for i in range(20)]
    member(tmp_path / "1", 1, noise=1.0, names=names)
    member(tmp_path / "2", 2, noise=1.5, names=names, frame=0.25)
    member(tmp_path / "3", 3, names=names)
    labels(tmp_path / "data", names)
    members = [tmp_path / name for name in "123"]
    fuse_directories(tmp_path / "out", members, "learned", fit=tmp_path / "data", per_class=per_class)
    info = ScoreSet.read(tmp_path / "out").info["fusion"]
    first, second, third = info["members"]
    assert first["weights"]["Cat"] > third["weights"]["Cat"] and third["weights"]["Cat"] < 0.05
    for entry in info["members"]:
        assert entry["cross_entropy_without"] >= entry["cross_entropy"] - 1e-9
    assert first["cross_entropy_without"] > third["cross_entropy_without"]
    assert info["fitted"]["clips"] == 20 and info["fitted"]["fingerprint"].startswith("events:")
    again = tmp_path / "again"
    fuse_directories(again, members, "learned", weights=str(tmp_path / "out" / "scores.json"))
    fused, expected = ScoreSet.read(again), ScoreSet.read(tmp_path / "out")
    assert all(np.allclose(fused.clips[name].scores, expected.clips[name].scores) for name in names)


def test_members_that_differ(tmp_path):
    member(tmp_path / "1")
    member(tmp_path / "2", classes=("Cat", "Cow"))
    with pytest.raises(UserError, match="/2: classes differ: not expected here 'Cow'; missing here 'Dog'"):
        fuse_directories(tmp_path / "out", [tmp_path / "1", tmp_path / "2"])
    member(tmp_path / "3", names=("b", "c"))
    with pytest.raises(UserError, match="/3: clips differ: 1 are not in .*/1: 'c'; 1 of .*/1 are missing: 'a'"):
        fuse_directories(tmp_path / "out", [tmp_path / "1", tmp_path / "3"])
    labels(tmp_path / "data", ("a", "c"))
    with pytest.raises(UserError, match="the scores: clips differ: 1 are not in .*'b'; 1 of .*'c'"):
        fuse_directories(tmp_path / "out", [tmp_path / "1"], "learned", fit=tmp_path / "data")
    labels(tmp_path / "more", classes=("Cat", "Dog", "Cow"))
    with pytest.raises(UserError, match="missing here 'Cow'"):
        fuse_directories(tmp_path / "out", [tmp_path / "1"], "learned", fit=tmp_path / "more")
    assert not (tmp_path / "out").exists()


def test_refused_options(tmp_path):
    member(tmp_path / "1")
    one = [tmp_path / "1"]
    for options, message in [
        (dict(how="median"), "unknown way to fuse"),
        (dict(how="learned"), "needs either --fit"),
        (dict(how="mean", fit="data"), "needs either --fit"),
        (dict(how="mean", weights="1,2"), "expected 1 numbers"),
        (dict(how="mean", weights="-1"), "expected 1 numbers"),
        (dict(how="mean", weights="x"), "expected 1 numbers"),
        (dict(how="learned", weights=str(tmp_path / "1" / "scores.json")), "not the scores.json of a learned"),
    ]:
        with pytest.raises(UserError, match=message):
            fuse_directories(tmp_path / "out", one, **options)
