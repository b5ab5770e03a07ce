"""Exact PSDS: over every threshold that the scores have.

Sources: Bilen et al. (ICASSP 2020) for PSDS; Ebbers, Serizel and Haeb-Umbach (ICASSP 2022) for the area over all
thresholds. Counted class by class, so memory is that of one class; cross-triggers enter as they are found, each
with its weight in the effective false positive rate, so there is no table of pairs of classes.

Conventions: strict ``score > threshold``; times rounded to a microsecond; a share that is met exactly is met;
clips without events count their duration; a clip without scores has no detections; a class without reference
events is left out of all means, as psds_eval does whose classes are those of the ground truth.
"""

import numpy as np

from sedsep.errors import UserError
from sedsep.metrics.all_thresholds import count_class
from sedsep.metrics.event_arrays import EventArrays, microseconds
from sedsep.metrics.psd_roc import psds_of_curves, staircase

HOUR = 3600e6


class ExactPsds:
    """Scores and references made ready once, for any settings and any weights of the clips.

    Args:
        scores: filename -> object with ``boundaries (L'+1,)`` in seconds and ``scores (L', C)``.
        reference: table of events. durations: filename -> seconds. classes: C names.

    Raises:
        UserError: no reference events, or a clip or class that is not in the lists.
    """

    def __init__(self, scores, reference, durations, classes):
        filenames = list(durations)
        unknown = [name for name in scores if name not in durations]
        if unknown:
            raise UserError(f"scores of unknown clip {unknown[0]!r}")
        self.n_classes = len(classes)
        self.durations = microseconds([durations[name] for name in filenames])
        references = EventArrays.from_table(reference, filenames, classes, "reference events").with_duration()
        if not len(references):
            raise UserError("PSDS needs reference events; the ground truth has none")
        self.references = references
        self.reference_onset, self.reference_offset = microseconds(references.onset), microseconds(references.offset)
        self.reference_of_clip = np.searchsorted(references.clip, np.arange(len(filenames) + 1))
        self.clips = [scores[name] if name in scores else None for name in filenames]
        lengths = [0 if clip is None else len(clip.scores) for clip in self.clips]
        self.frame_of_clip = np.concatenate([[0], np.cumsum(lengths)])
        self.time_of_clip = self.frame_of_clip + np.arange(len(filenames) + 1)
        # A clip without scores keeps one boundary, so that every clip has one more than frames.
        times = [np.zeros(1) if clip is None else clip.boundaries for clip in self.clips]
        self.times = microseconds(np.concatenate(times))

    def psds(self, settings, weights=None) -> dict:
        """PSDS for each setting.

        Args:
            settings: :class:`sedsep.metrics.psd_roc.Setting` s.
            weights: ``(n_clips,)`` whole numbers, how often each clip counts in a resample; the default is once.

        Returns:
            setting's name -> :class:`sedsep.metrics.psd_roc.Psds`.
        """
        n_clips = len(self.durations)
        weights = np.ones(n_clips, np.int64) if weights is None else np.asarray(weights).astype(np.int64)
        of_reference = weights[self.references.clip]
        n_references = np.bincount(self.references.label, of_reference, self.n_classes)
        lengths = (self.reference_offset - self.reference_onset) * of_reference
        hours = np.bincount(self.references.label, lengths, self.n_classes) / HOUR
        others = max((n_references > 0).sum() - 1, 1)
        trigger_weight = np.divide(1 / others, hours, out=np.zeros(self.n_classes), where=hours > 0)
        curves = [
            self._curves(label, settings, weights, trigger_weight, n_references[label])
            for label in range(self.n_classes)
        ]
        return {s.name: psds_of_curves([of[i] for of in curves], s) for i, s in enumerate(settings)}

    def _curves(self, label, settings, weights, trigger_weight, n_references) -> list:
        """The staircase of one class for each setting; None without references."""
        if not n_references:
            return [None] * len(settings)
        track = [clip.scores[:, label] for clip in self.clips if clip is not None]
        values, ranks = np.unique(np.concatenate(track or [np.zeros(0)]), return_inverse=True)
        shape = (len(settings), len(values))
        found, superfluous, triggers = np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(shape)
        criteria = np.array([(s.dtc, s.gtc, s.cttc if s.alpha_ct else np.inf) for s in settings])
        count_class(
            label, ranks, self.frame_of_clip, self.times, self.time_of_clip, weights, self.durations,
            self.reference_of_clip, self.references.label, self.reference_onset, self.reference_offset,
            criteria, trigger_weight, found, superfluous, triggers,
        )  # fmt: skip
        hours = (self.durations * weights).sum() / HOUR
        alpha = np.array([[setting.alpha_ct] for setting in settings])
        efpr = _from_the_top(superfluous) / hours + alpha * _from_the_top(triggers)
        # The sum of weights of triggers that came and went leaves rounding errors, which would split equal rates.
        efpr = np.round(np.maximum(efpr, 0), 9)
        tpr = _from_the_top(found) / n_references
        # Most thresholds have more false positives than the area looks at; without them there is little to sort.
        inside = efpr < np.array([[setting.max_efpr] for setting in settings])
        return [staircase(x[kept], y[kept]) for x, y, kept in zip(efpr, tpr, inside)]


def _from_the_top(changes):
    """Counts at each level from the changes, highest level first: ``(S, K)``."""
    return np.cumsum(changes[:, ::-1], axis=1)


def exact_psds(scores, reference, durations, classes, settings) -> dict:
    """Exact PSDS of a system: setting's name -> :class:`sedsep.metrics.psd_roc.Psds`; see :class:`ExactPsds`."""
    return ExactPsds(scores, reference, durations, classes).psds(settings)
