"""One folder per class: which folder names a class, and which a split, a fold, an archive or nothing at all.

A folder that is named like a split, a fold or an archive is no class: the folders in it are. Where that leaves a doubt,
nothing is guessed.
"""

import re
from pathlib import Path
from typing import NamedTuple

from sedsep.data.corpora.folder import audio_below
from sedsep.data.corpora.recording import Recording
from sedsep.errors import UserError

BACKGROUND_FOLDERS = ("background", "backgrounds")
ESC_NAME = re.compile(r"(\d)-(\w+)-([A-Z])(-\d+)?")  # fold-source-take[-target]
SPLIT_WORDS = {
    "train": "train", "training": "train", "val": "validation", "valid": "validation", "validation": "validation",
    "test": "test", "testing": "test", "eval": "test", "evaluation": "test", "dev": "dev", "development": "dev",
}  # fmt: skip
FOLD_WORDS = ("fold", "folds")
WRAPPERS = {"audio", "audios", "archive", "clips", "data", "dataset", "files", "flac", "main", "master", "recordings",
            "set", "sound", "sounds", "wav", "wavs"}  # fmt: skip


class Meaning(NamedTuple):
    """What a folder's name says that is no class: a split or a fold, or neither of them (an archive, ``audio``)."""

    split: str = ""
    fold: str = ""


def meaning(name: str):
    """:class:`Meaning` of a folder's name; None for what may be a class.

    >>> meaning("FSD.audio_train"), meaning("fold_3"), meaning("ESC-50-master"), meaning("Dog")
    (Meaning(split='train', fold=''), Meaning(split='', fold='3'), Meaning(split='', fold=''), None)
    """
    words = re.findall(r"[^\W\d_]+", name.lower())
    number = re.search(r"\d+", name)
    if not words:
        return None
    if name.lower().endswith(("-master", "-main", ".zip", ".tar", ".gz", ".tgz", ".7z")):
        return Meaning()
    rest = [word for word in words if word not in WRAPPERS]
    if len(rest) == 1 and rest[0] in FOLD_WORDS and number:
        return Meaning(fold=number.group())
    if rest and rest[-1] in SPLIT_WORDS and (len(rest) == 1 or "audio" in words):
        return Meaning(split=SPLIT_WORDS[rest[-1]])
    return None if rest else Meaning()


def class_folders(root: Path):
    """Yield a :class:`Recording` for each audio file in a folder that names a class.

    Raises:
        UserError: a split, fold or archive stands among classes, or has recordings without a class in it; or it is
            not to be seen which folder names the class.
    """
    yield from _labelled(root, audio_below(root), Meaning(), ())


def _labelled(base, paths, known, before):
    """The recordings below ``base``; ``before`` are the folders that led here and tell recordings apart."""
    folders = {}
    for path in paths:
        parts = path.relative_to(base).parts
        if len(parts) > 1:
            folders.setdefault(parts[0], []).append((path, parts))
    scenes = [name for name in folders if name.lower() in BACKGROUND_FOLDERS]
    names = [name for name in folders if name not in scenes]
    meanings = {name: meaning(name) for name in names}
    wraps = bool(names) and None not in meanings.values()
    if not wraps:
        _refuse(base, folders, {name for name in names if meanings[name]}, names, before)
    for name in names if wraps else ():
        inside = [path for path, _ in folders[name]]
        place = before if len(names) == 1 and meanings[name] == Meaning() else (*before, name)
        dev = "train" if not any(m.split == "train" for m in meanings.values()) else "validation"
        split = meanings[name].split.replace("dev", dev) or known.split
        found = list(_labelled(base / name, inside, Meaning(split, meanings[name].fold or known.fold), place))
        if not found:
            raise UserError(f"{base / name}: no folder of a class in it, and {name!r} names none; {CURE}")
        yield from found
    for name in scenes if wraps else folders:
        for path, parts in folders[name]:
            yield _recording(path, parts, known, before, name in scenes)


CURE = "put the recordings of each class into a folder that has the class's name"


def _refuse(base, folders, wrong, names, before):
    """Refuse folders among classes that name none, and a single folder that may be a class, or hold classes."""
    direct = {name for name in folders if any(len(parts) == 2 for _, parts in folders[name])}
    wrong = sorted(wrong - {name for name in direct if name.lower() == "train"})  # a vehicle, among other sounds
    if wrong:
        raise UserError(f"{base / wrong[0]}: stands among folders of classes, but {wrong[0]!r} names none; {CURE}")
    if len(folders) == 1 and names and names[0] not in direct and not before:
        inner = sorted({parts[1] for _, parts in folders[names[0]]})
        raise UserError(
            f"{base}: is {names[0]!r} the class, or {', '.join(map(repr, inner[:3]))} in it? "
            f"Give --root {base / names[0]} for these; else {CURE}"
        )


def _recording(path, parts, known, before, background) -> Recording:
    label = parts[1] if background and len(parts) > 2 else parts[0]
    name = ESC_NAME.fullmatch(path.stem)
    source = name[2] if name else "/".join((*before, *parts[:-1], path.stem))
    fold = known.fold or (name[1] if name else "")
    return Recording(path, (label,), source, fold, known.split, "background" if background else "foreground")
