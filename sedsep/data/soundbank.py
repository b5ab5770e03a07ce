"""Soundbank: isolated sounds with their active spans, split by original source; the simulator's raw material.

A bank is a directory with ``classes.txt`` and ``sounds.tsv`` (path, label, role, onset, offset, split, source, fold:
one row per active stretch of a recording, in seconds); ``skipped.tsv`` lists what could not be used, and why.
"""

import os
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sedsep import progress
from sedsep.data import activity, audio, enough
from sedsep.data.splits import SPLITS, allowed_splits, split_sources
from sedsep.data.stream import mono
from sedsep.errors import UserError, nearest
from sedsep.files import located, read_table, write_table, write_text
from sedsep.labels import Classes

COLUMNS = ["path", "label", "role", "onset", "offset", "split", "source"]
FOLD = "fold"  # as published, or empty; banks of earlier versions have no such column


@dataclass(frozen=True)
class Sound:
    """One active stretch of the recording at ``path``, in seconds; ``source`` is the original it was cut from, ``fold``
    the published fold that it is in, or ""."""

    path: Path
    label: str
    role: str
    onset: float
    offset: float
    split: str
    source: str
    fold: str = ""


@dataclass(frozen=True)
class Sounds:
    """Sounds of one split and share: ``events`` and ``backgrounds`` map labels to tuples of :class:`Sound`."""

    events: dict
    backgrounds: dict


@dataclass(frozen=True)
class Soundbank:
    """A bank as written by :func:`build`."""

    directory: Path
    classes: Classes
    sounds: tuple

    @classmethod
    def read(cls, directory) -> "Soundbank":
        """Read a bank. Raises UserError where it or one of its tables is missing, or a row is wrong."""
        directory = Path(directory)
        if not directory.is_dir():
            raise UserError(f"{directory}: no such soundbank; make it: sedsep soundbank {directory} --root DIR")
        classes = Classes.read(directory / "classes.txt")
        table = read_table(directory / "sounds.tsv", COLUMNS, optional=(FOLD,), numeric=("onset", "offset"))
        sounds = []
        for line, row in zip(table.index, table.itertuples(index=False)):
            where = f"{directory / 'sounds.tsv'}:{line}"
            if row.role == "foreground":
                classes.index(row.label, where)
            if row.split not in SPLITS:
                raise UserError(f"{where}: unknown split {row.split!r}{nearest(row.split, SPLITS)}")
            if not 0 <= row.onset < row.offset:
                raise UserError(f"{where}: onset {row.onset:g} s and offset {row.offset:g} s are out of order")
            path = located(os.path.normpath(directory.absolute() / row.path))
            sounds.append(Sound(path, row.label, row.role, row.onset, row.offset, row.split, row.source, row.fold))
        return cls(directory, classes, tuple(sounds))

    def write(self) -> None:
        """Write the bank's tables into its directory. Raises UserError where the disk cannot be written."""
        rows = [
            (_place(s.path, self.directory), s.label, s.role, f"{s.onset:.3f}", f"{s.offset:.3f}", s.split, s.source,
             s.fold)
            for s in self.sounds
        ]  # fmt: skip
        write_text(self.directory / "classes.txt", "".join(f"{name}\n" for name in self.classes))
        write_table(self.directory / "sounds.tsv", pd.DataFrame(rows, columns=[*COLUMNS, FOLD]))

    def select(self, split: str, share=(0.0, 1.0)) -> Sounds:
        """The sounds of a split whose sources lie in the interval ``share`` of the bank's seeded order of sources.

        Disjoint shares have no source in common, in any class: two domains can be built from one split.

        Raises:
            UserError: the interval is not within [0, 1], or nothing in it can be an event.
        """
        low, high = share
        if not 0 <= low < high <= 1:
            raise UserError(f"share must be two fractions in order within [0, 1], not {list(share)}")
        sounds = [sound for sound in self.sounds if sound.split == split]
        position = _positions(sounds)
        chosen = [s for s in sounds if low <= position[s.source] < high]
        events = {label: _of(chosen, label, "foreground") for label in self.classes}
        labels = dict.fromkeys(s.label for s in chosen if s.role == "background")
        if not any(events.values()):
            raise UserError(f"{self.directory}: no event sounds in split {split!r}, share {list(share)}")
        return Sounds(
            {label: found for label, found in events.items() if found},
            {label: _of(chosen, label, "background") for label in labels},
        )


def _of(sounds, label, role):
    return tuple(sound for sound in sounds if sound.label == label and sound.role == role)


def _positions(sounds) -> dict:
    """source -> its place in [0, 1): even within each label, and one place for a source of several labels."""
    by_label = {}
    for sound in sounds:
        by_label.setdefault((sound.role, sound.label), set()).add(sound.source)
    position = {}
    for key, sources in sorted(by_label.items()):
        new = sorted(source for source in sources if source not in position)
        rng = np.random.default_rng(zlib.crc32("/".join(key).encode()))
        position.update((source, (i + 0.5) / len(new)) for i, source in enumerate(rng.permutation(new).tolist()))
    return position


