"""Tune: fit smoothing on one half of a validation set, and say what it is worth on the other.

Source: Cornell et al., DCASE 2020 (files shuffled and split in halves; objective: macro event F1 at threshold
0.5). Their objective is a mean over classes that are tied by the silence probability alone, so for each value of
it the classes are searched one by one: ``separable``. Their own search, ``forest``, is kept for their table.
Reference events are the annotated ones (theirs were rounded to frames).
"""

from dataclasses import dataclass

import numpy as np

from sedsep.engine import checkpoint
from sedsep.errors import UserError, nearest
from sedsep.evaluate.score import output, truth
from sedsep.evaluate.score.halves import halves as names_of_halves
from sedsep.evaluate.score.unit import PER_CENT
from sedsep.evaluate.smooth.forest import minimise
from sedsep.evaluate.smooth.smooth import smooth, write_smoother
from sedsep.files import clip_id
from sedsep.metrics.event_f1 import event_f1
from sedsep.scores.directory import ScoreSet
from sedsep.scores.events import decode
from sedsep.scores.steps import by_class

THRESHOLD = 0.5
# Both probabilities to stay, equally spaced in log-odds as the HMM's cost is; 9 is 0.99988.
LOG_ODDS_SILENCE = np.linspace(0.0, 9.0, 12)
LOG_ODDS_EVENT = np.linspace(-2.0, 9.0, 15)
FOREST_EVALUATIONS = 200
THRESHOLDS = np.arange(0.02, 1, 0.02)
MEDIAN_FRAMES = (1, 3, 5, 7, 9, 11, 15, 19, 25, 31, 41, 51, 71)


@dataclass(frozen=True)
class Part:
    """Scores and reference events of some clips of a validation set; ids of ``scores`` are the filenames."""

    scores: ScoreSet
    reference: object

    def class_f1(self, steps: list) -> np.ndarray:
        """Event F1 of each class after ``steps``, ``(C,)``; NaN for a class without reference events."""
        smoothed = smooth(self.scores, steps) if steps else self.scores
        (found,) = decode(smoothed.clips, smoothed.classes, [THRESHOLD])
        return event_f1(found, self.reference, smoothed.classes, list(smoothed.clips)).per_class


def halves(scores: ScoreSet, reference, seed: int = 0):
    """Split the clips at random into the half to tune on and the half to report on."""
    chosen = names_of_halves(scores.clips, seed)
    return [Part(scores.subset(part), reference[reference["filename"].isin(part)]) for part in chosen]


def fit(source, data, tuner: str = "separable", after: list = (), seed: int = 0):
    """Tune smoothing of the score directory ``source`` on the set ``data`` that it was decoded from.

    Args:
        tuner: "median" (a length per class), "separable" or "forest" (an HMM per class), or "threshold" (one per
            class), without which what an HMM gains is overstated: it moves thresholds, too.
        after: steps that follow the tuned one; they are part of what is tuned.

    Returns:
        The steps, and what to keep with them: tuner, data with fingerprint, the clips tuned on, and the event F1
        before and after on both halves.

    Raises:
        UserError: an unknown tuner; scores and set differ in clips or classes; the set has no strong labels, or
            too few clips to be split.
    """
    if tuner not in TUNERS:
        raise UserError(f"unknown tuner {tuner!r}{nearest(tuner, TUNERS)}; known: {', '.join(TUNERS)}")
    scores, reference = labelled(source, data)
    tuned, held_out = halves(scores, reference.events, seed)
    for part in (tuned, held_out):
        if part.reference.empty:
            raise UserError(f"{data}: half of the clips have no events; a set to tune on needs more of them")
    steps = [TUNERS[tuner](tuned, list(after), seed), *after]
    f1 = {
        name: {when: round(_mean(part.class_f1(what)), 6) for when, what in (("before", []), ("after", steps))}
        for name, part in (("tuned_half", tuned), ("held_out_half", held_out))
    }
    fitted = {
        "tuner": tuner,
        "data": str(data),
        "fingerprint": reference.fingerprint("events"),
        "seed": seed,
        "threshold": THRESHOLD,
        "event_f1": f1,
        "tuned_on": [clip_id(name) for name in tuned.scores.clips],
    }
    return steps, fitted


