"""The tables of a set, each read to its end: good rows are returned, every fault is noted with its line."""

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from sedsep.data import audio
from sedsep.errors import UserError, nearest
from sedsep.files import located, read_table
from sedsep.labels import EVENT_COLUMNS
from sedsep.names import split

DOMAINS = ("synthetic", "real", "")
ROLES = ("foreground", "background")


@dataclass(frozen=True)
class Stem:
    """One source of a mixture. ``path`` is None where its audio was not kept; ``source`` is the recording's id."""

    path: Path
    label: str
    role: str
    source: str


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, where, and what cures it; ``line`` is 0 for the file as a whole.

    ``fix`` says what the repaired copy of a set (:mod:`sedsep.data.repair`) does about it.
    """

    file: Path
    line: int
    what: str
    cure: str
    fix: str = "row left out"

    def __str__(self):
        place = f"{self.file}:{self.line}" if self.line else f"{self.file}"
        return f"{place}: {self.what}" + (f"; {self.cure}" if self.cure else "")


class Listed(NamedTuple):
    """A row of ``clips.tsv`` and its line there."""

    line: int
    path: Path
    domain: str


def clips(table_path) -> tuple:
    """``clips.tsv`` -> ``(filename -> Listed, [Fault, ...])``; the audio of a listed clip may be missing."""
    listed, faults = {}, []
    for line, row in _rows(table_path, faults, ("filename", "path"), ("domain",)):
        path = located(os.path.abspath(table_path.parent / row.path))
        domain = row.domain if row.domain in DOMAINS else ""
        if not row.filename:
            faults.append(Fault(table_path, line, "empty filename", "name the clip"))
            continue
        if row.filename in listed:
            faults.append(_repeated(table_path, line, row.filename))
            continue
        if domain != row.domain:
            what = f"unknown domain {row.domain!r}"
            faults.append(Fault(table_path, line, what, "use synthetic or real", "domain left empty"))
        if not path.is_file():
            what = f"audio file is missing: {path}"
            faults.append(Fault(table_path, line, what, "restore it or remove the clip", "clip left out"))
        listed[row.filename] = Listed(line, path, domain)
    if not listed and not faults:
        faults.append(Fault(table_path, 1, "lists no clips", "add one row per clip"))
    return listed, faults


def durations(table_path, listed, faults) -> dict:
    """``durations.tsv`` -> filename -> seconds; from the audio's header where the table does not say."""
    fix = "measured from the audio"
    durations, named = {}, set()
    if table_path.is_file():
        for line, row in _rows(table_path, faults, ("filename", "duration"), numeric=("duration",), fix=fix):
            if row.filename in named:
                faults.append(_repeated(table_path, line, row.filename))
                continue
            named.add(row.filename)
            if row.duration is None:
                continue
            if not row.duration > 0:
                what = f"duration of {row.filename!r} is not positive"
                faults.append(Fault(table_path, line, what, "measure it, or delete the table", fix))
            elif row.filename in listed:
                durations[row.filename] = row.duration
        cure = f"add its duration in seconds, or delete {table_path.name}"
        _every_clip(table_path, listed, named, cure, fix, faults)
    for name, clip in listed.items():
        if name not in durations and clip.path.is_file():
            try:
                header = audio.info(clip.path)
                durations[name] = header.n_samples / header.sample_rate
            except UserError as error:
                faults.append(Fault(table_path.parent / "clips.tsv", clip.line, str(error), "", "clip left out"))
    return durations


def strong(table_path, classes, listed, faults):
    """``strong.tsv`` -> filename -> [(line, onset, offset, label), ...]; None where there is no such table."""
    if not table_path.is_file():
        return None
    strong = {}
    for line, row in _rows(table_path, faults, tuple(EVENT_COLUMNS), numeric=("onset", "offset")):
        if not _known_clip(table_path, line, row.filename, listed, faults):
            continue
        events = strong.setdefault(row.filename, [])
        if row.onset is None or row.offset is None:
            continue
        given = (row.onset == row.onset, row.offset == row.offset, row.event_label != "")
        if not any(given):
            continue
        if not all(given):
            cure = "fill all three fields, or none for a clip without events"
            faults.append(Fault(table_path, line, "incomplete event", cure, "event left out"))
        elif row.event_label not in classes.names:
            faults.append(_unknown_label(table_path, line, row.event_label, classes, "event left out"))
        elif not row.onset < row.offset:
            what = f"onset {row.onset:g} s is not before offset {row.offset:g} s"
            faults.append(Fault(table_path, line, what, "correct them", "event left out"))
        elif row.offset <= 0:
            what = f"the event ends at {row.offset:g} s, before the clip begins"
            faults.append(Fault(table_path, line, what, "correct it", "event left out"))
        else:
            if row.onset < 0:
                what = f"onset {row.onset:g} s is before the clip"
                faults.append(Fault(table_path, line, what, "set it to 0", "onset set to 0"))
            events.append((line, max(0.0, row.onset), row.offset, row.event_label))
    cure = "a clip without events has one row with three empty fields"
    _every_clip(table_path, listed, strong, cure, "taken as a clip without events", faults)
    return strong


