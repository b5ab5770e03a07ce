"""The tables of a set, each read to its end: good rows are returned, every fault is noted with its line."""

import os
from dataclasses import dataclass
from pathlib import Path

from sedsep.data import audio
from sedsep.errors import UserError, nearest
from sedsep.files import read_table
from sedsep.labels import EVENT_COLUMNS

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
    """One thing that is wrong, where, and what cures it; ``line`` is 0 for the file as a whole."""

    file: Path
    line: int
    what: str
    cure: str

    def __str__(self):
        place = f"{self.file}:{self.line}" if self.line else f"{self.file}"
        return f"{place}: {self.what}" + (f"; {self.cure}" if self.cure else "")


def clips(directory, faults):
    """``clips.tsv`` -> filename -> audio path, filename -> domain."""
    table_path = directory / "clips.tsv"
    paths, domains = {}, {}
    for line, row in _rows(table_path, ("filename", "path"), ("domain",)):
        path = directory / row.path
        if not row.filename:
            faults.append(Fault(table_path, line, "empty filename", "name the clip"))
        elif row.filename in paths:
            faults.append(_repeated(table_path, line, row.filename))
        elif row.domain not in DOMAINS:
            faults.append(Fault(table_path, line, f"unknown domain {row.domain!r}", "use synthetic or real"))
        elif not row.path or not path.is_file():
            faults.append(Fault(table_path, line, f"audio file is missing: {path}", "restore it"))
        else:
            paths[row.filename], domains[row.filename] = Path(os.path.abspath(path)), row.domain
    if not paths and not faults:
        faults.append(Fault(table_path, 1, "lists no clips", "add one row per clip"))
    return paths, domains


def durations(directory, paths, faults):
    """``durations.tsv`` -> filename -> seconds; from the audio files' headers where there is no such table."""
    table_path = directory / "durations.tsv"
    durations = {}
    if not table_path.is_file():
        for name, path in paths.items():
            try:
                header = audio.info(path)
                durations[name] = header.n_samples / header.sample_rate
            except UserError as error:
                faults.append(Fault(path, 0, str(error).removeprefix(f"{path}: "), ""))
        return durations
    for line, row in _rows(table_path, ("filename", "duration"), numeric=("duration",)):
        if row.filename in durations:
            faults.append(_repeated(table_path, line, row.filename))
        elif not row.duration > 0:
            faults.append(Fault(table_path, line, f"duration of {row.filename!r} is not positive", ""))
        elif row.filename in paths:
            durations[row.filename] = row.duration
    _every_clip(table_path, paths, durations, "add its duration in seconds, or delete the table", faults)
    return durations


def strong(table_path, classes, paths, faults):
    """``strong.tsv`` -> filename -> [(onset, offset, label), ...]; None where there is no such table."""
    if not table_path.is_file():
        return None
    strong = {}
    for line, row in _rows(table_path, tuple(EVENT_COLUMNS), numeric=("onset", "offset")):
        if not _known_clip(table_path, line, row.filename, paths, faults):
            continue
        events = strong.setdefault(row.filename, [])
        given = (row.onset == row.onset, row.offset == row.offset, row.event_label != "")
        if not any(given):
            continue
        if not all(given):
            cure = "fill all three fields, or none for a clip without events"
            faults.append(Fault(table_path, line, "incomplete event", cure))
        elif row.event_label not in classes.names:
            faults.append(_unknown_label(table_path, line, row.event_label, classes))
        elif not row.onset < row.offset:
            what = f"onset {row.onset:g} s is not before offset {row.offset:g} s"
            faults.append(Fault(table_path, line, what, "correct them"))
        elif row.onset < 0:
            faults.append(Fault(table_path, line, f"onset {row.onset:g} s is before the clip", "set it to 0"))
        else:
            events.append((row.onset, row.offset, row.event_label))
    _every_clip(table_path, paths, strong, "a clip without events has one row with three empty fields", faults)
    return strong


def weak(table_path, classes, paths, faults):
    """``weak.tsv`` -> filename -> (label, ...); None where there is no such table."""
    if not table_path.is_file():
        return None
    weak = {}
    for line, row in _rows(table_path, ("filename", "event_labels")):
        if not _known_clip(table_path, line, row.filename, paths, faults):
            continue
        if row.filename in weak:
            faults.append(_repeated(table_path, line, row.filename))
            continue
        labels = [label for label in row.event_labels.split(",") if label]
        unknown = [label for label in labels if label not in classes.names]
        faults.extend(_unknown_label(table_path, line, label, classes) for label in unknown)
        weak[row.filename] = tuple(dict.fromkeys(label for label in labels if label in classes.names))
    _every_clip(table_path, paths, weak, "add one row per clip", faults)
    return weak


def stems(table_path, classes, paths, faults):
    """``stems.tsv`` -> filename -> [Stem, ...]; None where there is no such table."""
    if not table_path.is_file():
        return None
    stems = {}
    for line, row in _rows(table_path, ("filename", "path", "event_label", "role", "source")):
        if not _known_clip(table_path, line, row.filename, paths, faults):
            continue
        path = Path(os.path.abspath(table_path.parent / row.path)) if row.path else None
        if row.role not in ROLES:
            faults.append(Fault(table_path, line, f"unknown role {row.role!r}", f"use {' or '.join(ROLES)}"))
        elif row.event_label and row.event_label not in classes.names:
            faults.append(_unknown_label(table_path, line, row.event_label, classes))
        elif path is not None and not path.is_file():
            faults.append(Fault(table_path, line, f"stem is missing: {path}", "restore it or leave path empty"))
        else:
            stems.setdefault(row.filename, []).append(Stem(path, row.event_label, row.role, row.source))
    _every_clip(table_path, paths, stems, "list its stems, or delete the table", faults)
    return stems


def _rows(table_path, required, optional=(), numeric=()):
    """``(line of the file, row)`` for each row of a table."""
    return enumerate(read_table(table_path, required, optional, numeric).itertuples(index=False), start=2)


def _known_clip(table_path, line, filename, paths, faults) -> bool:
    if filename not in paths:
        cure = f"add it to clips.tsv or remove the row{nearest(filename, paths)}"
        faults.append(Fault(table_path, line, f"clip {filename!r} is not in clips.tsv", cure))
    return filename in paths


def _unknown_label(table_path, line, label, classes) -> Fault:
    cure = f"use a class of classes.txt{nearest(label, classes.names)}"
    return Fault(table_path, line, f"unknown label {label!r}", cure)


def _repeated(table_path, line, filename) -> Fault:
    return Fault(table_path, line, f"filename {filename!r} is not unique", "keep one of its rows")


def _every_clip(table_path, paths, known, cure, faults) -> None:
    for name in paths:
        if name not in known:
            faults.append(Fault(table_path, 0, f"no row for clip {name!r}", cure))
