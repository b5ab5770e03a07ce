"""Archives unpacked safely: nothing outside of the folder, no devices, and all of it or nothing.

The tar readers of Python 3.10 and 3.12 have different guards, and zip has others again; so none of them extracts
here: members are read one by one, and every path is made by :func:`_place`, which never leaves the folder.
"""

import filecmp
import gzip
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from pathlib import Path

from sedsep import progress
from sedsep.errors import UserError

SUFFIXES = (".tar.gz", ".tgz", ".tar", ".zip")
CHUNK, MB = 1 << 20, 10**6  # bytes
# What the readers raise, by where the damage is; the last two are zipfile's, of a compression or a cipher it has not.
BROKEN = (tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError, ValueError,
          NotImplementedError, RuntimeError)  # fmt: skip
CLASHES = (FileExistsError, NotADirectoryError, IsADirectoryError)


class _Hostile(Exception):
    """A member that no honest archive has."""


def unpack(archive, folder) -> None:
    """Unpack ``archive`` into ``folder``, beside what is there; file modes and times are not kept.

    Args:
        archive: a file whose name ends as one of :data:`SUFFIXES`.

    Raises:
        UserError: it is broken or cut off, a member leaves the folder or is no file, or another file is in its
            place; the folder is then as it was.
        OSError: the disk is full or cannot be written.
    """
    archive, folder = Path(archive), Path(folder)
    temporary = folder / f".{archive.name}.unpacking.part"
    shutil.rmtree(temporary, ignore_errors=True)  # of a run that was killed
    try:
        temporary.mkdir(parents=True)
        with open(archive, "rb") as raw:
            _extract(_members(archive, raw), temporary)
        taken = next(_clashes(temporary, folder), None)
        if taken:
            raise UserError(f"{taken}: is there already, unlike in {archive}; move it away, then run again")
        _move(temporary, folder)
    except _Hostile as error:
        raise UserError(f"{archive}: is not safe to unpack: {error}; nothing of it was kept") from None
    except CLASHES as error:
        place = os.path.relpath(error.filename, temporary)
        raise UserError(f"{archive}: has two members in one place, {place}; nothing of it was kept") from None
    except BROKEN as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"{archive}: broken or cut off ({reason}); delete it, then run again") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _members(archive, raw):
    """Yield ``(name, kind, body)``: file and a stream, folder and None, symlink and hardlink and their target."""
    size = archive.stat().st_size
    with progress.bar(size // MB, "MB", f"unpack {archive.name}", disable=size < 100 * MB) as bar:
        for member in (_zipped if archive.name.endswith(".zip") else _tarred)(raw):
            yield member
            bar.update(raw.tell() // MB - bar.n)


def _tarred(raw):
    with tarfile.open(fileobj=raw, mode="r:gz" if raw.name.endswith("gz") else "r:") as tar:
        for member in tar:
            if member.isreg():
                yield member.name, "file", tar.extractfile(member)
            elif member.isdir():
                yield member.name, "folder", None
            elif member.issym() or member.islnk():
                yield member.name, "symlink" if member.issym() else "hardlink", member.linkname
            else:
                raise _Hostile(f"{member.name!r} is neither file, folder nor link")
        # tarfile ends in silence at a header that is cut off or garbled; and gzip's checksum comes last of all
        tar.fileobj.seek(tar.offset)
        if tar.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise tarfile.ReadError("no end mark")
        while tar.fileobj.read(CHUNK):
            pass


def _zipped(raw):
    with zipfile.ZipFile(raw) as packed:
        for member in packed.infolist():
            kind = stat.S_IFMT(member.external_attr >> 16)  # 0 where it was not made on Unix
            if member.is_dir():
                yield member.filename, "folder", None
                continue
            if kind not in (0, stat.S_IFREG, stat.S_IFLNK):
                raise _Hostile(f"{member.filename!r} is neither file, folder nor link")
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise zipfile.BadZipFile(f"{member.filename!r} has an unknown compression")
            with packed.open(member) as body:
                if kind == stat.S_IFLNK:
                    yield member.filename, "symlink", os.fsdecode(body.read(4096))
                else:
                    yield member.filename, "file", body


def _extract(members, folder):
    """Write the members into the empty ``folder``. Links come last: so nothing is ever written through one."""
    links = []
    for name, kind, body in members:
        place = _place((), name)
        if place is None or (kind != "folder" and not place):
            raise _Hostile(f"{name!r} is outside of the folder")
        path = folder.joinpath(*place)
        if kind == "folder":
            path.mkdir(parents=True, exist_ok=True)
        elif kind == "file":
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "wb") as file:
                shutil.copyfileobj(body, file, CHUNK)
        else:
            links.append((place, kind, body))
    symlinks = {place for place, kind, _ in links if kind == "symlink"}
    for place, kind, target in sorted(links, key=lambda link: link[1]):  # hardlinks, then symlinks
        origin = _place(place[:-1] if kind == "symlink" else (), target, symlinks)
        path = folder.joinpath(*place)
        if origin in (None, place) or _place((), "/".join(place), symlinks) is None:
            raise _Hostile(f"the link {'/'.join(place)!r} leads to {target!r}")
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind == "symlink":
            os.symlink(target, path)
        elif folder.joinpath(*origin).is_file():
            shutil.copyfile(folder.joinpath(*origin), path)
        else:
            raise _Hostile(f"the link {'/'.join(place)!r} leads to {target!r}, which is no file before it")


def _place(start, path, symlinks=()):
    """The parts to which ``path`` leads from the parts ``start``; None outside of the root, or through a link.

    >>> _place(("a",), "../b/./c"), _place(("a",), "../../b"), _place((), "/etc/passwd")
    (('b', 'c'), None, None)
    >>> _place((), "a/b", {("a",)}), _place((), "a", {("a",)})
    (None, ('a',))
    """
    place = list(start)
    if path.startswith("/") or "\0" in path:
        return None
    for part in path.split("/"):
        if part in ("", "."):
            continue
        if tuple(place) in symlinks or (part == ".." and not place):
            return None
        place = place[:-1] if part == ".." else [*place, part]
    return tuple(place)


def _clashes(source, target):
    """Paths under ``target`` that are there and differ from what would take their place."""
    for entry in os.scandir(source):
        place = target / entry.name
        if entry.is_dir(follow_symlinks=False):
            if place.is_dir():
                yield from _clashes(Path(entry.path), place)
            elif os.path.lexists(place):
                yield place
        elif os.path.lexists(place) and not _same(entry, place):
            yield place


def _same(entry, place):
    if entry.is_symlink() or place.is_symlink():
        return entry.is_symlink() and place.is_symlink() and os.readlink(entry.path) == os.readlink(place)
    return place.is_file() and filecmp.cmp(entry.path, place, shallow=False)


def _move(source, target):
    for entry in sorted(os.scandir(source), key=lambda entry: entry.name):
        place = target / entry.name
        if entry.is_dir(follow_symlinks=False) and place.is_dir():
            _move(Path(entry.path), place)
        else:
            os.replace(entry.path, place)
