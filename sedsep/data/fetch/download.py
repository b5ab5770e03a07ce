"""A list of archives -> a folder: fetched, verified as a whole, unpacked; what is done is not done twice."""

import contextlib
import hashlib
import math
import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sedsep import progress
from sedsep.data.fetch.archives import SUFFIXES, unpack
from sedsep.data.fetch.transfer import CHUNK, MB, PAUSES, Refused, alone, complete
from sedsep.errors import UserError
from sedsep.files import cannot_write, read_json, read_table, write_json

CHECKSUM = re.compile("md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Listed:
    """A row of the list: mirrors in the order they are tried; ``bytes`` None and ``checksum`` "" if unknown."""

    file: str
    urls: tuple
    bytes: int | None
    checksum: str
    unpack: bool


def read_list(path) -> list:
    """The rows of a table with the columns file, url, bytes, checksum and unpack; others are for people.

    Raises:
        UserError: with the line of what cannot be understood, or of a file that would lie outside of the folder.
    """
    columns = ("bytes", "checksum", "unpack")
    table = read_table(path, required=("file", "url"), optional=columns, numeric=("bytes",))
    listed = {}
    for line, row in zip(table.index, table.itertuples()):
        place = PurePosixPath(row.file)
        size = None if math.isnan(row.bytes) else int(row.bytes) if row.bytes % 1 == 0 else -1
        one = Listed(str(place), tuple(row.url.split()), size, row.checksum.lower(), row.unpack == "yes")
        fault = _misread(one, row.unpack) or (f"{place} is listed twice" if place in listed else "")
        if fault:
            raise UserError(f"{path}:{line}: {fault}")
        listed[place] = one
    return list(listed.values())


def _misread(one, unpacked):
    place = PurePosixPath(one.file)
    if place.is_absolute() or ".." in place.parts or not place.name:
        return f"file {one.file!r} is not a path inside of a folder"
    if one.bytes is not None and one.bytes < 0:
        return "bytes is not a whole number"
    if one.checksum and not CHECKSUM.fullmatch(one.checksum):
        return f"checksum is {one.checksum!r}; expected md5: or sha256: and hexadecimal digits"
    if unpacked not in ("yes", "no", ""):
        return f"unpack is {unpacked!r}; expected yes or no"
    if one.unpack and not one.file.endswith(SUFFIXES):
        return f"{one.file} cannot be unpacked; known: {', '.join(SUFFIXES)}"
    wrong = [url for url in one.urls if not url.startswith(("http://", "https://"))]
    return f"url {wrong[0]!r} is neither http nor https" if wrong else ""


def download(listing, directory, source=None, pauses=PAUSES) -> dict:
    """Fetch, verify and unpack what ``listing`` lists into ``directory``; why a file is missing is printed.

    ``FILE.verified`` beside each file says that it is done, and its size and time: a file that was touched since
    is verified again. An archive that has been unpacked may be deleted.

    Args:
        source: folder of files that the user has; they are read in place, and nothing is fetched.
        pauses: seconds before each further try of a broken transfer.

    Returns:
        ``{"files": n, "missing": [file, ...], "unverified": [file, ...]}``

    Raises:
        UserError: the list cannot be understood, or the disk is full or cannot be written.
    """
    listed, directory, missing = read_list(listing), Path(directory), []
    for one in listed:
        path = directory / one.file
        note = path.with_name(path.name + ".verified")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not _done(one, path, note):
                found = _obtain(one, path, source, pauses)
                if not one.checksum:
                    progress.say(f"{path}: not verified, the list has no checksum; found {_digest(found, 'md5')}")
                if one.unpack:
                    unpack(found, path.parent)
                elif found != path:
                    path.unlink(missing_ok=True)  # a link that leads nowhere any more
                    path.symlink_to(found.absolute())
                write_json(note, {"checksum": one.checksum, "unpacked": one.unpack, **_stamp(found)})
        except UserError as error:
            progress.say(str(error))
            missing.append(one.file)
        except OSError as error:  # of the disk: no other file would fare better
            raise cannot_write(path, error) from error
    unverified = [one.file for one in listed if not one.checksum and one.file not in missing]
    return {"files": len(listed), "missing": missing, "unverified": unverified}


def _done(one, path, note):
    said = {}
    with contextlib.suppress(UserError):
        said = read_json(note)
    if said.get("checksum") != one.checksum or one.bytes not in (None, said.get("bytes")):
        return False
    if path.exists():
        return said.get("unpacked") == one.unpack and _stamp(path).items() <= said.items()
    return one.unpack and said.get("unpacked")


def _stamp(path):
    state = path.stat()
    return {"bytes": state.st_size, "mtime_ns": state.st_mtime_ns}


def _obtain(one, path, source, pauses):
    """Where the file lies, verified: in its place, in ``source``, or in its place after it has been fetched."""
    for place in [path] if source is None else [path, Path(source) / one.file, Path(source) / path.name]:
        if place.is_file():
            fault = _fault(one, place)
            if fault:
                raise UserError(f"{place}: {fault}; delete it or move it away, then run again")
            return place
    if source is not None:
        raise UserError(f"{source}: has no {path.name}; without --from it is fetched")
    _fetch(one, path, pauses)
    return path


def _fetch(one, path, pauses):
    """Fetch a file from the first mirror that gives what is listed; an unfinished part stays for the next time."""
    part, reasons = path.with_name(path.name + ".part"), []
    with alone(part):
        for url in one.urls:
            try:
                complete(part, url, one.bytes, pauses)
            except Refused as error:
                reasons.append(f"{url}: {error}")
                if not one.checksum and url != one.urls[-1]:
                    os.truncate(part, 0)  # nothing would tell that two mirrors hold different files
                continue
            fault = _fault(one, part)
            if not fault:
                os.replace(part, path)
                return
            os.truncate(part, 0)
            reasons.append(f"{url}: {fault}")
    reasons = "; ".join(reasons) or "no url is listed; get it yourself and name its folder with --from"
    raise UserError(f"{path}: {reasons}")


def _fault(one, path):
    """What differs from the list, or an empty string."""
    size = path.stat().st_size
    if one.bytes not in (None, size):
        return f"wrong size: expected {one.bytes} bytes, found {size}"
    found = _digest(path, one.checksum.partition(":")[0]) if one.checksum else ""
    return "" if found == one.checksum else f"wrong checksum: expected {one.checksum}, found {found}"


def _digest(path, algorithm):
    """``algorithm:hexadecimal`` of the whole file."""
    digest, size = hashlib.new(algorithm, usedforsecurity=False), path.stat().st_size
    shown = progress.bar(size // MB, "MB", f"verify {path.name}", disable=size < 100 * MB)
    try:
        with shown as bar, open(path, "rb") as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
                bar.update(file.tell() // MB - bar.n)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    return f"{algorithm}:{digest.hexdigest()}"
