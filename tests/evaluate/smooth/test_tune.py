"""Tuning on scores whose best smoothing is known, and the split that keeps its number honest."""

import json

import numpy as np
import pytest

from sedsep.data.manifest import Clip, write_set
from sedsep.engine import checkpoint
from sedsep.errors import UserError
from sedsep.evaluate.score import output, truth
from sedsep.evaluate.score.score import score
from sedsep.evaluate.smooth import tune
from sedsep.evaluate.smooth.forest import minimise
from sedsep.evaluate.smooth.smooth import read_smoother, smooth, smooth_directory
from sedsep.files import clip_id
from sedsep.scores.directory import ClipScores, ScoreSet

FRAME = 0.064
CLASSES = ("Short", "Long", "Never")


@pytest.fixture
def validation(tmp_path):
    """A set of 24 clips and noisy scores of it: events of 0.4 s and of 4 s, and a class without events."""
    rng = np.random.default_rng(0)
    clips, scores = [], {}
    for index in range(24):
        first = rng.integers(5, 60, 2)
        events = [
            (round(first[0] * FRAME, 3), round((first[0] + 7) * FRAME, 3), "Short"),
            (round(first[1] * FRAME, 3), round((first[1] + 60) * FRAME, 3), "Long"),
        ]
        active = np.zeros((156, 3))
        active[first[0] : first[0] + 7, 0] = 1
        active[first[1] : first[1] + 60, 1] = 1
        noise = rng.standard_normal((156, 3)) * [0.6, 1.6, 0.3]
        path = tmp_path / "data" / f"c.{index}.wav"
        path.parent.mkdir(exist_ok=True)
        path.touch()
        clips.append(Clip(path.name, path, 10.0, tuple(events)))
        boundaries = np.minimum(np.round(np.arange(157) * FRAME, 6), 10)
        scores[f"c.{index}"] = ClipScores(boundaries, 1 / (1 + np.exp(-(active * 4 - 2 + noise))))
    write_set(tmp_path / "data", CLASSES, clips)
    ScoreSet(CLASSES, scores).write(tmp_path / "scores")
    return tmp_path


def test_a_threshold_of_each_class(validation):
    """What lies above each comes to lie above one half, and an event F1 that was low rises."""
    scores = ScoreSet.read(validation / "scores")
    low = {name: ClipScores(c.boundaries, c.scores * [0.5, 0.8, 1.0]) for name, c in scores.clips.items()}
    scores.with_clips(low, {}).write(validation / "low")
    median = [{"name": "median", "seconds": 7 * FRAME}]
    steps, fitted = tune.fit(validation / "low", validation / "data", "threshold", median)
    assert steps[0]["name"] == "threshold" and steps[1:] == median
    assert steps[0]["at"]["Short"] < steps[0]["at"]["Long"] < 0.55
    gain = fitted["event_f1"]["held_out_half"]
    assert gain["after"] > gain["before"] + 0.3


def test_the_other_half_has_a_number_of_its_own(validation):
    """Whatever was or was not tuned, ``event-f1-held-out`` is of the same clips; those of another seed are refused."""
    steps, fitted = tune.fit(validation / "scores", validation / "data", "median")
    for name, smoother in (("plain", {"steps": [{"name": "median", "seconds": FRAME}]}),
                           ("tuned", {"steps": steps, "fitted": fitted}),
                           ("other", {"steps": steps, "fitted": {**fitted, "seed": 1}})):  # fmt: skip
        smooth_directory(validation / "scores", validation / name, smoother)
    found = {}
    for name in ("plain", "tuned"):
        result, reference = output.read(truth.from_directory(validation / "data"), validation / name)
        found[name], *_ = score(reference, result, ["event-f1-held-out"], bootstrap=20)
        assert len(found[name].per_clip) == 12 and len(found[name].replicates) == 20
    held = fitted["event_f1"]["held_out_half"]
    assert [round(found[name].value, 6) for name in ("plain", "tuned")] == [held["before"], held["after"]]
    assert not {clip_id(name) for name in found["tuned"].per_clip["filename"]} & set(fitted["tuned_on"])
    result, reference = output.read(truth.from_directory(validation / "data"), validation / "other")
    with pytest.raises(UserError, match="--seed 1"):
        score(reference, result, ["event-f1-held-out"])


