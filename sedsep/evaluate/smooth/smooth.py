"""Smooth: a score directory through an ordered list of steps into another, so that every metric still works on it.

A step is a dict with a name and parameters in seconds or probabilities, each one number or a number per class
name:

    {"name": "median", "seconds": 0.448}
    {"name": "hmm", "stay_silence": 0.9, "stay_event": {"Cat": 0.95, "Dog": 0.9}}
    {"name": "min_length", "seconds": 0.25}          drop shorter runs
    {"name": "merge_gap", "seconds": {"Cat": 0.15}}  fill shorter gaps; a class that is not named is left alone

A smoother is a JSON file of ``steps``, with ``fitted`` (on what, with which numbers) where ``--fit`` made it.
"""

import math
from pathlib import Path

import numpy as np

from sedsep.errors import UserError, nearest
from sedsep.scores.directory import ClipScores, ScoreSet
from sedsep.files import read_json, write_json
from sedsep.scores.hmm import hmm_smooth
from sedsep.scores.median import median_filter
from sedsep.scores.segments import drop_short, fill_gaps


def smooth(score_set: ScoreSet, steps: list) -> ScoreSet:
    """Apply smoothing steps in order; the result lists them after those applied before, as scores.json names them.

    Raises:
        UserError: a step is not a legal one, or the scores are not on a regular grid of frames.
    """
    operations = [operation(step, score_set.classes) for step in steps]
    frame_seconds = score_set.frame_seconds
    by_length = {}
    for name, clip in score_set.clips.items():
        by_length.setdefault(len(clip.scores), []).append(name)
    smoothed = {}
    for names in by_length.values():
        scores = np.stack([score_set.clips[name].scores for name in names])
        for apply in operations:
            scores = apply(scores, frame_seconds)
        smoothed.update(zip(names, scores))
    clips = {name: ClipScores(clip.boundaries, smoothed[name]) for name, clip in score_set.clips.items()}
    return score_set.with_clips(clips, {"postprocess": [*score_set.info.get("postprocess", []), *steps]})


def operation(step: dict, classes):
    """A step as a function of ``scores (B, L', C)`` and the seconds per frame. Raises UserError."""
    name = step.get("name") if isinstance(step, dict) else None
    if name not in STEPS:
        raise UserError(f"unknown smoothing step {name!r}{nearest(name, STEPS)}; known: {', '.join(STEPS)}")
    function, parameters = STEPS[name]
    for key in step:
        if key != "name" and key not in parameters:
            raise UserError(f"smoothing step {name}: unknown parameter {key!r}{nearest(key, parameters)}")
    values = [_per_class(step, key, neutral, classes) for key, neutral in parameters.items()]
    return lambda scores, frame_seconds: function(scores, frame_seconds, *values)


def _median(scores, frame_seconds, seconds):
    return median_filter(scores, np.maximum(1, np.rint(seconds / frame_seconds)).astype(int))


def _hmm(scores, frame_seconds, stay_silence, stay_event):
    return hmm_smooth(scores, stay_silence, stay_event)


def _min_length(scores, frame_seconds, seconds):
    return drop_short(scores, _at_least(seconds, frame_seconds))


def _merge_gap(scores, frame_seconds, seconds):
    return fill_gaps(scores, _at_least(seconds, frame_seconds))


def _at_least(seconds, frame_seconds):
    """The fewest frames that last ``seconds``; 1e-6: 0.192 s are 3 frames of 64 ms, not 3.0000000001."""
    return np.maximum(1, np.ceil(seconds / frame_seconds - 1e-6)).astype(int)


# name -> (function, {parameter: its value for a class that is not named}); an HMM names every class.
STEPS = {
    "median": (_median, {"seconds": 0.0}),
    "hmm": (_hmm, {"stay_silence": None, "stay_event": None}),
    "min_length": (_min_length, {"seconds": 0.0}),
    "merge_gap": (_merge_gap, {"seconds": 0.0}),
}


