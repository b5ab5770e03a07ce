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
from sedsep.metrics.all_thresholds import FOUND, SUPERFLUOUS, changes_of_class, most_changes
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
        self.reference_onset, self.reference_offset = (microseconds(references.onset), microseconds(references.offset))
        self.reference_of_clip = np.searchsorted(references.clip, np.arange(len(filenames) + 1))
        self.clips = [scores.get(name) for name in filenames]
        lengths = [0 if clip is None else len(clip.scores) for clip in self.clips]
        self.frame_of_clip = np.concatenate([[0], np.cumsum(lengths)])
        self.time_of_clip = self.frame_of_clip + np.arange(len(filenames) + 1)
        # A clip without scores keeps one boundary, so that every clip has one more than frames.
        times = [np.zeros(1) if clip is None else clip.boundaries for clip in self.clips]
        self.times = microseconds(np.concatenate(times))

    def psds(self, settings) -> dict:
        """PSDS for each setting: setting's name -> :class:`sedsep.metrics.psd_roc.Psds`."""
        return {name: found[0] for name, found in self._psds(settings, np.ones((1, len(self.durations)))).items()}

    def replicates(self, settings, weights) -> dict:
        """PSDS of resamples: setting's name -> ``(n,)``; ``weights (n, n_clips)``: how often each clip counts."""
        found = self._psds(settings, weights)
        return {name: np.array([np.nan if one is None else one.value for one in of]) for name, of in found.items()}

    def _psds(self, settings, weights) -> dict:
        """A list of PSDS, one for each row of weights, None where a resample has no references."""
        references = self.references
        of_reference = weights[:, references.clip]
        onehot = references.label[:, None] == np.arange(self.n_classes)
        n_references = of_reference @ onehot
        hours = (of_reference * (self.reference_offset - self.reference_onset)) @ onehot / HOUR
        n_known = np.maximum((n_references > 0).sum(1), 1)
        others = np.maximum(n_known - 1, 1)[:, None]
        trigger_weight = np.divide(1 / others, hours, out=np.zeros_like(hours), where=hours > 0)
        # curves[label][setting][row of weights]
        curves = [
            self._curves(label, settings, weights, trigger_weight, n_references[:, label], n_known)
            for label in range(self.n_classes)
        ]
        return {
            setting.name: [
                psds_of_curves([of[s][row] for of in curves], setting) if n_references[row].any() else None
                for row in range(len(weights))
            ]
            for s, setting in enumerate(settings)
        }

    def _curves(self, label, settings, weights, trigger_weight, n_references, n_known) -> list:
        """One class's staircase for each setting and row of weights; None without references."""
        if not n_references.any():
            return [[None] * len(weights)] * len(settings)
        track = [clip.scores[:, label] for clip in self.clips if clip is not None]
        values, ranks = np.unique(np.concatenate(track or [np.zeros(0)]), return_inverse=True)
        hours = weights @ self.durations / HOUR
        curves = []
        for setting in settings:
            kind, clip, level, amount = self._changes(label, ranks, len(values), setting)
            # Only levels at which something changes, highest first.
            present = np.zeros(len(values), bool)
            present[level] = True
            place = np.cumsum(present[::-1])[::-1][level] - 1
            n_levels = present.sum()
            parts = [np.flatnonzero(kind == FOUND), np.flatnonzero(kind == SUPERFLUOUS), np.flatnonzero(kind >= 0)]
            of_setting = []
            for row in range(len(weights)):
                if not n_references[row]:
                    of_setting.append(None)
                    continue
                change = amount * weights[row, clip]
                change[parts[2]] *= trigger_weight[row, kind[parts[2]]]
                found, superfluous, triggers = (
                    np.cumsum(np.bincount(place[part], change[part], n_levels)) for part in parts
                )
                efpr = superfluous / hours[row] + setting.trigger_weight(n_known[row]) * triggers
                # Sums of weights that came and went leave rounding errors, which would split equal rates.
                efpr = np.round(np.maximum(efpr, 0), 9)
                # Most thresholds have more false positives than the area looks at; the rest is quick to sort.
                inside = efpr < setting.max_efpr
                of_setting.append(staircase(efpr[inside], found[inside] / n_references[row]))
            curves.append(of_setting)
        return curves

    def _changes(self, label, ranks, n_levels, setting):
        """Kind, clip, level and amount of each change of one class's counts."""
        most = most_changes(self.frame_of_clip, self.reference_of_clip, self.references.label)
        kind, clip, level, amount = (np.empty(most, np.int32) for _ in range(4))
        n = changes_of_class(
            label, ranks, n_levels, self.frame_of_clip, self.times, self.time_of_clip, self.durations,
            self.reference_of_clip, self.references.label, self.reference_onset, self.reference_offset,
            setting.dtc, setting.gtc, setting.cttc if setting.alpha_ct else np.inf, kind, clip, level, amount,
        )  # fmt: skip
        return kind[:n], clip[:n], level[:n], amount[:n]


def exact_psds(scores, reference, durations, classes, settings) -> dict:
    """Exact PSDS of a system: setting's name -> :class:`sedsep.metrics.psd_roc.Psds`; see :class:`ExactPsds`."""
    return ExactPsds(scores, reference, durations, classes).psds(settings)
