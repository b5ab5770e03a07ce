"""Intersection criteria: which events are found, superfluous or cross-triggered by how much they overlap.

Source: Bilen et al., "A framework for the robust evaluation of sound event detection" (ICASSP 2020), as counted by
psds_eval 0.5.3. A detection is relevant when references of its class cover at least ``dtc`` of it; a reference is
found when relevant detections cover at least ``gtc`` of it; any other detection is a false positive, and also a
cross-trigger of each other class whose references cover at least ``cttc`` of it.
"""

from dataclasses import dataclass

import numpy as np

from sedsep.metrics.counts import F1, Counts, summary
from sedsep.metrics.event_arrays import EventArrays, microseconds, pairs

# Microseconds are whole numbers below 2**53, so a sum of overlaps is exact and only `share * duration` is rounded.
ROUNDING = 1e-3


@dataclass(frozen=True)
class Judgement:
    """What the criteria say of each event.

    Args:
        found: ``(G,)`` per reference. relevant: ``(D,)`` per detection (DTC).
        false_positive: ``(D,)``; a detection that lies wholly outside its clip is none.
        trigger_detection, trigger_class: one entry for each detection and other class that it triggers.
    """

    found: np.ndarray
    relevant: np.ndarray
    false_positive: np.ndarray
    trigger_detection: np.ndarray
    trigger_class: np.ndarray


def judge(detections: EventArrays, references: EventArrays, durations, dtc, gtc, cttc, n_classes) -> Judgement:
    """Apply the criteria.

    Args:
        detections, references: of positive duration; references of a class do not overlap.
        durations: ``(n_clips,)`` seconds. dtc, gtc, cttc: shares in [0, 1]. n_classes: C.
    """
    onset, offset = microseconds(detections.onset), microseconds(detections.offset)
    reference_onset, reference_offset = microseconds(references.onset), microseconds(references.offset)
    d, g = pairs(detections.clip, references.clip)
    overlap = np.minimum(offset[d], reference_offset[g]) - np.maximum(onset[d], reference_onset[g])
    d, g, overlap = d[overlap > 0], g[overlap > 0], overlap[overlap > 0]
    same = detections.label[d] == references.label[g]
    n_detections, n_references = len(detections), len(references)

    covered = np.bincount(d[same], overlap[same], n_detections)
    touched = np.bincount(d[same], minlength=n_detections) > 0
    relevant = touched & (covered >= dtc * (offset - onset) - ROUNDING)
    counts = same & relevant[d]
    found = np.bincount(g[counts], overlap[counts], n_references)
    seen = np.bincount(g[counts], minlength=n_references) > 0
    found = seen & (found >= gtc * (reference_offset - reference_onset) - ROUNDING)

    inside = (onset < microseconds(durations)[detections.clip]) & (offset > 0)
    other = ~same & ~relevant[d]
    cell, where = np.unique(d[other] * n_classes + references.label[g[other]], return_inverse=True)
    detection, label = cell // n_classes, cell % n_classes
    triggered = np.bincount(where, overlap[other], len(cell)) >= cttc * (offset - onset)[detection] - ROUNDING
    return Judgement(found, relevant, ~relevant & inside, detection[triggered], label[triggered])


def intersection_counts(estimated, reference, durations, classes, dtc=0.5, gtc=0.5) -> Counts:
    """Found references, false positives and missed references of each clip and class: arrays ``(n_clips, C)``.

    Args:
        estimated, reference: tables of events. durations: filename -> seconds. classes: names in order.

    Raises:
        UserError: an event of an unknown clip or class.
    """
    filenames, n_classes = list(durations), len(classes)
    detections = EventArrays.from_table(estimated, filenames, classes, "estimated events").with_duration()
    references = EventArrays.from_table(reference, filenames, classes, "reference events").with_duration()
    seconds = np.array([durations[name] for name in filenames], float)
    verdict = judge(detections, references, seconds, dtc, gtc, 1.0, n_classes)
    tp = references.where(verdict.found).count(len(filenames), n_classes)
    fp = detections.where(verdict.false_positive).count(len(filenames), n_classes)
    return Counts(tp, fp, references.count(len(filenames), n_classes) - tp)


def intersection_f1(estimated, reference, classes, durations=None, dtc=0.5, gtc=0.5) -> F1:
    """Intersection F1 of a system; psds_eval's macro F1 is ``macro``.

    As published, a class without true positives has no F1 and drops out of ``macro``, which raises it;
    ``macro_zero`` counts such a class as 0. Cross-triggers are false positives already, so that ``cttc`` would
    change nothing.

    Args:
        durations: filename -> seconds; the default is the clips of both tables, as long as they need to be.
    """
    if durations is None:
        durations = dict.fromkeys([*reference["filename"], *estimated["filename"]], 1e6)
    total = intersection_counts(estimated, reference, durations, classes, dtc, gtc).total()
    return summary(total, published_classes(total))


def published_classes(total: Counts) -> np.ndarray:
    """Which classes the published macro mean is taken over: ``(..., C)`` booleans."""
    return total.tp > 0