def weak(table_path, classes, listed, faults):
    """``weak.tsv`` -> filename -> (label, ...); None where there is no such table."""
    if not table_path.is_file():
        return None
    weak = {}
    for line, row in _rows(table_path, faults, ("filename", "event_labels")):
        if not _known_clip(table_path, line, row.filename, listed, faults):
            continue
        if row.filename in weak:
            faults.append(_repeated(table_path, line, row.filename))
            continue
        labels = split(row.event_labels, classes.names)
        unknown = [label for label in labels if label not in classes.names]
        fix = "label left out"
        faults.extend(_unknown_label(table_path, line, label, classes, fix) for label in unknown)
        weak[row.filename] = tuple(dict.fromkeys(label for label in labels if label in classes.names))
    _every_clip(table_path, listed, weak, "add one row per clip", "taken as a clip without events", faults)
    return weak


def stems(table_path, classes, listed, faults):
    """``stems.tsv`` -> filename -> [(line, Stem), ...]; None where there is no such table."""
    if not table_path.is_file():
        return None
    stems = {}
    for line, row in _rows(table_path, faults, ("filename", "path", "event_label", "role", "source")):
        if not _known_clip(table_path, line, row.filename, listed, faults):
            continue
        path = located(os.path.abspath(table_path.parent / row.path)) if row.path else None
        label, role = row.event_label, row.role
        if role not in ROLES:
            role = "foreground" if label else "background"
            what, cure = f"unknown role {row.role!r}", f"use {' or '.join(ROLES)}"
            faults.append(Fault(table_path, line, what, cure, f"taken as {role}"))
        if label and label not in classes.names:
            faults.append(_unknown_label(table_path, line, label, classes, "label left empty"))
            label = ""
        if path is not None and not path.is_file():
            what = f"stem is missing: {path}"
            faults.append(Fault(table_path, line, what, "restore it or leave path empty", "path left empty"))
            path = None
        stems.setdefault(row.filename, []).append((line, Stem(path, label, role, row.source)))
    _every_clip(table_path, listed, stems, "list its stems, or delete the table", "clip left out", faults)
    return stems


def first_lines(table_path) -> dict:
    """filename -> the first line of a table that names it; empty where there is no such table."""
    lines = {}
    if table_path.is_file():
        for line, row in _rows(table_path, [], ("filename",)):
            lines.setdefault(row.filename, line)
    return lines


def _rows(table_path, faults, required, optional=(), numeric=(), fix="row left out"):
    """``(line of the file, row)`` for each row; of ``numeric``, an empty field is NaN, no number is None."""
    table = read_table(table_path, required, optional)
    for line, row in zip(table.index, table.itertuples(index=False)):
        numbers = {column: _number(getattr(row, column)) for column in numeric}
        for column, number in numbers.items():
            if number is None:
                what = f"{column} is not a number: {getattr(row, column)!r}"
                faults.append(Fault(table_path, line, what, "correct it", fix))
        yield line, row._replace(**numbers)


def _number(text: str):
    try:
        number = float(text or "nan")
    except ValueError:
        return None
    return None if math.isinf(number) else number


def _known_clip(table_path, line, filename, listed, faults) -> bool:
    if filename not in listed:
        cure = f"add it to clips.tsv or remove the row{nearest(filename, listed)}"
        faults.append(Fault(table_path, line, f"clip {filename!r} is not in clips.tsv", cure))
    return filename in listed


def _unknown_label(table_path, line, label, classes, fix) -> Fault:
    cure = f"use a class of classes.txt{nearest(label, classes.names)}"
    return Fault(table_path, line, f"unknown label {label!r}", cure, fix)


def _repeated(table_path, line, filename) -> Fault:
    return Fault(table_path, line, f"filename {filename!r} is not unique", "keep one of its rows")


def _every_clip(table_path, listed, known, cure, fix, faults) -> None:
    for name, clip in listed.items():
        if name not in known:
            what = f"{table_path.name} has no row for clip {name!r}"
            faults.append(Fault(table_path.parent / "clips.tsv", clip.line, what, cure, fix))
