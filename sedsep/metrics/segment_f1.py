"""Segment F1: which classes are active in each second.

Source: Mesaros, Heittola and Virtanen, "Metrics for polyphonic sound event detection" (2016); the rules are those
of sed_eval 0.2.1: an event covers the segments from the floor of its onset to the ceiling of its offset. A class
without reference segments has no recall, one without estimated segments no precision: published tables leave both
out of the macro mean.
"""

import numpy as np

from sedsep.metrics.counts import F1, Counts, summary
from sedsep.metrics.event_arrays import EventArrays


def segment_f1(estimated, reference, classes, filenames=None, segment=1.0) -> F1:
    """Segment F1 of a system; arguments as :func:`sedsep.metrics.event_f1.event_f1`, ``segment`` in seconds.

    >>> from sedsep.labels import events_table
    >>> truth, found = events_table([("a.wav", 0, 2, "Cat")]), events_table([("a.wav", 0.5, 1, "Cat")])
    >>> round(segment_f1(found, truth, ["Cat"]).macro, 3)
    0.667
    """
    if filenames is None:
        filenames = list(dict.fromkeys([*reference["filename"], *estimated["filename"]]))
    total = segment_counts(estimated, reference, filenames, classes, segment).total()
    return summary(total, published_classes(total))


def published_classes(total: Counts) -> np.ndarray:
    """Which classes the published macro mean is taken over: ``(..., C)`` booleans."""
    return (total.reference > 0) & (total.tp + total.fp > 0)


def segment_counts(estimated, reference, filenames, classes, segment=1.0) -> Counts:
    """Segments that are right, superfluous and missed, of each clip and class: arrays ``(n_clips, C)``.

    Raises:
        UserError: an event of an unknown clip or class.
    """
    filenames, n_classes = list(filenames), len(classes)
    estimates = EventArrays.from_table(estimated, filenames, classes, "estimated events")
    references = EventArrays.from_table(reference, filenames, classes, "reference events")
    last = max([0, *estimates.offset, *references.offset])
    n_segments = int(np.ceil(last / segment)) + 1
    found, present = (_segments(events, n_classes, n_segments, segment) for events in (estimates, references))
    both = np.intersect1d(found, present, assume_unique=True)

    def count(cells):
        of_clip = np.bincount(cells // n_segments, minlength=len(filenames) * n_classes)
        return of_clip.reshape(len(filenames), n_classes)

    tp = count(both)
    return Counts(tp, count(found) - tp, count(present) - tp)


def _segments(events, n_classes, n_segments, segment) -> np.ndarray:
    """Sorted distinct cells (clip, class, segment) in which the events are active."""
    first = np.floor(events.onset / segment).astype(int)
    width = np.ceil(events.offset / segment).astype(int) - first
    row = np.repeat((events.clip * n_classes + events.label) * n_segments + first, width)
    return np.unique(row + np.arange(len(row)) - np.repeat(np.cumsum(width) - width, width))
