"""Smooth: a score directory through an ordered list of steps into another, so that every metric still works on it.

The steps are those of ``scores/steps.py``. A smoother is a JSON file of ``steps``, with ``fitted`` (on what, with which
numbers) where ``--fit`` made it.
"""

from pathlib import Path

import numpy as np

from sedsep.errors import UserError
from sedsep.files import read_json, write_json
from sedsep.scores.directory import ClipScores, ScoreSet
from sedsep.scores.steps import STEPS, smoothed


def smooth(score_set: ScoreSet, steps: list) -> ScoreSet:
    """Apply smoothing steps in order; the result lists them after those applied before, as scores.json names them.

    Raises:
        UserError: a step is not a legal one, or the scores are not on a regular grid of frames.
    """
    frame_seconds = score_set.frame_seconds
    by_length, found = {}, {}
    for name, clip in score_set.clips.items():
        by_length.setdefault(len(clip.scores), []).append(name)
    for names in by_length.values():
        scores = np.stack([score_set.clips[name].scores for name in names])
        found.update(zip(names, smoothed(scores, frame_seconds, steps, score_set.classes)))
    clips = {name: ClipScores(clip.boundaries, found[name]) for name, clip in score_set.clips.items()}
    return score_set.with_clips(clips, {"postprocess": [*score_set.info.get("postprocess", []), *steps]})


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
    result = smooth(score_set, smoother["steps"])
    done = f"{out}: {len(result.clips)} clips, {', '.join(step['name'] for step in smoother['steps'])}"
    if "fitted" in smoother:
        record = dict(smoother["fitted"])
        record["tuned_clips_here"] = len(set(record.pop("tuned_on")) & set(score_set.clips))
        result = result.with_clips(result.clips, {"fitted": record})
        if record["tuned_clips_here"]:
            done += f"; the smoother was tuned on {record['tuned_clips_here']} of them: no test of it"
    result.write(out)
    return done
