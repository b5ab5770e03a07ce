"""A set: a directory of plain tables that name its clips and what is known about them.

Column names are DESED's (DCASE task 4): ``clips.tsv`` filename, path[, domain]; ``durations.tsv`` filename,
duration; ``strong.tsv`` filename, onset, offset, event_label (three empty fields: a clip without events);
``weak.tsv`` filename, event_labels (comma-joined); ``stems.tsv`` filename, path, event_label, role, source.
Strong, weak and stems exist where that much is known; a table that exists names every clip. ``missing.tsv`` names the
clips that it lacks.
"""

import os
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

import pandas as pd

from sedsep.data import tables
from sedsep.data.missing import read_missing
from sedsep.errors import UserError
from sedsep.files import remove, write_table, write_text
from sedsep.labels import EVENT_COLUMNS, Classes, events_table
from sedsep.names import join, normal


@dataclass(frozen=True)
class Clip:
    """One clip: its unique ``filename``, audio ``path`` and what is known about it (None: not known)."""

    filename: str
    path: Path
    duration: float
    strong: tuple = None
    weak: tuple = None
    stems: tuple = None
    domain: str = ""


@dataclass(frozen=True)
class ClipSet:
    """The clips of a set, in the order of ``clips.tsv``; ``missing`` are those that it should have (``missing.py``)."""

    directory: Path
    classes: Classes
    clips: tuple
    missing: tuple = ()

    def __len__(self):
        return len(self.clips)

    def __iter__(self):
        return iter(self.clips)

    @classmethod
    def read(cls, directory) -> "ClipSet":
        """Read a set's tables.

        Raises:
            UserError: the first fault of the tables, with its file and line, or a missing audio file.
        """
        clip_set, faults, _ = parse(directory)
        if faults:
            more = f" ({len(faults) - 1} more: sedsep validate {directory})" if len(faults) > 1 else ""
            raise UserError(f"{faults[0]}{more}")
        return clip_set

    def labelled(self, kind: Literal["strong", "weak", "none"]) -> "ClipSet":
        """The same clips with one kind of labels alone. Raises UserError where the set does not have it."""
        if kind != "none" and any(getattr(clip, kind) is None for clip in self.clips):
            raise UserError(f"{self.directory}: has no {kind} labels ({kind}.tsv); name a set that has")
        kept = {other: None for other in ("strong", "weak") if other != kind}
        return replace(self, clips=tuple(replace(clip, **kept) for clip in self.clips))

    def events(self) -> pd.DataFrame:
        """All strong events as a table (:func:`sedsep.labels.events_table`); event-free clips do not appear."""
        return events_table((c.filename, *event) for c in self.clips for event in c.strong or ())

    def durations(self) -> dict:
        """filename -> seconds."""
        return {clip.filename: clip.duration for clip in self.clips}


class Lines(NamedTuple):
    """Where the tables say it, by filename: the clip's line; one line per event, and one per stem."""

    clips: dict
    strong: dict
    stems: dict


def parse(directory):
    """Read a set's tables to the end, whatever is wrong in them.

    Returns:
        ``(ClipSet, [tables.Fault, ...], Lines)``; what is at fault is left out, or is as ``Fault.fix`` says.

    Raises:
        UserError: ``directory``, ``classes.txt`` or ``clips.tsv`` is missing, or a table cannot be parsed.
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise UserError(f"{directory}: no such data directory")
    classes = Classes.read(directory / "classes.txt")
    listed, faults = tables.clips(directory / "clips.tsv")
    durations = tables.durations(directory / "durations.tsv", listed, faults)
    strong = tables.strong(directory / "strong.tsv", classes, listed, faults)
    weak = tables.weak(directory / "weak.tsv", classes, listed, faults)
    stems = tables.stems(directory / "stems.tsv", classes, listed, faults)
    clips = tuple(
        Clip(
            filename=name,
            path=row.path,
            duration=durations[name],
            strong=None if strong is None else tuple(event[1:] for event in strong.get(name, ())),
            weak=None if weak is None else weak.get(name, ()),
            stems=None if stems is None else tuple(stem for _, stem in stems.get(name, ())),
            domain=row.domain,
        )
        for name, row in listed.items()
        if name in durations and row.path.is_file()
    )
    lines = Lines(
        {name: row.line for name, row in listed.items()},
        {name: [line for line, *_ in events] for name, events in (strong or {}).items()},
        {name: [line for line, _ in kept] for name, kept in (stems or {}).items()},
    )
    return ClipSet(directory, classes, clips, read_missing(directory)), faults, lines


def write_set(directory, classes, clips) -> None:
    """Write all tables of a set, each atomically; paths inside ``directory`` become relative to it.

    ``clips.tsv`` goes first and comes last: where it stands, all that it needs stands too, and nothing older.

    Args:
        classes: names in order (:class:`sedsep.labels.Classes` or strings).
        clips: :class:`Clip` s with distinct names; what one clip knows (strong, weak, stems), all of them know.

    Raises:
        UserError: filenames repeat, or the disk cannot be written.
    """
    directory, clips = Path(directory), list(clips)
    repeated = [name for name, count in Counter(normal(clip.filename) for clip in clips).items() if count > 1]
    if repeated:
        raise UserError(f"{directory}: filename {repeated[0]!r} is not unique")
    root = os.path.abspath(directory)

    def place(path):
        if path is None:
            return ""
        path = os.path.abspath(path)
        return os.path.relpath(path, root) if path.startswith(root + os.sep) else path

    def table(name, columns, rows):
        write_table(directory / name, pd.DataFrame(list(rows), columns=columns))

    for name in ("clips.tsv", "strong.tsv", "weak.tsv", "stems.tsv"):
        remove(directory / name)
    write_text(directory / "classes.txt", "".join(f"{name}\n" for name in classes))
    table("durations.tsv", ["filename", "duration"], ((c.filename, f"{c.duration:.9g}") for c in clips))
    if clips and clips[0].strong is not None:
        table("strong.tsv", EVENT_COLUMNS, (row for c in clips for row in _strong_rows(c)))
    if clips and clips[0].weak is not None:
        table("weak.tsv", ["filename", "event_labels"], ((c.filename, join(c.weak)) for c in clips))
    if clips and clips[0].stems is not None:
        rows = ((c.filename, place(s.path), s.label, s.role, s.source) for c in clips for s in c.stems)
        table("stems.tsv", ["filename", "path", "event_label", "role", "source"], rows)
    table("clips.tsv", ["filename", "path", "domain"], ((c.filename, place(c.path), c.domain) for c in clips))


def _strong_rows(clip):
    if not clip.strong:
        return [(clip.filename, "", "", "")]
    return [(clip.filename, f"{onset:.3f}", f"{offset:.3f}", label) for onset, offset, label in clip.strong]
