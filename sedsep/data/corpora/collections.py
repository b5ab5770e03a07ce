"""Collections of isolated recordings as their authors publish them, read into one list of Recordings.

Layouts: ESC-50 (Piczak 2015), FSD50K (Fonseca et al. 2022), FSDKaggle2018 (Fonseca et al. 2018; Kaggle's and
Zenodo's headers), the DESED soundbank (Turpault et al. 2019), and one folder per class.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sedsep.errors import UserError, nearest
from sedsep.files import AUDIO_EXTENSIONS

BACKGROUND_FOLDERS = ("background", "backgrounds")
ESC_NAME = re.compile(r"(\d)-(\w+)-([A-Z])(-\d+)?")  # fold-source-take[-target]
CLIP_OF_SOURCE = re.compile(r"(\d+)_\w+")  # DESED: Freesound id, then the part cut from it
EDGE_SUFFIX = re.compile(r"(_nOn|_nOff)+$")  # DESED: no onset, no offset in the file


@dataclass(frozen=True)
class Recording:
    """One isolated recording. ``labels`` most specific first; ``fold`` and ``split`` are empty where unknown."""

    path: Path
    labels: tuple
    source: str
    fold: str = ""
    split: str = ""
    role: str = "foreground"


def read_collection(root, layout: str = "auto") -> list:
    """All recordings under ``root``, sorted by path.

    Args:
        layout: "auto" or a name in :data:`LAYOUTS`.

    Raises:
        UserError: the folder or its tables are missing, or nothing in it is a recording.
    """
    root = Path(root).absolute()
    if not root.is_dir():
        raise UserError(f"{root}: no such folder of recordings")
    if layout == "auto":
        layout = detect(root)
    if layout not in LAYOUTS:
        raise UserError(f"unknown format {layout!r}{nearest(layout, LAYOUTS)}; known: auto, {', '.join(LAYOUTS)}")
    recordings = sorted(LAYOUTS[layout](root), key=lambda r: (str(r.path), r.labels))
    if not recordings:
        raise UserError(f"{root}: no recordings found in the layout {layout!r}; expected {EXPECTED[layout]}")
    return recordings


def detect(root: Path) -> str:
    """Name of the layout of a folder; "folders" where no other one is recognised."""
    if _first(root, "meta/esc50.csv", "esc50.csv"):
        return "esc50"
    if (root / "FSD50K.ground_truth").is_dir():
        return "fsd50k"
    if (root / "FSDKaggle2018.meta").is_dir() or (root / "train.csv").is_file():
        return "fsdkaggle2018"
    if any(root.glob("audio/*/soundbank")):
        return "desed"
    return "folders"


def _esc50(root):
    table = _csv(_first(root, "meta/esc50.csv", "esc50.csv"), root, ("filename", "fold", "category", "src_file"))
    for row in table.itertuples():
        yield Recording(root / "audio" / row.filename, (row.category,), row.src_file, fold=row.fold)


def _fsd50k(root):
    for part, splits in (("dev", {"train": "train", "val": "validation"}), ("eval", {})):
        columns = ("fname", "labels", "split") if splits else ("fname", "labels")
        for row in _csv(root / "FSD50K.ground_truth" / f"{part}.csv", root, columns).itertuples():
            path = root / f"FSD50K.{part}_audio" / f"{row.fname}.wav"
            split = splits.get(row.split, "") if splits else "test"
            yield Recording(path, tuple(row.labels.split(",")), row.fname, split=split)


def _fsdkaggle2018(root):
    train = _first(root, "FSDKaggle2018.meta/train_post_competition.csv", "train.csv")
    folder = _first(root, "FSDKaggle2018.audio_train", "audio_train")
    test = _first(root, "FSDKaggle2018.meta/test_post_competition_scoring_clips.csv")
    for row in _csv(train, root, ("fname", "label")).itertuples():
        source = getattr(row, "freesound_id", row.fname)
        yield Recording((folder or root) / row.fname, (row.label,), source, split="train" if test else "")
    if test:
        for row in _csv(test, root, ("fname", "label")).itertuples():
            source = getattr(row, "freesound_id", row.fname)
            yield Recording(root / "FSDKaggle2018.audio_test" / row.fname, (row.label,), source, split="test")


def _desed(root):
    listed = _first(root, "soundbank_validation.tsv", "audio/train/soundbank_validation.tsv")
    moved = set(_csv(listed, root, ("filepath",), "\t").filepath) if listed else set()
    for split, folder in (("train", "train"), ("validation", "validation"), ("test", "eval")):
        bank = root / "audio" / folder / "soundbank"
        for role in ("foreground", "background"):
            for path in _audio_files(bank / role):
                label = EDGE_SUFFIX.sub("", path.relative_to(bank / role).parts[0])
                cut = CLIP_OF_SOURCE.fullmatch(path.stem)
                source = cut[1] if cut else f"{label}/{path.stem}"
                in_validation = any(str(path).endswith(name) for name in moved) if split == "train" else False
                yield Recording(path, (label,), source, split="validation" if in_validation else split, role=role)


def _folders(root):
    base = root
    if (root / "audio").is_dir() and not _audio_files(root / "audio", deep=False):
        base = root / "audio"
    for path in _audio_files(base):
        parts = path.relative_to(base).parts
        if len(parts) < 2:
            continue
        role = "background" if parts[0].lower() in BACKGROUND_FOLDERS else "foreground"
        label = parts[1] if role == "background" and len(parts) > 2 else parts[0]
        name = ESC_NAME.fullmatch(path.stem)
        source = name[2] if name else "/".join((*parts[:-1], path.stem))
        yield Recording(path, (label,), source, fold=name[1] if name else "", role=role)


LAYOUTS = {"folders": _folders, "esc50": _esc50, "fsd50k": _fsd50k, "fsdkaggle2018": _fsdkaggle2018, "desed": _desed}
EXPECTED = {
    "folders": "one folder per class with audio files in it",
    "esc50": "meta/esc50.csv and audio/",
    "fsd50k": "FSD50K.ground_truth/{dev,eval}.csv and FSD50K.{dev,eval}_audio/",
    "fsdkaggle2018": "FSDKaggle2018.meta/ and FSDKaggle2018.audio_{train,test}/, or train.csv and audio_train/",
    "desed": "audio/{train,validation,eval}/soundbank/{foreground,background}/<label>/",
}


def _first(root, *names):
    return next((root / name for name in names if (root / name).exists()), None)


def _audio_files(folder, deep=True) -> list:
    found = folder.rglob("*") if deep else folder.glob("*")
    return sorted(p for p in found if p.suffix[1:].lower() in AUDIO_EXTENSIONS and not p.name.startswith("."))


def _csv(path, root, columns, separator=","):
    """A published table with every field a string (clip 00044 is not clip 44)."""
    if path is None or not path.is_file():
        raise UserError(f"{path or root}: the collection's table is missing; check --root and --format")
    try:
        table = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not a readable table ({str(error).strip()})") from None
    for column in columns:
        if column not in table.columns:
            raise UserError(f"{path}: no column {column!r}; the header row has: {', '.join(table.columns)}")
    return table
