"""Files that are whole or absent: write to a temporary name, then rename; read tables with clear errors."""

import contextlib
import csv
import json
import os
import shutil
import uuid
from pathlib import Path

import pandas as pd

from sedsep.errors import UserError, cannot_write
from sedsep.owner import owning

MARK = ".sedsep"  # in each directory that is written as a whole; says what it is


@contextlib.contextmanager
def writing(path):
    """Yield a temporary path beside ``path``; rename it to ``path`` when the block ends without an error.

    Raises:
        UserError: the disk is full or cannot be written; nothing is left behind.
    """
    path = Path(path)
    # No process number: those of two containers, or machines, may be the same.
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def sweep(directory) -> None:
    """Remove what writes that were killed have left in ``directory``."""
    for path in Path(directory).glob(".*.part"):
        if not path.is_dir():
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def writing_directory(path, kind: str):
    """Like :func:`writing`, for a directory: one of the same ``kind`` is replaced as a whole, at the end.

    Raises:
        UserError: something else is there, which nobody asked to delete; another process writes it; or the disk is
            full or cannot be written.
    """
    path = Path(path)
    temporary, old = path.with_name(f".{path.name}.part"), path.with_name(f".{path.name}.old")
    try:
        with owning(path, beside=True):
            _tidy(path, temporary, old)
            check_kind(path, kind)
            try:
                temporary.mkdir()
                yield temporary
                (temporary / MARK).write_text(f"{kind}\n", encoding="utf-8")
                if path.exists():
                    os.replace(path, old)
                os.replace(temporary, path)
            finally:
                _tidy(path, temporary, old)
    except OSError as error:
        raise cannot_write(path, error) from error
    except UserError as error:  # of a file inside, by its temporary name
        raise type(error)(str(error).replace(str(temporary), str(path))) from error


def _tidy(path, temporary, old):
    """Remove what a write that was broken off has left; what it was about to replace comes back."""
    if old.exists() and not path.exists():
        os.replace(old, path)
    for left in (temporary, old):
        shutil.rmtree(left, ignore_errors=True)


def check_kind(path, kind: str) -> None:
    """Raise UserError where ``path`` is there, and neither empty nor a directory of this ``kind`` that sedsep wrote."""
    path = Path(path)
    mark = path / MARK
    if mark.is_file():
        ours = mark.read_text(encoding="utf-8").strip() == kind
    else:
        ours = not path.exists() or (path.is_dir() and not any(path.iterdir()))
    if not ours:
        raise UserError(f"{path}: is there already and is not {kind} that sedsep wrote; choose another place")


def begin_directory(path, kind: str) -> None:
    """Make ``path`` a directory of this ``kind`` that grows file by file; until :func:`finish_directory` its mark is
    older than anything, so that a recipe does not take it for done. Raises UserError where it cannot be written."""
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        (path / MARK).write_text(f"{kind}\n", encoding="utf-8")
        os.utime(path / MARK, (0, 0))
    except OSError as error:
        raise cannot_write(path, error) from error


def finish_directory(path) -> None:
    """Say that all is in a directory that was to come into it."""
    os.utime(Path(path) / MARK)


def remove_directory(path, kind: str) -> None:
    """Delete a directory of this ``kind`` that may be there. Raises UserError where it is something else."""
    check_kind(path, kind)
    try:
        if Path(path).is_dir():
            shutil.rmtree(path)
    except OSError as error:
        raise cannot_write(path, error) from error


def remove(path) -> None:
    """Delete a file that may be there. Raises UserError where that is not allowed."""
    try:
        Path(path).unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error


def read_table(path, required=(), optional=(), numeric=(), separator="\t") -> pd.DataFrame:
    """Read a table with a header row; row ``i`` of the result is line ``i + 2`` of the file.

    Names stay strings (``007`` is not 7, ``NA`` is a name); an empty field is ``""`` or, in a column of
    ``numeric``, NaN. Unknown extra columns are kept.

    Raises:
        UserError: the file is missing, is not text, lacks a required column, or a number cannot be read.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    try:
        quoting = csv.QUOTE_NONE if separator == "\t" else csv.QUOTE_MINIMAL
        table = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8", quoting=quoting)
    except pd.errors.EmptyDataError:
        raise UserError(f"{path}: the file is empty; expected a header row with {', '.join(required)}") from None
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        kind = "tab" if separator == "\t" else "comma"
        raise UserError(f"{path}: not a {kind}-separated text table ({str(error).strip()})") from None
    for column in required:
        if column not in table.columns:
            found = ", ".join(map(str, table.columns))
            raise UserError(f"{path}: no column {column!r}; the header row has: {found}")
    for column in optional:
        if column not in table.columns:
            table[column] = ""
    for column in numeric:
        if column in table.columns:
            values = pd.to_numeric(table[column].where(table[column] != "", "nan"), errors="coerce")
            wrong = values.isna() & (table[column] != "") & (table[column].str.lower() != "nan")
            if wrong.any():
                row = int(wrong.to_numpy().argmax())
                raise UserError(f"{path}:{row + 2}: {column} is not a number: {table[column].iloc[row]!r}")
            # to_numeric can be wrong in the last digit; float() is not
            table[column] = table[column].where(values.notna(), "nan").astype(float)
    return table


def write_table(path, table: pd.DataFrame) -> None:
    """Write a tab-separated table with a header row, atomically; NaN becomes an empty field."""
    with writing(path) as temporary:
        table.to_csv(temporary, sep="\t", index=False, na_rep="", lineterminator="\n")


def read_json(path):
    """Read a JSON file. Raises UserError where it is missing or broken."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not valid JSON ({error})") from None


def write_json(path, value) -> None:
    """Write ``value`` as indented JSON, atomically."""
    with writing(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, sort_keys=False) + "\n", encoding="utf-8")


def write_text(path, text: str) -> None:
    """Write a text file, atomically."""
    with writing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def clip_id(filename: str) -> str:
    """The clip's id: its name without the audio extension; other dots belong to the name.

    >>> clip_id("Y00pbt6aJV8Y_350.000_360.000.wav")
    'Y00pbt6aJV8Y_350.000_360.000'
    >>> clip_id("Y00pbt6aJV8Y_350.000_360.000")
    'Y00pbt6aJV8Y_350.000_360.000'
    """
    stem, dot, extension = filename.rpartition(".")
    return stem if dot and extension.lower() in AUDIO_EXTENSIONS else filename


AUDIO_EXTENSIONS = {"wav", "flac", "ogg", "mp3", "aif", "aiff", "opus", "w64", "rf64"}
