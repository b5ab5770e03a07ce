"""Events as arrays: the form in which every metric counts them.

Times stay in seconds as they were written. Where a criterion compares shares of durations, whole microseconds
are used (:func:`microseconds`), so that an overlap of exactly 70 % is not lost to floating point.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sedsep.errors import UserError
from sedsep.labels import EVENT_COLUMNS


@dataclass(frozen=True)
class EventArrays:
    """Events sorted by clip, class and onset; ``E`` events.

    Args:
        clip: ``(E,)`` index into the clips. label: ``(E,)`` index into the classes.
        onset: ``(E,)`` seconds. offset: ``(E,)`` seconds.
    """

    clip: np.ndarray
    label: np.ndarray
    onset: np.ndarray
    offset: np.ndarray

    def __len__(self):
        return len(self.clip)

    @classmethod
    def from_table(cls, table: pd.DataFrame, filenames, classes, what: str = "events") -> "EventArrays":
        """Take events from a table (:func:`sedsep.labels.events_table`); rows without a label are left out.

        Raises:
            UserError: a clip or a class that is not in the lists, or an event that ends before it begins.
        """
        table = table[table["event_label"].notna() & (table["event_label"] != "")]
        names = pd.Index(list(filenames))
        if not names.is_unique:
            raise UserError(f"{what}: filename {names[names.duplicated()][0]!r} is not unique among the clips")
        clip = names.get_indexer(table["filename"])
        label = pd.Index(list(classes)).get_indexer(table["event_label"])
        onset = table["onset"].to_numpy(float)
        offset = table["offset"].to_numpy(float)
        for wrong, column, complaint in ((clip < 0, "filename", "clip"), (label < 0, "event_label", "class")):
            if wrong.any():
                unknown = ", ".join(repr(name) for name in sorted(set(table[column][wrong]))[:5])
                raise UserError(f"{what}: unknown {complaint} {unknown}")
        if not (offset >= onset).all():
            row = table[EVENT_COLUMNS][~(offset >= onset)].iloc[0]
            raise UserError(f"{what}: {row.event_label} in {row.filename} ends at {row.offset} s, before its onset")
        order = np.lexsort((offset, onset, label, clip))
        return cls(clip[order], label[order], onset[order], offset[order])

    def with_duration(self) -> "EventArrays":
        """Without the events of zero duration, which the intersection criteria leave out."""
        return self.where(self.offset > self.onset)

    def where(self, chosen) -> "EventArrays":
        """The events that a boolean ``(E,)`` or an index array chooses."""
        return EventArrays(self.clip[chosen], self.label[chosen], self.onset[chosen], self.offset[chosen])

    def count(self, n_clips: int, n_classes: int) -> np.ndarray:
        """Events of each clip and class: ``(n_clips, C)`` integers."""
        cells = self.clip * n_classes + self.label
        return np.bincount(cells, minlength=n_clips * n_classes).reshape(n_clips, n_classes)


def pairs(first: np.ndarray, second: np.ndarray):
    """All pairs of equal keys of two sorted key arrays.

    Returns:
        Indices into ``first`` and into ``second``, ordered by the first.

    >>> pairs(np.array([0, 1, 1]), np.array([1, 1, 2]))
    (array([1, 1, 2, 2]), array([0, 1, 0, 1]))
    """
    begin = np.searchsorted(second, first, side="left")
    width = np.searchsorted(second, first, side="right") - begin
    left = np.repeat(np.arange(len(first)), width)
    within = np.arange(len(left)) - np.repeat(np.cumsum(width) - width, width)
    return left, np.repeat(begin, width) + within


def microseconds(seconds) -> np.ndarray:
    """Seconds -> whole microseconds as int64."""
    return np.rint(np.asarray(seconds, float) * 1e6).astype(np.int64)


def overlapping(events: EventArrays) -> np.ndarray:
    """Indices of events that begin before an earlier event of their clip and class has ended."""
    late = []
    key, end = None, 0
    times = zip(microseconds(events.onset).tolist(), microseconds(events.offset).tolist())
    for index, (clip, label, (onset, offset)) in enumerate(zip(events.clip.tolist(), events.label.tolist(), times)):
        if (clip, label) != key:
            key, end = (clip, label), onset
        if onset < end:
            late.append(index)
        end = max(end, offset)
    return np.array(late, int)
