"""Score directory: one table of frame scores per clip, the field's format (sed_scores_eval, DCASE task 4).

``DIR/strong/<id>.tsv`` has the columns onset, offset (seconds) and one per class; windows follow each other without
gap or overlap from 0 s on. An id may have folders, ``A/0500``. Beside them ``DIR/weak.tsv`` (clip-level scores:
filename and one column per class) and ``DIR/scores.json`` (where the scores come from), both optional. A plain
directory of ``<id>.tsv`` is read too.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from sedsep import delimited
from sedsep.errors import UserError
from sedsep.files import (
    append_rows,
    clip_id,
    read_json,
    read_table,
    read_text,
    write_json,
    write_table,
    write_text,
    writing_directory,
)
from sedsep.names import normal

# Windows that touch to the microsecond touch: tables carry rounded times.
KIND = "a score directory"
TOUCH = 1.5e-6
BESIDE = ("weak.tsv", "recordings.tsv", "skipped.tsv")  # tables that are of no clip


@dataclass(frozen=True)
class ClipScores:
    """Scores of one clip: ``boundaries (L'+1,)`` in seconds, ``scores (L', C)`` in [0, 1]."""

    boundaries: np.ndarray
    scores: np.ndarray


@dataclass(frozen=True)
class ScoreSet:
    """Scores of a set of clips.

    ``classes`` are the names in column order, ``clips`` maps a clip's id to its :class:`ClipScores`, ``weak`` an
    id to ``(C,)`` clip-level scores (empty where there are none), ``info`` is what ``scores.json`` holds.
    """

    classes: tuple
    clips: dict
    weak: dict = field(default_factory=dict)
    info: dict = field(default_factory=dict)

    @property
    def frame_seconds(self) -> float:
        """Seconds per frame, the same in all clips; only a clip's last frame may be shorter.

        Raises:
            UserError: frames differ in length, within a clip or between clips.
        """
        longest = max(self.clips.values(), key=lambda clip: len(clip.scores))
        whole = max(len(longest.scores) - 1, 1)
        seconds = longest.boundaries[whole] / whole
        for name, clip in self.clips.items():
            late = np.abs(clip.boundaries[:-1] - np.arange(len(clip.scores)) * seconds)
            if late.max() > 2 * TOUCH or clip.boundaries[-1] > len(clip.scores) * seconds + 2 * TOUCH:
                raise UserError(
                    f"scores of clip {name!r} are not on a grid of {seconds:g} s frames; smoothing needs "
                    "frames of one length: decode again on a regular grid"
                )
        return float(seconds)

    def with_clips(self, clips: dict, info: dict) -> "ScoreSet":
        """The same set with other scores per clip, and the entries of ``info`` added to its own."""
        return replace(self, clips=clips, info={**self.info, **info})

    def subset(self, names) -> "ScoreSet":
        """The clips with these ids, in this order."""
        names = list(names)
        weak = {name: self.weak[name] for name in names if name in self.weak}
        return replace(self, clips={name: self.clips[name] for name in names}, weak=weak)

    @classmethod
    def read(cls, directory) -> "ScoreSet":
        """Read a score directory; scores become float64.

        Raises:
            UserError: no tables, NaN or a score outside [0, 1], a gap or overlap of windows, classes that differ
                between tables: with file and line.
        """
        directory = Path(directory)
        if not directory.is_dir():
            raise UserError(f"{directory}: no such score directory")
        inside = (directory / "strong").is_dir()
        strong = directory / "strong" if inside else directory
        paths = strong.rglob("*.tsv") if inside else strong.glob("*.tsv")
        paths = sorted(
            p for p in paths if (inside or p.name not in BESIDE) and not p.name.startswith("._")
        )  # macOS's own begin so
        if not paths:
            raise UserError(f"{directory}: no score tables; expected strong/<id>.tsv, as 'sedsep decode' writes")
        classes, clips = None, {}
        for path in paths:
            names, table, lines = _read_clip(path)
            classes = classes or names
            if names != classes:
                raise UserError(f"{path}:1: {differ(names, classes)}; {paths[0].name} has: {', '.join(classes)}")
            clips[normal(path.relative_to(strong).as_posix().removesuffix(".tsv"))] = _checked(table, path, lines)
        info = read_json(directory / "scores.json") if (directory / "scores.json").is_file() else {}
        return cls(classes, clips, read_weak(directory / "weak.tsv", classes, clips), info)

    def write(self, directory) -> None:
        """Write the score directory as a whole; numbers are written so that they read back equal.

        The filename in ``weak.tsv`` is the clip's id.

        Raises:
            UserError: a clip's scores are not legal, or the disk cannot be written.
        """
        with writing_directory(directory, KIND) as temporary:
            self.write_into(temporary)

    def write_into(self, directory) -> None:
        """Like :meth:`write`, into a directory that is there and may hold other things."""
        for name, clip in self.clips.items():
            write_clip(directory, name, self.classes, clip)
        write_weak(directory, self.classes, self.weak)
        write_json(Path(directory) / "scores.json", self.info)


def write_clip(directory, name: str, classes, clip: ClipScores) -> None:
    """Write the table of one clip into a score directory, atomically; an id with folders lies in these.

    Raises:
        UserError: the scores are not legal, or the disk cannot be written.
    """
    times = np.stack([clip.boundaries[:-1], clip.boundaries[1:]], 1)
    _checked(np.concatenate([times, clip.scores], 1, dtype=float), f"{name}.tsv")
    header = delimited.line(("onset", "offset", *classes))
    write_text(Path(directory) / "strong" / f"{name}.tsv", header + _text(times, clip.scores))


def write_weak(directory, classes, weak: dict) -> None:
    """Write the clip-level scores of a score directory, id -> ``(C,)``, where there are any. Raises UserError."""
    if weak:
        table = pd.DataFrame(np.stack(list(weak.values())), columns=list(classes))
        table.insert(0, "filename", list(weak))
        write_table(Path(directory) / "weak.tsv", table)


def differ(found, expected) -> str:
    """How two collections of class names differ, both ways.

    >>> differ(("Cat", "Cow"), ("Cat", "Dog"))
    "classes differ: not expected here 'Cow'; missing here 'Dog'"
    """
    more = [repr(name) for name in found if name not in expected]
    less = [repr(name) for name in expected if name not in found]
    parts = [f"not expected here {', '.join(more)}"] * bool(more)
    parts += [f"missing here {', '.join(less)}"] * bool(less)
    return "classes differ: " + ("; ".join(parts) or "their order is another")


def _read_clip(path):
    """Class names, ``(L', 2 + C)`` numbers of one table, and the line of each row."""
    header, *body = read_text(path, "a table of scores").rstrip("\r\n").split("\n")
    columns = header.rstrip("\r").split("\t")
    try:
        table = np.loadtxt(body, delimiter="\t", ndmin=2, comments=None) if body else np.zeros((0, 0))
    except ValueError:
        return _read_slowly(path)
    if columns[:2] != ["onset", "offset"] or table.shape != (max(len(body), 1), len(columns)) or '"' in header:
        return _read_slowly(path)
    return _named(path, columns[2:]), table, range(2, len(body) + 2)


def _read_slowly(path):
    """The same through the table reader, which finds the fault and names its line."""
    columns = read_table(path, ("onset", "offset")).columns
    names = _named(path, [column for column in columns if column not in ("onset", "offset")])
    table = read_table(path, ("onset", "offset"), numeric=columns)
    if not len(table):
        raise UserError(f"{path}: no rows; a clip has at least one window")
    return names, table[["onset", "offset", *names]].to_numpy(float), table.index


def _named(path, names):
    names = [normal(name) for name in names]
    if not names:
        raise UserError(f"{path}:1: no class columns after onset and offset")
    if len(set(names)) != len(names) or not all(names):
        raise UserError(f"{path}:1: class columns must be distinct and named: {', '.join(map(repr, names))}")
    return tuple(names)


def _checked(table, path, lines=None) -> ClipScores:
    """``(L', 2 + C)`` numbers as a clip's scores; row ``i`` is line ``lines[i]`` of ``path``."""
    lines = range(2, len(table) + 2) if lines is None else lines
    onset, offset, scores = table[:, 0], table[:, 1], table[:, 2:]
    if not ((scores >= 0) & (scores <= 1)).all():
        row, column = np.argwhere(~((scores >= 0) & (scores <= 1)))[0]
        raise UserError(f"{path}:{lines[row]}: score {scores[row, column]:g} is not in [0, 1]; write probabilities")
    step = onset - np.concatenate([[0], offset[:-1]])
    for wrong, what in (
        (~(offset > onset), "window does not end after it starts"),
        (step > TOUCH, "gap before this window"),
        (~(step >= -TOUCH), "window overlaps the one before"),
    ):
        if wrong.any():
            row = int(wrong.argmax())
            raise UserError(f"{path}:{lines[row]}: {what} ({onset[row]:g} to {offset[row]:g} s)")
    return ClipScores(np.concatenate([[0.0], offset]), scores)


def read_weak(path, classes, ids=()) -> dict:
    """The clip-level scores of a score directory, id -> ``(C,)``; ``ids``: of its clips, which may look like filenames.

    Raises:
        UserError: the table is broken, or a score is not in [0, 1].
    """
    if not path.is_file():
        return {}
    table = read_table(path, ("filename", *classes), numeric=classes)
    scores = table[list(classes)].to_numpy(float)
    for row in np.flatnonzero(~((scores >= 0) & (scores <= 1)).all(1))[:1]:
        raise UserError(f"{path}:{table.index[row]}: a score is not in [0, 1]; write probabilities")
    return {name if name in ids else clip_id(name): row for name, row in zip(table["filename"], scores)}


def _text(times, scores):
    """Rows as text; ``astype(str)`` prints the fewest digits that read back to the same number."""
    cells = np.concatenate([np.round(times, 6).astype(str), scores.astype(str)], 1)
    return "".join("\t".join(row) + "\n" for row in cells.tolist())


def append_weak(directory, classes, name: str, weak) -> None:
    """Add the clip-level scores ``(C,)`` of one clip to those of a score directory. Raises UserError."""
    path = Path(directory) / "weak.tsv"
    if not path.is_file():
        write_weak(directory, classes, {name: weak})
        return
    table = pd.DataFrame(np.asarray(weak)[None], columns=list(classes))
    table.insert(0, "filename", [name])
    append_rows(path, table)
