"""Listings: what a corpus says it holds, in the tables in which its authors publish it.

Formats: DESED's tables of events, tags and names (DCASE task 4); FUSS's lists of mixtures with their stems (Wisdom et
al. 2021); YFCC100M's lists of spans of videos (Wisdom et al. 2020).
"""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from sedsep import delimited
from sedsep.data import tables
from sedsep.errors import UserError
from sedsep.files import read_table, read_text
from sedsep.labels import Classes
from sedsep.names import join, normal, split


class Span(NamedTuple):
    """A part of a recording, from ``start`` to ``end``, and where in the clip it begins; seconds."""

    start: float
    end: float
    position: float


class Entry(NamedTuple):
    """One clip that a list names.

    Args:
        filename: of the clip, no path. place: its recording, relative to the folder. strong, weak: labels, or None.
        stems: places of its sources, or None. span: the part of the recording that it is; None: all of it.
    """

    filename: str
    place: str
    strong: tuple = None
    weak: tuple = None
    stems: tuple = None
    span: Span = None


def read_listing(kind: str, path, classes: Classes) -> tuple:
    """The entries of a list, and the faults that its events had (they are left out or mended).

    Args:
        kind: of :data:`KINDS`.

    Raises:
        UserError: the list is missing, empty or not of that kind, or a label is not one of the classes.
    """
    path = Path(path)
    entries, faults = KINDS[kind](path, classes)
    if not entries:
        raise UserError(f"{path}: lists no clips")
    return entries, faults


def part(entries: list, fraction: float, rest: bool, seed: int) -> list:
    """A drawn part of the entries, or the rest of them, in the order of the list. Raises UserError where it is empty.

    The draw is the one by which the DCASE 2021 baseline keeps some of the weak clips for validation
    (``DataFrame.sample``), so that with its fraction and seed the parts are the published ones.
    """
    drawn = set(pd.Series(range(len(entries))).sample(frac=fraction, random_state=seed))
    chosen = [entry for number, entry in enumerate(entries) if (number in drawn) != rest]
    if not chosen:
        raise UserError(f"a fraction of {fraction:g}{' and the rest of it' * rest}: none of the {len(entries)} clips")
    return chosen


def _strong(path, classes):
    _known_labels(path, read_table(path, ("filename", "event_label"))["event_label"], classes)
    listed, faults = _listed(path), []
    events = tables.strong(path, classes, listed, faults)
    return [Entry(n, n, strong=tuple(event[1:] for event in events.get(n, ()))) for n in listed], faults


def _weak(path, classes):
    labels = read_table(path, ("filename", "event_labels"))["event_labels"]
    _known_labels(path, (label for row in labels for label in split(row, classes.names)), classes)
    listed, faults = _listed(path), []
    tags = tables.weak(path, classes, listed, faults)
    return [Entry(name, name, weak=tags.get(name, ())) for name in listed], faults


def _names(path, _):
    return [Entry(name, name) for name in _listed(path)], []


def _mixtures(path, _):
    entries = []
    for line, places in _lines(path, "\t"):
        if len(places) < 2:
            raise UserError(
                f"{path}:{line}: {places[0]!r} has no sources; expected a mixture and its sources between tabs"
            )
        entries.append(Entry(_flat(places[0]), places[0], stems=tuple(places[1:])))
    return entries, []


def _spans(path, _):
    entries, rows = {}, _lines(path, ",")
    for line, row in rows:
        for video, *numbers in (row[i : i + 4] for i in range(0, len(row), 4)):  # mixtures of mixtures: several
            try:
                start, end, position = map(float, numbers)
            except ValueError:
                if line == rows[0][0]:
                    continue  # a header
                raise UserError(f"{path}:{line}: expected video, start, end, offset in seconds") from None
            if not 0 <= start < end or position < 0:
                raise UserError(f"{path}:{line}: {start:g} to {end:g} s at {position:g} s is no part of a clip")
            name = f"{_flat(Path(video).with_suffix(''))}_{start:.3f}_{end:.3f}_at_{position:.3f}.wav"
            entries.setdefault(name, Entry(name, video, span=Span(start, end, position)))
    return list(entries.values()), []


KINDS = {"strong": _strong, "weak": _weak, "names": _names, "mixtures": _mixtures, "spans": _spans}


def _listed(path) -> dict:
    """filename -> its first line, as ``tables`` wants it."""
    listed = {}
    for line, name in read_table(path, ("filename",))["filename"].items():
        listed.setdefault(name, tables.Listed(line, Path(name), ""))
    return listed


def _known_labels(path, labels, classes):
    for label in dict.fromkeys(label for label in labels if label):
        if "," in label and label not in classes.names:
            raise UserError(f"{path}: label {label!r} is no class; --classes takes names with commas in quotes: "
                            f"'{join([label])},...'")  # fmt: skip
        classes.index(label, str(path))


def _lines(path, separator) -> list:
    """``[(line, fields), ...]`` of a table without a header; empty fields at the end of a row do not count."""
    found = []
    for line, fields in delimited.rows(read_text(path, "a list"), separator):
        fields = [field.strip() for field in fields]
        while not fields[-1]:
            fields.pop()
        found.append((line, fields))
    return found


def _flat(place) -> str:
    """A filename that keeps apart what lies in different folders."""
    return normal("_".join(Path(place).parts))