def _per_class(step, key, neutral, classes):
    """A parameter as ``(C,)`` floats."""
    where = f"smoothing step {step['name']}"
    if key not in step:
        raise UserError(f"{where}: parameter {key!r} is missing")
    given = step[key]
    if isinstance(given, dict):
        for name in given:
            if name not in classes:
                raise UserError(f"{where}: {key} names {name!r}, no class of the scores{nearest(name, classes)}")
        values = [given.get(name, neutral) for name in classes]
        if None in values:
            raise UserError(f"{where}: {key} names no value for class {classes[values.index(None)]!r}")
    else:
        values = [given] * len(classes)
    for value in values:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
            raise UserError(f"{where}: {key} must be a number of at least 0, or one per class; not {value!r}")
    return np.array(values, float)


def by_class(classes, values) -> dict:
    """``(C,)`` numbers as a parameter of a step."""
    return {name: float(value) for name, value in zip(classes, values)}


def steps_of(median=None, hmm=(), min_length=None, merge_gap=None) -> list:
    """Steps that are the same for all classes, in the order median, HMM, minimum length, gaps.

    Args:
        median, min_length, merge_gap: seconds, or None. hmm: ``(a00, a11)`` or empty.
    """
    if hmm and len(hmm) != 2:
        raise UserError(f"an HMM has two probabilities, to stay silent and to stay active; not {len(hmm)}")
    steps = [{"name": "hmm", "stay_silence": hmm[0], "stay_event": hmm[1]}] if hmm else []
    lengths = {"median": median, "min_length": min_length, "merge_gap": merge_gap}
    steps += [{"name": name, "seconds": seconds} for name, seconds in lengths.items() if seconds is not None]
    return sorted(steps, key=lambda step: list(STEPS).index(step["name"]))


def read_smoother(path) -> dict:
    """Read a smoother: ``steps`` and, where it was fitted, ``fitted``. Raises UserError."""
    smoother = read_json(path)
    if not isinstance(smoother, dict) or not isinstance(smoother.get("steps"), list):
        raise UserError(f"{path}: not a smoother; expected a list 'steps', as 'sedsep smooth --fit' writes")
    if not isinstance(smoother.get("fitted", {"tuned_on": []}).get("tuned_on"), list):
        raise UserError(f"{path}: 'fitted' lacks the clips 'tuned_on'; fit the smoother again, or delete 'fitted'")
    return smoother


def model_smoother(source) -> dict:
    """The smoother of the model that made the scores, as its checkpoint holds it. Raises UserError."""
    path = Path(source) / "scores.json"
    steps = read_json(path).get("model_steps") if path.is_file() else None
    if not steps:
        raise UserError(f"{source}: scores.json names no smoothing of the model; give steps, such as --median 0.448")
    return {"steps": steps}


def write_smoother(path, steps: list, fitted: dict) -> None:
    """Write a fitted smoother."""
    write_json(path, {"steps": steps, "fitted": fitted})


def smooth_directory(source, out, smoother: dict) -> str:
    """Apply a smoother to the score directory ``source`` and write ``out``.

    ``out/scores.json`` records the steps and, of a fitted smoother, the data it was fitted on and how many of
    these very clips it was tuned on.

    Returns:
        What was done, in a line; with a warning where clips are among those tuned on.
    """
    if Path(source).resolve() == Path(out).resolve():
        raise UserError(f"{out}: would overwrite the scores that are smoothed; choose another directory")
    score_set = ScoreSet.read(source)
    smoothed = smooth(score_set, smoother["steps"])
    done = f"{out}: {len(smoothed.clips)} clips, {', '.join(step['name'] for step in smoother['steps'])}"
    if "fitted" in smoother:
        record = dict(smoother["fitted"])
        record["tuned_clips_here"] = len(set(record.pop("tuned_on")) & set(score_set.clips))
        smoothed = smoothed.with_clips(smoothed.clips, {"fitted": record})
        if record["tuned_clips_here"]:
            done += f"; the smoother was tuned on {record['tuned_clips_here']} of them: no test of it"
    smoothed.write(out)
    return done
