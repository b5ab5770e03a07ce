"""Folders of recordings as they lie on disks: what is below one, what of it is not used, what a table names there."""

import os
from collections import Counter
from pathlib import Path

from sedsep.data.walk import walk
from sedsep.errors import UserError
from sedsep.files import AUDIO_EXTENSIONS, clip_id, located
from sedsep.names import normal


def audio_below(root) -> list:
    """Audio files below a folder, sorted; one that links lead to twice, once."""
    found = {}
    for path in walk(root).audio:
        found.setdefault(os.path.realpath(path), path)
    return list(found.values())


def unread(root, taken) -> list:
    """What lies below a folder of recordings and was not read: ``[one line for people, ...]``.

    Args:
        taken: paths of the recordings and tables that were.
    """
    walked, taken = walk(root), set(taken)
    left = Counter(path.parent for path in walked.audio if path not in taken)
    return [f"{folder}: {count} audio files are not used" for folder, count in left.items()] + walked.notes(root, taken)


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
            there = sorted(parent.iterdir()) if parent.is_dir() else ()
            there = [found for found in there if found.suffix[1:].lower() in AUDIO_EXTENSIONS]
            self.found[path.parent] = {clip_id(found.name): found for found in there} | {
                normal(found.name): found for found in there
            }
        names = normal(path.name), clip_id(path.name), normal(path.stem)
        return next((self.found[path.parent][name] for name in names if name in self.found[path.parent]), None)
