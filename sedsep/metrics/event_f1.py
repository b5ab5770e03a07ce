"""Event F1 with collars: an event is found when its onset and offset are where they should be.

Source: Mesaros, Heittola and Virtanen, "Metrics for polyphonic sound event detection" (2016); the rules are those
of sed_eval 0.2.1. An estimate may match a reference of its class and clip when the onsets differ by at most
``onset_collar`` seconds and the offsets by at most the larger of ``offset_collar`` seconds and ``offset_share`` of
the reference's length; the largest one-to-one matching counts. A class without reference events has no recall:
published tables leave it out of the macro mean, however much was detected of it.
"""

import numpy as np

from sedsep.metrics.counts import F1, Counts, summary
from sedsep.metrics.event_arrays import EventArrays, pairs


def event_f1(
    estimated, reference, classes, filenames=None, onset_collar=0.2, offset_collar=0.2, offset_share=0.2
) -> F1:
    """Collar F1 of a system.

    Args:
        estimated, reference: tables of events (:func:`sedsep.labels.events_table`).
        classes: names in order.
        filenames: the clips; the default is those of both tables.
        onset_collar, offset_collar: seconds. offset_share: share of the reference's length.

    >>> from sedsep.labels import events_table
    >>> truth = events_table([("a.wav", 1.0, 2.0, "Cat"), ("a.wav", 5.0, 6.0, "Cat")])
    >>> found = events_table([("a.wav", 1.1, 2.15, "Cat"), ("a.wav", 5.3, 6.0, "Cat")])
    >>> event_f1(found, truth, ["Cat"]).macro
    0.5
    """
    if filenames is None:
        filenames = list(dict.fromkeys([*reference["filename"], *estimated["filename"]]))
    counts = event_counts(estimated, reference, filenames, classes, onset_collar, offset_collar, offset_share)
    total = counts.total()
    return summary(total, published_classes(total))


def published_classes(total: Counts) -> np.ndarray:
    """Which classes the published macro mean is taken over: ``(..., C)`` booleans."""
    return total.reference > 0


def event_counts(
    estimated, reference, filenames, classes, onset_collar=0.2, offset_collar=0.2, offset_share=0.2
) -> Counts:
    """Matched, superfluous and missed events of each clip and class: arrays ``(n_clips, C)``.

    Raises:
        UserError: an event of an unknown clip or class.
    """
    filenames = list(filenames)
    estimates = EventArrays.from_table(estimated, filenames, classes, "estimated events")
    references = EventArrays.from_table(reference, filenames, classes, "reference events")
    n_clips, n_classes = len(filenames), len(classes)
    cell = references.clip * n_classes + references.label
    r, e = pairs(cell, estimates.clip * n_classes + estimates.label)
    length = references.offset[r] - references.onset[r]
    hit = np.abs(references.onset[r] - estimates.onset[e]) <= onset_collar
    hit &= np.abs(references.offset[r] - estimates.offset[e]) <= np.maximum(offset_collar, offset_share * length)
    matched = matching(r[hit], e[hit])
    tp = np.bincount(cell[matched], minlength=n_clips * n_classes).reshape(n_clips, n_classes)
    return Counts(tp, estimates.count(n_clips, n_classes) - tp, references.count(n_clips, n_classes) - tp)


def matching(left, right) -> np.ndarray:
    """Nodes of the left side in a largest matching of the bipartite graph with edges ``(left[i], right[i])``.

    Augmenting paths; the edges are few, because both sides are events of one clip and class within a collar.

    >>> matching(np.array([0, 0, 1]), np.array([5, 6, 5]))
    array([0, 1])
    """
    neighbours = {}
    for a, b in zip(np.asarray(left).tolist(), np.asarray(right).tolist()):
        neighbours.setdefault(a, []).append(b)
    partner = {}

    def augment(a, seen) -> bool:
        for b in neighbours[a]:
            if b not in seen:
                seen.add(b)
                if b not in partner or augment(partner[b], seen):
                    partner[b] = a
                    return True
        return False

    # Once a left node is matched it stays matched, so the nodes for which a path was found are the matching.
    return np.array([a for a in neighbours if augment(a, set())], int)
