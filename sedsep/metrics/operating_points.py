"""PSDS of operating points from per-clip counts: as psds_eval counts, for any weights of the clips at once.

One pass judges the events of each operating point; PSDS of the set, and of each resample of its clips in a
bootstrap, then follow from sums. Equal to psds_eval but where an overlap is exactly at a threshold: here it
passes, there floating point decides (DESED's validation set has a few, which move PSDS by less than 5e-5).
"""

import numpy as np
from scipy import sparse

from sedsep.metrics.event_arrays import EventArrays
from sedsep.metrics.intersection import judge
from sedsep.metrics.psd_roc import Setting, psds_of_curves, staircase

HOUR = 3600.0


class PointCounts:
    """Counts of P operating points by clip, for one choice of dtc, gtc and cttc.

    Args:
        operating_points: P tables of events. reference: table of events.
        durations: filename -> seconds. classes: C names. dtc, gtc, cttc: shares.
    """

    def __init__(self, operating_points, reference, durations, classes, dtc, gtc, cttc):
        filenames, self.n_classes, self.n_points = list(durations), len(classes), len(operating_points)
        self.seconds = np.array([durations[name] for name in filenames], float)
        references = EventArrays.from_table(reference, filenames, classes, "reference events").with_duration()
        lengths = np.bincount(
            references.clip * self.n_classes + references.label,
            references.offset - references.onset,
            len(filenames) * self.n_classes,
        )
        self.n_references = references.count(len(filenames), self.n_classes)
        self.reference_seconds = lengths.reshape(self.n_references.shape)
        found, superfluous, triggers = [], [], []
        for point, table in enumerate(operating_points):
            detections = EventArrays.from_table(table, filenames, classes, "estimated events").with_duration()
            verdict = judge(detections, references, self.seconds, dtc, gtc, cttc, self.n_classes)
            row = point * self.n_classes
            found.append((row + references.label[verdict.found], references.clip[verdict.found]))
            wrong = verdict.false_positive
            superfluous.append((row + detections.label[wrong], detections.clip[wrong]))
            by = verdict.trigger_detection
            cell = (row + detections.label[by]) * self.n_classes + verdict.trigger_class
            triggers.append((cell, detections.clip[by]))
        shape = (self.n_points * self.n_classes, len(filenames))
        self.found, self.superfluous = _matrix(found, shape), _matrix(superfluous, shape)
        # Of the C * C pairs of classes at each point only those that occur have a row.
        cells, rows = np.unique(np.concatenate([cell for cell, _ in triggers]), return_inverse=True)
        clips = np.concatenate([clip for _, clip in triggers])
        self.triggers = _matrix([(rows, clips)], (len(cells), len(filenames)))
        self.trigger_class = cells % self.n_classes
        self.trigger_row = _matrix([(cells // self.n_classes, np.arange(len(cells)))], (shape[0], len(cells)))

    def psds(self, setting: Setting, weights=None) -> np.ndarray:
        """PSDS of each row of ``weights (n, n_clips)``, or of the clips as they are: ``(n,)``."""
        weights = np.ones((1, len(self.seconds))) if weights is None else weights
        references, hours = weights @ self.n_references, weights @ self.seconds / HOUR
        shape = (self.n_points, self.n_classes, len(weights))
        tpr = (self.found @ weights.T).reshape(shape)
        efpr = (self.superfluous @ weights.T).reshape(shape) / hours
        if setting.alpha_ct:
            reference_hours = (weights @ self.reference_seconds / HOUR).T[self.trigger_class]
            # A class that a resample lacks has no references to trigger, so its count is 0 too.
            rates = (self.triggers @ weights.T) / np.maximum(reference_hours, 1e-12)
            known = np.maximum((references > 0).sum(1), 1)
            others = np.maximum(known - 1, 1)
            efpr = efpr + setting.trigger_weight(known) * (self.trigger_row @ rates).reshape(shape) / others
        return np.array([self._psds(setting, tpr[..., i], efpr[..., i], row) for i, row in enumerate(references)])

    def _psds(self, setting, found, efpr, references) -> float:
        curves = [
            staircase(efpr[:, c], found[:, c] / references[c]) if references[c] else None for c in range(self.n_classes)
        ]
        return psds_of_curves(curves, setting).value if references.any() else np.nan


def _matrix(entries, shape):
    """Sparse counts from a list of ``(rows, columns)``."""
    rows = np.concatenate([row for row, _ in entries])
    columns = np.concatenate([column for _, column in entries])
    return sparse.coo_array((np.ones(len(rows)), (rows, columns)), shape=shape).tocsr()