def fit_smoother(
    path, source, data, tuner: str = "separable", after: list = (), seed: int = 0, model=None
) -> str:  # fmt: skip
    """:func:`fit`, written as the smoother ``path`` and into the file ``model``; returns what was gained, in a line."""
    steps, fitted = fit(source, data, tuner, after, seed)
    write_smoother(path, steps, fitted)
    if model:
        checkpoint.keep_smoothing(model, steps)
    gains = [[PER_CENT.text(f1[when]) for when in ("before", "after")] for f1 in fitted["event_f1"].values()]
    tuned, held_out = map(" to ".join, gains)
    return f"{path}: macro event F1 at {THRESHOLD:g}: tuned half {tuned}, held out half {held_out}"


def labelled(source, data):
    """Scores by filename with the ground truth of the set that they were decoded from, clip for clip."""
    found, reference = output.read(truth.from_directory(data), scores=source)
    if found.scores is None:
        raise UserError(f"{source}: holds no scores, only separated sources")
    if reference.events is None:
        raise UserError(f"{data}: has no strong labels; fitting needs strong.tsv")
    if found.missing:
        raise UserError(f"{source}: {len(found.missing)} clips of {data} are missing: {truth.few(found.missing)}")
    return ScoreSet(reference.classes.names, found.scores, found.weak), reference


def tune_median(part: Part, after: list, seed: int = 0) -> dict:
    """A median length per class, each the best of its own."""
    frame = part.scores.frame_seconds
    lengths = np.array([frames * frame for frames in MEDIAN_FRAMES])
    f1 = np.stack([part.class_f1([{"name": "median", "seconds": float(s)}, *after]) for s in lengths])
    return {"name": "median", "seconds": by_class(part.scores.classes, lengths[_best(f1)])}


def tune_threshold(part: Part, after: list, seed: int = 0) -> dict:
    """A threshold per class, each the best of its own."""
    name, classes = "threshold", part.scores.classes
    f1 = np.stack([part.class_f1([{"name": name, "at": float(at)}, *after]) for at in THRESHOLDS])
    return {"name": name, "at": by_class(classes, THRESHOLDS[_best(f1)])}


def tune_separable(part: Part, after: list, seed: int = 0) -> dict:
    """An HMM per class: for each silence probability the best event probability per class; then finer, twice."""
    silence, event = _search(part, after, LOG_ODDS_SILENCE, LOG_ODDS_EVENT[:, None])
    for step in (0.4, 0.2):
        around = step * np.array([-1, 0, 1])
        silence, event = _search(part, after, silence + around, event + around[:, None])
    return _hmm(part.scores.classes, silence, event)


def _search(part, after, silence, event):
    """Best of the log-odds ``silence (n,)`` with the best of ``event (m, C)`` or ``(m, 1)`` for each class."""
    found = []
    for candidate in silence:
        f1 = np.stack([part.class_f1([_hmm(part.scores.classes, candidate, row), *after]) for row in event])
        chosen = _best(f1)[None]
        best = np.take_along_axis(np.broadcast_to(event, f1.shape), chosen, 0)[0]
        found.append((_mean(np.take_along_axis(f1, chosen, 0)), candidate, best))
    return max(found, key=lambda entry: entry[0])[1:]


def tune_forest(part: Part, after: list, seed: int = 0) -> dict:
    """The paper's search: silence and C event probabilities at once, each in [0.01, 0.999]."""

    def step(point):
        odds = np.log(point / (1 - point))
        return _hmm(part.scores.classes, odds[0], odds[1:])

    n = 1 + len(part.scores.classes)

    def loss(point):
        return 1 - _mean(part.class_f1([step(point), *after]))

    point, _ = minimise(loss, [0.01] * n, [0.999] * n, FOREST_EVALUATIONS, seed=seed)
    return step(point)


TUNERS = {"separable": tune_separable, "forest": tune_forest, "median": tune_median,
          "threshold": tune_threshold}  # fmt: skip


def _hmm(classes, silence, event) -> dict:
    """HMM step from log-odds to stay. A chain that would rather change than stay becomes one without memory."""
    events = np.broadcast_to(np.maximum(event, -silence), len(classes))
    stay_silence, *stay_event = 1 / (1 + np.exp(-np.array([silence, *events])))
    return {"name": "hmm", "stay_silence": float(stay_silence), "stay_event": by_class(classes, stay_event)}


def _best(f1):
    """Row of the best of candidates ``(n, C)`` for each class; a class without events takes the others' best."""
    known = ~np.isnan(f1).any(0)
    return np.where(known, np.where(known, f1, 0).argmax(0), f1[:, known].mean(1).argmax())


def _mean(f1) -> float:
    """Mean over the classes that have events."""
    return float(np.nanmean(f1))
