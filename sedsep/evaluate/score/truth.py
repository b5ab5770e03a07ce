"""Ground truth: what a system's output is scored against, from a data directory or from loose files."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from sedsep.data.manifest import ClipSet
from sedsep.errors import UserError
from sedsep.files import clip_id, read_table
from sedsep.labels import EVENT_COLUMNS, Classes
from sedsep.metrics.event_arrays import EventArrays, overlapping


@dataclass(frozen=True)
class Truth:
    """Ground truth of a set of clips.

    Args:
        source: where it comes from. classes: in order. durations: filename -> seconds, sorted by filename.
        events: table of reference events, None where they are not known.
        tags: ``(n_clips, C)`` zeros and ones in the order of ``durations``, None where they are not known.
        clips: filename -> :class:`sedsep.data.manifest.Clip` with the stems, None for loose files.
        absent: clips that the set should have and has not (``data/missing.py``); nothing is scored on them.
    """

    source: str
    classes: Classes
    durations: dict
    events: pd.DataFrame
    tags: np.ndarray
    clips: dict = None
    absent: tuple = ()

    @property
    def filenames(self) -> tuple:
        """The clips, sorted."""
        return tuple(self.durations)

    def fingerprint(self, part: str) -> str:
        """A name for what one kind of number is measured against: part "events", "tags" or "stems"."""
        lines = [f"{name}\t{seconds:.6f}" for name, seconds in self.durations.items()]
        if part == "events":
            table = self.events.sort_values(EVENT_COLUMNS)
            rows = table[EVENT_COLUMNS].itertuples(index=False)
            lines += [f"{name}\t{onset:.6f}\t{offset:.6f}\t{label}" for name, onset, offset, label in rows]
        elif part == "tags":
            lines += [f"{self.filenames[i]}\t{self.classes.names[c]}" for i, c in np.argwhere(self.tags)]
        else:
            stems = ((name, s.label, s.role, s.source) for name, clip in self.clips.items() for s in clip.stems or ())
            lines += ["\t".join(map(str, row)) for row in stems]
        return f"{part}:{hashlib.sha256(chr(10).join(lines).encode()).hexdigest()[:16]}"

    def require(self, part: str, metric: str) -> None:
        """Raise UserError where the set lacks what ``metric`` needs: part "events", "tags" or "stems"."""
        if getattr(self, "clips" if part == "stems" else part) is None:
            raise UserError(f"{self.source}: {metric} needs {part}; the set has none")
        if part == "events" and self.events.empty:
            raise UserError(f"{self.source}: has no reference events; {metric} has nothing to find")

    def without_references(self) -> list:
        """Classes that have no reference events."""
        present = set(self.events["event_label"])
        return [name for name in self.classes if name not in present]


def from_directory(directory) -> Truth:
    """Ground truth of a data directory (:class:`sedsep.data.manifest.ClipSet`)."""
    clip_set = ClipSet.read(directory)
    clips = {clip.filename: clip for clip in sorted(clip_set, key=lambda clip: clip.filename)}
    durations = {name: clip.duration for name, clip in clips.items()}
    strong = all(clip.strong is not None for clip in clips.values())
    weak = all(clip.weak is not None for clip in clips.values())
    events = clip_set.events() if strong else None
    if weak:
        tags = np.stack([clip_set.classes.many_hot(clip.weak) for clip in clips.values()])
    else:
        tags = _tags(events, durations, clip_set.classes) if strong else None
    absent = tuple(name for name, _ in clip_set.missing)
    truth = Truth(str(directory), clip_set.classes, durations, events, tags, clips, absent)
    return _checked(truth, Path(directory) / "strong.tsv", f"sedsep validate {directory} --fix OUT")


def from_files(ground_truth, durations, classes=None) -> Truth:
    """Ground truth of a table of events (filename, onset, offset, event_label) and one of durations.

    A clip without events may have a row with three empty fields, or no row.

    Args:
        classes: names in order; None: those of the events.

    Raises:
        UserError: a table cannot be read, has no clips or no events, or an event is not a legal one; two durations
            of a clip; a label is none of the classes, or two labels differ in case alone.
    """
    table = _durations(durations)
    seconds = dict(zip(table["filename"], table["duration"].tolist()))
    if not seconds:
        raise UserError(f"{durations}: lists no clips; there is nothing to score")
    events = read_events(ground_truth, lasting=True)
    if events.empty:
        raise UserError(f"{ground_truth}: has no events; there is nothing to score")
    unknown = sorted(set(events["filename"]) - set(seconds))
    if unknown:
        raise UserError(f"{ground_truth}: {len(unknown)} clips are not in {durations}: {few(unknown)}; add them")
    classes = _vocabulary(events["event_label"].unique(), classes, ground_truth)
    truth = Truth(str(ground_truth), classes, seconds, events, _tags(events, seconds, classes))
    return _checked(truth, ground_truth, "merge or cut them in that table")


def _durations(path) -> pd.DataFrame:
    """filename, duration: one row per clip, sorted. Raises UserError for one that is not positive, or for two."""
    table = read_table(path, ("filename", "duration"), numeric=("duration",))
    for line, row in table[~(table["duration"] > 0)].head(1).iterrows():
        raise UserError(f"{path}:{line}: duration of {row['filename']!r} is not positive")
    first = table.groupby("filename")["duration"].transform("first")
    for line, row in table[table["duration"] != first].head(1).iterrows():
        what = f"{row['filename']!r} has {row['duration']:g} s here and {first[line]:g} s in an earlier line"
        raise UserError(f"{path}:{line}: {what}; keep one of them")
    return table.drop_duplicates("filename").sort_values("filename")


def _vocabulary(labels, classes, path) -> Classes:
    """The classes of loose events: those that were given, or all labels."""
    if classes:
        classes = Classes(classes)
        for label in labels:
            classes.index(label, str(path))
        return classes
    alike = {}
    for label in labels:
        first = alike.setdefault(label.casefold(), label)
        if first != label:
            raise UserError(f"{path}: labels {first!r} and {label!r} differ in case alone; give both one name")
    try:
        return Classes(sorted(labels))
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def with_classes(truth: Truth, names) -> Truth:
    """The same truth in another list of classes, a superset of its own."""
    classes = Classes(tuple(names))
    if truth.tags is None:
        return replace(truth, classes=classes)
    tags = np.zeros((len(truth.tags), len(classes)), np.float32)
    tags[:, [classes.index(name) for name in truth.classes]] = truth.tags
    return replace(truth, classes=classes, tags=tags)


def read_events(path, lasting=False) -> pd.DataFrame:
    """Read a table of events, columns by name in any order; rows without events are left out.

    Args:
        lasting: whether each event must last some time, as a reference does.

    Raises:
        UserError: the table cannot be read, or an event lacks a field or ends before it begins; with its line.
    """
    table = read_table(path, EVENT_COLUMNS, numeric=("onset", "offset"))[EVENT_COLUMNS]
    filled = np.stack([table["onset"].notna(), table["offset"].notna(), table["event_label"] != ""])
    wrong = filled.any(0) & ~(filled.all(0) & (table["offset"] >= table["onset"]) & (table["filename"] != ""))
    for line, row in table[wrong].head(1).iterrows():
        found = ", ".join(map(str, row))
        raise UserError(f"{path}:{line}: not an event (filename, onset <= offset in seconds, label): {found}")
    for line, row in table[lasting & filled.all(0) & (table["onset"] == table["offset"])].head(1).iterrows():
        what = f"the reference event {row['event_label']!r} at {row['onset']:g} s lasts no time"
        raise UserError(f"{path}:{line}: {what}; give it its length, or remove it")
    return table[filled.all(0)].reset_index(drop=True)


def few(names, n=3) -> str:
    """The first names of a list, for an error."""
    names = list(names)
    return ", ".join(map(repr, names[:n])) + (f" and {len(names) - n} more" if len(names) > n else "")


def _tags(events, durations, classes) -> np.ndarray:
    tags = np.zeros((len(durations), len(classes)), np.float32)
    rows = pd.Index(list(durations)).get_indexer(events["filename"])
    tags[rows, pd.Index(list(classes)).get_indexer(events["event_label"])] = 1
    return tags


def _checked(truth, path, repair) -> Truth:
    """Refuse overlapping events of a class (no two may be found by one detection) and ids that are not unique."""
    ids = pd.Index([clip_id(name) for name in truth.durations])
    if not ids.is_unique:
        raise UserError(f"{truth.source}: two clips have the id {ids[ids.duplicated()][0]!r}; rename one of them")
    if truth.events is not None:
        check_events(truth, truth.events, path, "reference events", repair)
        late = truth.events["onset"] >= truth.events["filename"].map(truth.durations)
        if late.any():
            one = truth.events[late].iloc[0]
            raise UserError(
                f"{path}: {late.sum()} reference events begin after their clip's end, the first at {one.onset:g} s of "
                f"{one.filename} ({truth.durations[one.filename]:g} s); repair: {repair}"
            )
    return truth


def check_events(truth, events, path, what: str, repair: str) -> None:
    """Refuse a table of events in which two of a class overlap. Raises UserError, which names them."""
    arrays = EventArrays.from_table(events, truth.durations, truth.classes, str(path))
    late = arrays.where(overlapping(arrays))
    names = [
        f"{truth.classes.names[label]} in {truth.filenames[clip]} at {onset:g} s"
        for clip, label, onset in zip(late.clip, late.label, late.onset)
    ]
    if names:
        listed = "; ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        raise UserError(f"{path}: {what} overlap an earlier one of their class: {listed}; repair: {repair}")
