"""Results: a score directory that grows recording by recording, so that what is done is kept whatever comes after.

The table of a recording is written whole or not at all; those of all recordings, ``weak.tsv`` and ``recordings.tsv``
(id and file), get its row at once, so that a kill costs no more than the recording that was in work. What could not be
used, and why (``skipped.tsv``), comes at the end, or when it is interrupted.
"""

import contextlib
import hashlib
import os
from pathlib import Path

import numpy as np
import pandas as pd

from sedsep.data import audio
from sedsep.errors import UserError
from sedsep.files import (
    append_rows,
    begin_directory,
    check_kind,
    finish_directory,
    read_json,
    read_table,
    remove,
    remove_directory,
    write_json,
    write_table,
)
from sedsep.owner import owning
from sedsep.scores.directory import KIND, ClipScores, append_weak, read_weak, write_clip, write_weak

RECORDINGS, SKIPPED = ["filename", "path"], ["path", "reason"]
GROWING = ("weak.tsv", "recordings.tsv")  # tables of all recordings, that have a row as soon as one is done
DERIVED = ("postprocess", "fusion")  # what a scores.json has that is not the decoding's own


class Results:
    """What a model says of recordings, in a directory that may hold what it has said of others before; a context.

    Args:
        out: directory. model: ``apply.model.Model``. overwrite: delete what is there, when the first result comes.

    Attributes:
        known: id -> path of the recordings whose results are there.

    Raises:
        UserError: ``out`` holds something else, or results of another model; entered, another process writes it.
    """

    def __init__(self, out, model, overwrite: bool = False):
        self.out, self.model, self.overwrite, self.begun = Path(out), model, overwrite, False
        check_kind(self.out, KIND)
        self.info = {"model": model.kind, "variant": model.variant, "identity": model.identity}
        self.info["networks"] = networks_of(model)
        if model.detects:
            self.info |= {"frame_seconds": model.system.grid.frame_seconds, "model_steps": model.smoothing}
        self._go_on()

    def _go_on(self) -> None:
        """Read what is there, if it is to stay."""
        self.known, self.weak, self.skipped = {}, {}, {}
        if self.overwrite or not self.out.is_dir() or not any(self.out.iterdir()):
            return
        said = read_json(self.out / "scores.json") if (self.out / "scores.json").is_file() else {}
        if said.get("identity") != self.model.identity or any(key in said for key in DERIVED):
            raise UserError(
                f"{self.out}: holds results of another model, or of another command; choose another place, or let "
                "--overwrite delete them"
            )
        for name in GROWING:
            _drop_cut_row(self.out / name)
        self.known = _pairs(self.out / "recordings.tsv", RECORDINGS)
        self.skipped = _pairs(self.out / "skipped.tsv", SKIPPED)
        if self.model.detects:
            self.weak = read_weak(self.out / "weak.tsv", tuple(self.model.classes), self.known)

    def check(self, recordings) -> None:
        """Raise UserError where another recording has given its id to results that are there."""
        for recording in recordings:
            other = self.known.get(recording.id)
            if other and not recording.problem and other != os.path.abspath(recording.path):
                raise UserError(
                    f"{self.out}: holds {recording.id!r} of {other} already, not of {recording.path}; choose another "
                    "place, or let --overwrite delete what is there"
                )

    def __enter__(self):
        with contextlib.ExitStack() as held:
            held.enter_context(owning(self.out, beside=True))
            self._go_on()  # again: before it was this process's alone, another may have written it
            self.held = held.pop_all()
        return self

    def __exit__(self, kind, error, trace):
        with self.held:
            if self.begun:
                self._write_tables()
                if kind is None and not self.skipped:
                    finish_directory(self.out)

    def add(self, recording, detected=None, sources=()) -> None:
        """Keep what was found in a recording: ``apply.detected.Detected``, and sources ``(T,)`` at the model's rate.

        Raises:
            UserError: the disk is full or cannot be written.
        """
        if not self.begun:
            self._begin()
        for slot, source in enumerate(sources):
            path = self.out / "separated" / recording.id / f"source{slot}.wav"
            audio.write(path, source, self.model.sample_rate)
        if detected:
            clip = ClipScores(detected.boundaries, detected.strong)
            write_clip(self.out, recording.id, detected.classes, clip)
            # As the table has them, so that they stay the same when more recordings join.
            self.weak[recording.id] = np.asarray(detected.weak).astype(str).astype(float)
            append_weak(self.out, tuple(self.model.classes), recording.id, self.weak[recording.id])
        self.known[recording.id] = os.path.abspath(recording.path)
        row = pd.DataFrame([(recording.id, self.known[recording.id])], columns=RECORDINGS)
        append_rows(self.out / "recordings.tsv", row)
        self.skipped.pop(self.known[recording.id], None)

    def skip(self, recording, reason: str) -> None:
        """Note why a recording could not be used."""
        path = os.path.abspath(recording.path).encode("utf-8", "backslashreplace").decode()
        self.skipped[path] = reason.removeprefix(f"{recording.path}: ")

    def _begin(self) -> None:
        if self.overwrite:
            remove_directory(self.out, KIND)
        begin_directory(self.out, KIND)
        write_json(self.out / "scores.json", self.info)
        write_table(self.out / "recordings.tsv", pd.DataFrame(self.known.items(), columns=RECORDINGS))
        self.begun = True

    def _write_tables(self) -> None:
        write_weak(self.out, tuple(self.model.classes), self.weak)
        write_table(self.out / "recordings.tsv", pd.DataFrame(self.known.items(), columns=RECORDINGS))
        if self.skipped:
            write_table(self.out / "skipped.tsv", pd.DataFrame(self.skipped.items(), columns=SKIPPED))
        else:
            remove(self.out / "skipped.tsv")


def _drop_cut_row(path) -> None:
    """Take away what a machine that went down has left of a table's last row; a living process writes whole rows."""
    if path.is_file() and not (text := path.read_bytes()).endswith(b"\n"):
        os.truncate(path, text.rfind(b"\n") + 1)


def networks_of(model) -> dict:
    """Fingerprint -> parameters of the networks of a model that can be told apart; what others share counts once."""
    found = {}
    for part in model.system.parts(model.variant).values():
        digest = hashlib.sha256()
        for value in part.state_dict().values():
            digest.update(value.detach().cpu().contiguous().numpy().tobytes())
        found[digest.hexdigest()[:16]] = sum(parameter.numel() for parameter in part.parameters())
    return found


def _pairs(path, columns) -> dict:
    """A table of two columns as a dictionary; empty where it is not there."""
    if not path.is_file():
        return {}
    table = read_table(path, columns)
    return dict(zip(table[columns[0]], table[columns[1]]))
