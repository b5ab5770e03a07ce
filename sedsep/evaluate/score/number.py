"""A number with all that it takes to trust it: the metric's id, its value per class, its interval, its unit."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from sedsep.evaluate.score.unit import FRACTION, Unit
from sedsep.metrics.bootstrap import interval


@dataclass(frozen=True)
class Number:
    """One result.

    Args:
        name: as it is asked for, e.g. "psds1".
        id: name and every parameter; two numbers may be ranked only if their ids are equal.
        value: overall. per_class: ``(C,)``, NaN where a class has none; None for a number without classes.
        part: what of the ground truth it is measured against: "events", "tags" or "stems".
        unit: in what ``value`` is stored, and how it is shown.
        note: the rule for what is undefined, in words.
        replicates: ``(n,)`` values under resampling of the clips, or None.
        details: more entries for the file of results.
        per_clip: table with the columns filename, value and what else belongs to a clip, or None.
    """

    name: str
    id: str
    value: float
    per_class: np.ndarray = None
    part: str = "events"
    unit: Unit = FRACTION
    note: str = ""
    replicates: np.ndarray = None
    details: dict = field(default_factory=dict)
    per_clip: pd.DataFrame = None

    def as_json(self, classes, fingerprint: str, n_missing: int) -> dict:
        """What stands in the file of results; NaN becomes null."""
        entry = {
            "id": self.id,
            "value": plain(self.value),
            "unit": self.unit.stored,
            "shown_in": self.unit.name,
            "data": fingerprint,
            "missing_clips": n_missing,
        }
        if self.replicates is not None:
            entry["interval_95"] = [plain(bound) for bound in interval(self.replicates)]
            entry["replicates"] = [plain(value) for value in self.replicates]
        if self.per_class is not None:
            entry["per_class"] = dict(zip(classes, map(plain, self.per_class)))
        if self.note:
            entry["note"] = self.note
        return entry | self.details


def plain(value):
    """A float for JSON, which has no NaN."""
    return None if value is None or np.isnan(value) else round(float(value), 10)
