"""Files that are whole or absent: write to a temporary name, then rename; read tables with clear errors."""

import contextlib
import json
import os
import re
import shutil
import uuid
from pathlib import Path

import pandas as pd

from sedsep import delimited
from sedsep.errors import UserError, cannot_write
from sedsep.names import normal
from sedsep.owner import owning

PATHS = ("path", "recordings")  # columns that say where files are, in the disk's own Unicode form
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


def read_text(path, what: str = "a text file") -> str:
    """The text of a file in UTF-8, or in UTF-16 with its mark; a mark at the beginning (BOM) is no part of it.

    Args:
        what: it should be, for the error.

    Raises:
        UserError: the file is missing, or is no such text.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    found = path.read_bytes()
    try:
        return found.decode("utf-16" if found[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = found[: error.start].count(b"\n") + 1
        raise UserError(f"{path}: not {what} in UTF-8 (line {line}); save it as UTF-8") from None


def read_table(path, required=(), optional=(), numeric=()) -> pd.DataFrame:
    """Read a table with a header row, separated by tabs, commas or semicolons; its index has each row's line.

    Names stay strings (``007`` is not 7, ``NA`` is a name) in one Unicode form; an empty field is ``""`` or, in a
    column of ``numeric``, NaN. Unknown extra columns are kept; a required one may have another name of
    :data:`sedsep.delimited.OTHER_NAMES`.

    Raises:
        UserError: the file is missing, is not text, lacks a required column, has a field too many, or a number
            cannot be read.
    """
    path = Path(path)
    text = read_text(path, "a table")
    if not text.strip():
        raise UserError(f"{path}: the file is empty; expected a header row with {', '.join(required)}")
    columns, found = delimited.table(text, required)
    for column in required:
        if columns.count(column) != 1:
            fault = f"{columns.count(column)} columns {column!r}" if column in columns else f"no column {column!r}"
            raise UserError(f"{path}: {fault}; the header row has: {', '.join(columns)}")
    width = len(columns)
    for line, row in found:
        if any(row[width:]):
            surplus = next(field for field in row[width:] if field)
            raise UserError(f"{path}:{line}: {len(row)} fields for {width} columns; the surplus one is {surplus!r}")
    filled = [row[:width] + [""] * (width - len(row)) for _, row in found]
    lines = pd.Index([line for line, _ in found], dtype=int)
    table = pd.DataFrame(filled, columns=columns, index=lines, dtype=object)
    if not text.isascii():
        for place, column in enumerate(columns):
            if column not in PATHS:
                table.isetitem(place, [normal(field) for field in table.iloc[:, place]])
    for column in optional:
        if column not in columns:
            table[column] = ""
    for column in numeric:
        if column in table:
            table[column] = _numbers(table[column], path)
    return table


def _numbers(texts, path):
    """A column of numbers from texts; an empty one is NaN."""
    values = pd.to_numeric(texts.where(texts != "", "nan"), errors="coerce")
    wrong = values.isna() & (texts != "") & (texts.str.lower() != "nan")
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        raise UserError(f"{path}:{texts.index[row]}: {texts.name} is not a number: {texts.iloc[row]!r}")
    # to_numeric can be wrong in the last digit; float() is not
    return texts.where(values.notna(), "nan").astype(float)


def write_table(path, table: pd.DataFrame) -> None:
    """Write a tab-separated table with a header row, atomically; it reads back equal, NaN as an empty field.

    Raises:
        UserError: a name is not UTF-8, or the disk cannot be written.
    """
    write_text(path, delimited.line(list(map(str, table.columns))) + "".join(_rows(table)))


def append_rows(path, table: pd.DataFrame) -> None:
    """Add rows to a table that :func:`write_table` wrote, in one write, so that who is killed leaves whole rows.

    Raises:
        UserError: a name is not UTF-8, or the disk cannot be written.
    """
    encoded = _encoded(path, "".join(_rows(table)))
    try:
        with open(path, "ab", buffering=0) as file:
            file.write(encoded)
    except OSError as error:
        raise cannot_write(path, error) from error


def _rows(table):
    """Lines of a table without its header."""
    return map(delimited.line, zip(*(_texts(table.iloc[:, place]) for place in range(table.shape[1]))))


def _texts(column) -> list:
    """Values as text; numbers with the fewest digits that read back to the same one."""
    values = column.to_numpy()
    values = values.astype(str).tolist() if values.dtype.kind == "f" else map(str, values.tolist())
    return ["" if missing else text for text, missing in zip(values, column.isna())]


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
    """Write a text file, atomically. Raises UserError for a name that is not UTF-8, or where the disk is full."""
    encoded = _encoded(path, text)
    with writing(path) as temporary:
        temporary.write_bytes(encoded)


def _encoded(path, text) -> bytes:
    """Text as UTF-8. Raises UserError with the name in it that is not."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        first = text.rfind("\n", 0, error.start) + 1
        name = re.split(r"[\t\n]", text[first:])[text.count("\t", first, error.start)]
        raise UserError(f"cannot write {path}: {name!r} is not UTF-8; rename that file or folder") from None


def located(path) -> Path:
    """The path as the disk has it: a name there may have another Unicode form. Itself where there is no such file."""
    path = Path(path)
    if str(path).isascii() or path.exists() or path.parent == path:
        return path
    parent, name = located(path.parent), normal(path.name)
    alike = (found for found in (parent.iterdir() if parent.is_dir() else ()) if normal(found.name) == name)
    return next(alike, path)


def clip_id(filename: str) -> str:
    """The clip's id: its name without the audio extension, in one Unicode form; other dots belong to the name.

    >>> clip_id("Y00pbt6aJV8Y_350.000_360.000.wav")
    'Y00pbt6aJV8Y_350.000_360.000'
    >>> clip_id("Y00pbt6aJV8Y_350.000_360.000")
    'Y00pbt6aJV8Y_350.000_360.000'
    """
    stem, _, extension = filename.rpartition(".")
    return normal(stem if stem and extension.lower() in AUDIO_EXTENSIONS else filename)


AUDIO_EXTENSIONS = {"wav", "flac", "ogg", "mp3", "aif", "aiff", "opus", "w64", "rf64"}