def build(
    directory, recordings, classes=None, backgrounds=(), folds: dict = None, seed: int = 2021, least: dict = None
) -> dict:
    """Find the sound in each recording, split by source, and write a bank.

    Args:
        recordings: :class:`sedsep.data.corpora.collections.Recording` s.
        classes: event classes in order; None takes every foreground label, sorted.
        backgrounds: labels whose recordings serve as backgrounds.
        folds: split -> folds (:func:`sedsep.data.splits.parse_folds`); None: published splits, or shares.
        seed: of the division into splits. least: split -> originals that every class must have there.

    Returns:
        ``{"sounds": n, "skipped": n, "classes": n, "empty": [class/split without a sound, ...]}``.

    Raises:
        UserError: a class or background is not in the collection, or is both; a class has too few recordings, no
            sound is left, or the disk cannot be written.
    """
    directory = Path(directory)
    known = sorted({label for recording in recordings for label in recording.labels})
    for name in (*(classes or ()), *backgrounds):
        if name not in known:
            raise UserError(f"no recordings of {name!r}{nearest(name, known)}; there are: {', '.join(known)}")
        if name in (classes or ()) and name in backgrounds:
            raise UserError(f"{name!r} is named as a class and as a background; choose one of them")
    if classes is None:
        firsts = {r.labels[0] for r in recordings if r.role == "foreground"}
        classes = sorted(firsts - set(backgrounds))
    classes = Classes(tuple(classes))
    named, skipped = _named(recordings, classes, backgrounds)
    allowed, left_out = allowed_splits([recording for recording, _, _ in named], folds)
    skipped += [(recording, reason) for recording, reason in left_out.items()]
    spans = []
    with progress.bar(len(named), "file", "soundbank") as bar:
        for recording, label, role in named:
            bar.update()
            if recording in left_out:
                continue
            try:
                spans.append((recording, label, role, _active(recording.path)))
            except UserError as error:
                skipped.append((recording, str(error).removeprefix(f"{recording.path}: ")))
    # Splits are dealt after the listening, so that a silent recording does not use up a split's share.
    by_label = {}
    for recording, label, _, _ in spans:
        by_label.setdefault(label, []).append(recording.source)
    split = split_sources(by_label, allowed, seed)
    sounds = []
    for recording, label, role, found in spans:
        path, source = recording.path, recording.source
        for onset, offset in found if role == "foreground" else [(found[0][0], found[-1][1])]:
            sounds.append(Sound(path, label, role, onset, offset, split[source], source, recording.fold))
    if not sounds:
        raise UserError(f"{directory}: no usable recording; the first was skipped because: {skipped[0][1]}")
    foreground = [sound for sound in sounds if sound.role == "foreground"]
    enough.check_classes(least or {}, classes, {(sound.label, sound.source) for sound in foreground}, split)
    Soundbank(directory, classes, tuple(sounds)).write()
    refused = [(_place(recording.path, directory), reason) for recording, reason in skipped]
    write_table(directory / "skipped.tsv", pd.DataFrame(refused, columns=["path", "reason"]))
    present = {(sound.label, sound.split) for sound in foreground}
    empty = [f"{label}/{name}" for label in classes for name in SPLITS if (label, name) not in present]
    return {"sounds": len(sounds), "skipped": len(skipped), "classes": len(classes), "empty": empty}


def _named(recordings, classes, backgrounds):
    """``[(recording, its one label, role)]`` for what the bank wants, and what carries several wanted classes."""
    named, skipped = [], []
    for recording in recordings:
        wanted = [label for label in recording.labels if label in classes.names]
        if recording.role == "background" or recording.labels[0] in backgrounds:
            named.append((recording, recording.labels[0], "background"))
        elif len(wanted) > 1 and recording.labels[0] not in classes.names:
            skipped.append((recording, f"carries several classes: {', '.join(wanted)}"))
        elif wanted:
            named.append((recording, wanted[0], "foreground"))
    return named, skipped


def active_sounds(path: Path, label: str, split: str = "train") -> tuple:
    """One :class:`Sound` for each active stretch of a recording; of one that holds but clicks, for each click.

    Raises:
        UserError: it is silent or broken.
    """
    return tuple(Sound(path, label, "foreground", a, b, split, str(path)) for a, b in _active(path, clicks=True))


def _active(path, clicks=False):
    """Active stretches of a recording of any length, ``[(onset, offset), ...]``; block by block."""
    rate, _ = audio.form(path)
    levels, n_samples = activity.levels_of(mono(path, partial=False), rate)
    found = activity.stretches(levels, n_samples, rate)
    if clicks and not found:
        found = activity.stretches(levels, n_samples, rate, shortest=0.0)
    if not found:
        raise UserError(f"{path}: silent")
    return found


def _place(path, directory):
    inside = os.path.abspath(path).startswith(os.path.abspath(directory) + os.sep)
    return os.path.relpath(path, directory) if inside else str(path)
