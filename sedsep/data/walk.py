"""Walk: the audio files below a folder, and what else is there that is not read."""

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from sedsep.data.formats import foreign
from sedsep.files import AUDIO_EXTENSIONS, MARK
from sedsep.names import is_text


@dataclass
class Walked:
    """What lies below a folder.

    Attributes:
        audio: paths of the audio files, sorted. others: files of other kinds.
        foreign: the first file of those that hold sound in a format that cannot be read; None without one.
        unread: folders that are not entered, each with the reason.
    """

    audio: list = field(default_factory=list)
    others: list = field(default_factory=list)
    foreign: Path = None
    unread: list = field(default_factory=list)

    def notes(self, folder, read=()) -> list:
        """What below ``folder`` is not read, in lines for people; ``read``: files of other kinds that were (tables)."""
        found = [f"{path}: not entered, {reason}" for path, reason in self.unread]
        endings = Counter(path.suffix.lower() for path in self.others if path not in read)
        if endings:
            kinds = ", ".join(f"{n} {ending or 'without an ending'}" for ending, n in sorted(endings.items()))
            cure = f"; {foreign.conversion(self.foreign)}" if self.foreign else ""
            found.append(f"{folder}: {sum(endings.values())} files are not read: {kinds}{cure}")
        return found


def walk(folder) -> Walked:
    """All audio files below ``folder``. Links are followed, but never into a folder that they lie in; what is hidden,
    and what sedsep itself has written into a folder of its own, stays aside."""
    found = Walked()
    _enter(Path(folder), (), found)
    return found


def _enter(folder, above, found) -> None:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        found.unread.append((folder, error.strerror))
        return
    above = (*above, os.path.realpath(folder))
    for entry in entries:
        path, ending = folder / entry.name, os.path.splitext(entry.name)[1].lower()
        if entry.name.startswith("."):
            continue
        if not is_text(entry.name):
            found.unread.append((path, "its name is not UTF-8; rename it"))
        elif entry.is_dir():
            if os.path.realpath(path) in above:
                found.unread.append((path, "it is a link to a folder around it"))
            elif (path / MARK).is_file():
                found.unread.append((path, "sedsep has written it; name it to read it"))
            else:
                _enter(path, above, found)
        elif ending[1:] in AUDIO_EXTENSIONS and (entry.is_file() or entry.is_symlink()):
            found.audio.append(path)
        elif _is_broken_link(path):
            found.unread.append((path, "it is a link that leads nowhere, or that was copied as a text file"))
        else:
            found.others.append(path)
            if ending[1:] in foreign.EXTENSIONS and found.foreign is None:
                found.foreign = path


def _is_broken_link(path) -> bool:
    """Whether a link leads nowhere; or a file has no ending and holds but the place of a folder, as links that were
    copied to a disk without links do."""
    if path.is_symlink() or path.suffix or not path.is_file() or path.stat().st_size > 1000:
        return not path.exists()
    if not os.access(path, os.R_OK):
        return False
    place = path.read_bytes().decode("utf-8", "replace").strip()
    return bool(place) and "\n" not in place and "\0" not in place and (path.parent / place).is_dir()
