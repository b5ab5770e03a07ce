"""Selection: the numbers by which the best epoch of a detector is chosen.

Source: DCASE 2021 task 4 baseline: macro F1 of the weak scores + intersection F1 of the strong ones, at 0.5.
"""

from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

import numpy as np

from sedsep.config import Range
from sedsep.labels import events_table
from sedsep.metrics.event_f1 import event_f1
from sedsep.metrics.intersection import intersection_f1
from sedsep.metrics.tagging import tagging_f1
from sedsep.scores.events import decode
from sedsep.scores.median import median_filter


@dataclass(frozen=True)
class Selection:
    """How the best epoch is chosen: macro weak F1 + a strong F1, both at threshold 0.5.

    Args:
        strong: "intersection" F1 as published (a class without true positives drops out, so that a detector which
            knows few classes can win), "intersection_zero" (such a class counts 0), or "event" (collar) F1.
        median: seconds of the median filter over the scores; also the model's own smoothing.
    """

    strong: Literal["intersection", "intersection_zero", "event"] = "intersection"
    median: Annotated[float, Range(0)] = 0.448

    def smoothing(self) -> list:
        """The model's own smoothing."""
        return [{"name": "median", "seconds": self.median}] if self.median else []


def detection_metrics(system, loaders: dict, settings: Selection) -> dict:
    """Metrics of every variant of a detector.

    Args:
        system: has ``variants``, ``detect``, ``grid`` and ``classes``.
        loaders: "strong" gives batches with strong labels, "weak" (optional) with weak ones.

    Returns:
        ``{variant: {"weak_f1": ..., "<strong>_f1": ..., "objective": their sum}}``; a metric is 0 where nothing
        right was found.
    """
    metrics = {variant: {} for variant in system.variants}
    if "weak" in loaders:
        for variant, value in _weak_f1(system, loaders["weak"]).items():
            metrics[variant]["weak_f1"] = value
    for variant, value in _strong_f1(system, loaders["strong"], settings).items():
        metrics[variant][f"{settings.strong}_f1"] = value
    return {variant: {**values, "objective": sum(values.values())} for variant, values in metrics.items()}


def _weak_f1(system, loader):
    labels, scores = [], {variant: [] for variant in system.variants}
    for batch in loader:
        waveform = batch.mixture.to(system.device)
        labels.append(batch.weak.numpy())
        for variant, found in scores.items():
            found.append(system.detect(waveform, variant).weak.cpu().numpy())
    truth = np.concatenate(labels)
    return {variant: tagging_f1(np.concatenate(found), truth).macro for variant, found in scores.items()}


def _strong_f1(system, loader, settings):
    frames = max(1, round(settings.median / system.grid.frame_seconds))
    clips, truth = {variant: {} for variant in system.variants}, []
    for batch in loader:
        waveform = batch.mixture.to(system.device)
        truth += [(name, *event) for name, events in zip(batch.ids, batch.events) for event in events]
        for variant, found in clips.items():
            scores = system.detect(waveform, variant).strong.cpu().numpy()
            boundaries = system.grid.boundaries(scores.shape[1])
            for name, clip in zip(batch.ids, scores):
                found[name] = Scores(boundaries, median_filter(clip, frames))
    reference, values = events_table(truth), {}
    for variant, found in clips.items():
        (events,) = decode(found, system.classes, [0.5])
        score = event_f1 if settings.strong == "event" else intersection_f1
        f1 = score(events, reference, tuple(system.classes))
        values[variant] = float(np.nan_to_num(f1.macro_zero if settings.strong == "intersection_zero" else f1.macro))
    return values


class Scores(NamedTuple):
    """One clip for ``decode``: ``boundaries (L'+1,)`` in seconds, ``scores (L', C)``."""

    boundaries: np.ndarray
    scores: np.ndarray