@pytest.mark.parametrize("tuner", ["median", "separable", "forest"])
def test_tuned_smoothing_helps_on_the_other_half(validation, tuner, monkeypatch):
    monkeypatch.setattr(tune, "FOREST_EVALUATIONS", 25)
    monkeypatch.setattr(tune, "LOG_ODDS_SILENCE", np.linspace(0, 8, 4))
    monkeypatch.setattr(tune, "LOG_ODDS_EVENT", np.linspace(-1, 8, 5))
    steps, fitted = tune.fit(validation / "scores", validation / "data", tuner)
    assert steps[0]["name"] == ("median" if tuner == "median" else "hmm")
    for half in ("tuned_half", "held_out_half"):
        assert fitted["event_f1"][half]["after"] > fitted["event_f1"][half]["before"] + 0.2
    assert len(fitted["tuned_on"]) == 12 and fitted["fingerprint"].startswith("events:")
    # the steps are legal and say the same of the half that was held out
    scores, reference = tune.labelled(validation / "scores", validation / "data")
    held_out = tune.halves(scores, reference.events)[1]
    assert not set(fitted["tuned_on"]) & {name.removesuffix(".wav") for name in held_out.scores.clips}
    found = np.nanmean(held_out.class_f1(steps))
    assert found == pytest.approx(fitted["event_f1"]["held_out_half"]["after"], abs=1e-6)


def test_the_median_of_each_class_is_the_best_of_its_own(validation):
    scores, reference = tune.labelled(validation / "scores", validation / "data")
    part = tune.halves(scores, reference.events)[0]
    step = tune.tune_median(part, [])
    best = part.class_f1([step])[:2]
    for frames in tune.MEDIAN_FRAMES:
        assert (part.class_f1([{"name": "median", "seconds": frames * FRAME}])[:2] <= best).all()
    assert step["seconds"]["Long"] > step["seconds"]["Short"]


def test_the_separable_search_beats_every_point_of_its_grid(validation, monkeypatch):
    monkeypatch.setattr(tune, "LOG_ODDS_SILENCE", np.array([1.0, 4.0]))
    monkeypatch.setattr(tune, "LOG_ODDS_EVENT", np.array([1.0, 3.0, 5.0]))
    scores, reference = tune.labelled(validation / "scores", validation / "data")
    part = tune.halves(scores, reference.events)[0]
    found = np.nanmean(part.class_f1([tune.tune_separable(part, [])]))
    sigmoid = {odds: 1 / (1 + np.exp(-odds)) for odds in (1.0, 3.0, 4.0, 5.0)}
    for silence in (1.0, 4.0):
        for short in (1.0, 3.0, 5.0):
            for long in (1.0, 3.0, 5.0):
                stay = {"Short": sigmoid[short], "Long": sigmoid[long], "Never": 0.5}
                step = {"name": "hmm", "stay_silence": sigmoid[silence], "stay_event": stay}
                assert np.nanmean(part.class_f1([step])) <= found + 1e-12


def test_written_smoother_with_fixed_steps(validation):
    after = [{"name": "min_length", "seconds": 0.2}]
    scores, data = validation / "scores", validation / "data"
    model = validation / "best_teacher.pt"
    checkpoint.save(model, {"weights": {}, "config": {"kind": "detection"}, "smoothing": []})
    said = tune.fit_smoother(validation / "s.json", scores, data, "median", after, seed=3, model=model)
    smoother = read_smoother(validation / "s.json")
    assert [step["name"] for step in smoother["steps"]] == ["median", "min_length"]
    assert "held out half" in said and smoother["fitted"]["seed"] == 3
    assert json.loads((validation / "s.json").read_text()) == smoother
    smooth(ScoreSet.read(validation / "scores"), smoother["steps"])
    kept = checkpoint.load(model)
    assert kept == {"format": 2, "weights": {}, "config": {"kind": "detection"}, "smoothing": smoother["steps"]}


def test_refused(validation, tmp_path):
    with pytest.raises(UserError, match="unknown tuner 'forrest'.*did you mean 'forest'"):
        tune.fit(validation / "scores", validation / "data", "forrest")
    part = ScoreSet.read(validation / "scores")
    part.subset(list(part.clips)[:20]).write(tmp_path / "fewer")
    with pytest.raises(UserError, match="4 clips of .* are missing: 'c"):
        tune.fit(tmp_path / "fewer", validation / "data")
    ScoreSet(("Short", "Long", "Else"), part.clips).write(tmp_path / "other")
    with pytest.raises(UserError, match="not expected here 'Else'; missing here 'Never'"):
        tune.fit(tmp_path / "other", validation / "data")
    (validation / "data" / "strong.tsv").unlink()
    with pytest.raises(UserError, match="strong"):
        tune.fit(validation / "scores", validation / "data")


def test_forest_finds_a_minimum():
    def bowl(x):
        return float(((x - [0.3, 0.7, 0.5]) ** 2).sum())

    point, value = minimise(bowl, [0.0] * 3, [1.0] * 3, evaluations=40, seed=1)
    rng = np.random.default_rng(0)
    at_random = np.mean([min(bowl(rng.random(3)) for _ in range(40)) for _ in range(200)])
    assert value == bowl(point) and value < at_random
    assert minimise(bowl, [0.0] * 3, [1.0] * 3, evaluations=15, seed=1)[1] >= value
