"""Folders of recordings as they lie on disks: all that is below one, links followed, and what a table names there."""

import os
from pathlib import Path

from sedsep.errors import UserError
from sedsep.files import AUDIO_EXTENSIONS, clip_id, located
from sedsep.names import normal

OTHER_MEDIA = {"3gp", "aac", "amr", "ape", "avi", "caf", "m4a", "mka", "mkv", "mov", "mp4", "mpga", "webm", "wma", "wv"}


def is_audio(path) -> bool:
    """Whether a file's name says that we can read it."""
    return path.suffix[1:].lower() in AUDIO_EXTENSIONS


def walk(root) -> tuple:
    """All files below a folder that are not hidden, links to folders followed, each folder once.

    Returns:
        ``([path, ...] sorted, [(file or folder, why it was not read), ...])``.
    """
    files, unread, seen = [], [], {os.path.realpath(root)}

    def failed(error):
        unread.append((Path(error.filename), error.strerror))

    for folder, inner, names in os.walk(root, onerror=failed, followlinks=True):
        bad = [name for name in (*inner, *names) if not _is_text(name) and not name.startswith(".")]
        unread += [(Path(folder, name), "its name is not UTF-8; rename it") for name in bad]
        good = sorted(name for name in inner if _is_text(name) and not name.startswith("."))
        inner.clear()
        for name in good:
            path, real = Path(folder, name), os.path.realpath(Path(folder, name))
            if real in seen:
                unread.append((path, "a link to a folder that is read already"))
            else:
                inner.append(name)
            seen.add(real)
        files += [Path(folder, name) for name in names if _is_text(name) and not name.startswith(".")]
    return sorted(files), unread


def _is_text(name) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in name)


def unread(root, taken) -> list:
    """What lies below a folder of recordings and was not read: ``[one line for people, ...]``.

    Args:
        taken: paths of the recordings that were.
    """
    files, folders = walk(root)
    taken, counts = set(map(Path, taken)), {}
    for path in files:
        if path not in taken and (is_audio(path) or path.suffix[1:].lower() in OTHER_MEDIA):
            key = (path.parent, path.suffix[1:].lower())
            counts[key] = counts.get(key, 0) + 1
    lines = [f"{folder}: {count} .{kind}" for (folder, kind), count in counts.items()]
    folders += [(path, "a link that was copied as a text file") for path in files if _was_link(path)]
    folders += [(path, "a link to nothing") for path in files if not path.exists()]
    return lines + [f"{folder}: {why}" for folder, why in folders]


def _was_link(path) -> bool:
    """Whether a file without an ending holds but the place of a folder, as a link does where a disk has none."""
    if path.suffix or not path.is_file() or path.stat().st_size > 1000:
        return False
    place = path.read_bytes().decode("utf-8", "replace").strip()
    return bool(place) and "\n" not in place and "\0" not in place and (path.parent / place).is_dir()


class Folder:
    """Where a corpus's recordings are; one may have another extension or Unicode form than its table says.

    Args:
        root: the folder; the places of a table are relative to it.
    """

    def __init__(self, root):
        self.root, self.found = Path(root), {}
        if not self.root.is_dir():
            raise UserError(f"{self.root}: no such folder of recordings")

    def find(self, place: str):
        """The path of a recording, or None."""
        path = self.root / place
        if path.parent not in self.found:
            parent = located(path.parent)
            there = sorted(found for found in (parent.iterdir() if parent.is_dir() else ()) if is_audio(found))
            self.found[path.parent] = {clip_id(found.name): found for found in there} | {
                normal(found.name): found for found in there
            }
        names = normal(path.name), clip_id(path.name), normal(path.stem)
        return next((self.found[path.parent][name] for name in names if name in self.found[path.parent]), None)
