"""Listings: what a corpus says it holds, in the tables in which its authors publish it.

Formats: DESED's tables of events, tags and names (DCASE task 4); FUSS's lists of mixtures with their stems (Wisdom et
al. 2021); YFCC100M's lists of spans of videos (Wisdom et al. 2020).
"""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from sedsep.data import tables
from sedsep.errors import UserError
from sedsep.files import AUDIO_EXTENSIONS, read_table
from sedsep.labels import Classes


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
    _known_labels(path, (label for row in labels for label in row.split(",")), classes)
    listed, faults = _listed(path), []
    tags = tables.weak(path, classes, listed, faults)
    return [Entry(name, name, weak=tags.get(name, ())) for name in listed], faults


def _names(path, _):
    return [Entry(name, name) for name in _listed(path)], []


def _mixtures(path, _):
    entries = []
    for places in _lines(path, "\t"):
        if len(places) < 2:
            raise UserError(f"{path}: {places[0]!r} has no sources; expected a mixture and its sources between tabs")
        entries.append(Entry(_flat(places[0]), places[0], stems=tuple(places[1:])))
    return entries, []


def _spans(path, _):
    entries = {}
    for line, row in enumerate(_lines(path, ","), start=1):
        for video, *numbers in (row[i : i + 4] for i in range(0, len(row), 4)):  # mixtures of mixtures: several
            try:
                start, end, position = map(float, numbers)
            except ValueError:
                if line == 1:
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
    for line, name in enumerate(read_table(path, ("filename",))["filename"], start=2):
        listed.setdefault(name, tables.Listed(line, Path(name), ""))
    return listed


def _known_labels(path, labels, classes):
    for label in dict.fromkeys(label for label in labels if label):
        classes.index(label, str(path))


def _lines(path, separator) -> list:
    """Rows of a table without a header."""
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    try:
        rows = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise UserError(f"{path}: not a text file") from None
    return [[field.strip() for field in row.split(separator)] for row in rows if row.strip()]


def _flat(place) -> str:
    """A filename that keeps apart what lies in different folders."""
    return "_".join(Path(place).parts)


class Folder:
    """Where a corpus's recordings are; a recording may have another extension than its list says.

    Args:
        root: the folder; the places of a list are relative to it.
    """

    def __init__(self, root):
        self.root, self.found = Path(root), {}
        if not self.root.is_dir():
            raise UserError(f"{self.root}: no such folder of recordings")

    def find(self, place: str):
        """The path of a recording, or None."""
        path = self.root / place
        if path.parent not in self.found:
            names = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
            self.found[path.parent] = {
                stem: name for stem, _, name in ((*name.rpartition(".")[::2], name) for name in sorted(names))
                if name.rpartition(".")[2].lower() in AUDIO_EXTENSIONS
            }  # fmt: skip
        name = self.found[path.parent].get(path.name.rpartition(".")[0] or path.name)
        return None if name is None else path.parent / name
