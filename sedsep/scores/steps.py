"""Smoothing steps: scores -> scores, each said in plain data.

A step is a dict with a name and parameters in seconds or probabilities, each one number or a number per class
name:

    {"name": "median", "seconds": 0.448}
    {"name": "threshold", "at": {"Cat": 0.3}}        what is above it comes to lie above 0.5
    {"name": "hmm", "stay_silence": 0.9, "stay_event": {"Cat": 0.95, "Dog": 0.9}}
    {"name": "min_length", "seconds": 0.25}          drop shorter runs
    {"name": "merge_gap", "seconds": {"Cat": 0.15}}  fill shorter gaps; a class that is not named is left alone
"""

import math

import numpy as np

from sedsep.errors import UserError, nearest
from sedsep.scores.hmm import hmm_smooth
from sedsep.scores.median import median_filter
from sedsep.scores.segments import drop_short, fill_gaps
from sedsep.scores.thresholds import to_half


def smoothed(scores: np.ndarray, frame_seconds: float, steps: list, classes) -> np.ndarray:
    """Scores ``(B, L', C)`` through steps in their order. Raises UserError for a step that is not a legal one."""
    for apply in [operation(step, classes) for step in steps]:
        scores = apply(scores, frame_seconds)
    return scores


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


def _threshold(scores, frame_seconds, at):
    return to_half(scores, at)


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
    "threshold": (_threshold, {"at": 0.5}),
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
