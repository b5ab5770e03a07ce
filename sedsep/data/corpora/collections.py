"""Collections of isolated recordings as their authors publish them, read into one list of Recordings.

Layouts: ESC-50 (Piczak 2015), UrbanSound8K (Salamon et al. 2014), FSD50K (Fonseca et al. 2022), FSDKaggle2018
(Fonseca et al. 2018; Kaggle's and Zenodo's headers), the DESED soundbank (Turpault et al. 2019), and one folder per
class. Recordings may have another extension than their tables say.
"""

import re
from pathlib import Path

from sedsep.data.corpora.class_folders import class_folders
from sedsep.data.corpora.folder import Folder, audio_below
from sedsep.data.corpora.recording import Recording
from sedsep.errors import UserError, nearest
from sedsep.files import read_table
from sedsep.names import normal

CLIP_OF_SOURCE = re.compile(r"(\d+)_\w+")  # DESED: Freesound id, then the part cut from it
EDGE_SUFFIX = re.compile(r"(_nOn|_nOff)+$")  # DESED: no onset, no offset in the file


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
        layout, root = detect(root)
    if layout not in LAYOUTS:
        raise UserError(f"unknown format {layout!r}{nearest(layout, LAYOUTS)}; known: auto, {', '.join(LAYOUTS)}")
    recordings = sorted(LAYOUTS[layout](root), key=lambda r: (str(r.path), r.labels))
    if not recordings:
        raise UserError(f"{root}: no recordings found in the layout {layout!r}; expected {EXPECTED[layout]}")
    return recordings


def detect(root: Path) -> tuple:
    """Layout of a folder, or of one in it, by the tables there: its name and where it begins.

    A folder in which no other layout is recognised has one folder per class.

    Raises:
        UserError: there are several collections.
    """
    for depth in ("", "*", "*/*"):
        places = sorted(place for place in root.glob(depth) if place.is_dir()) if depth else [root]
        found = [(layout, place) for place in places if (layout := _layout(place))]
        if len(found) > 1:
            names = ", ".join(str(place) for _, place in found)
            raise UserError(f"{root}: holds several collections; give each a --root of its own: {names}")
        if found:
            return found[0]
    return "folders", root


def _layout(root: Path) -> str:
    if _first(root, "meta/esc50.csv", "esc50.csv"):
        return "esc50"
    if (root / "metadata/UrbanSound8K.csv").is_file():
        return "urbansound8k"
    if (root / "FSD50K.ground_truth").is_dir():
        return "fsd50k"
    kaggle = root / "train.csv"
    if (root / "FSDKaggle2018.meta").is_dir() or kaggle.is_file() and b"fname" in kaggle.read_bytes()[:100]:
        return "fsdkaggle2018"
    return "desed" if any(root.glob("audio/*/soundbank")) else ""


def _esc50(root):
    table, folder = _first(root, "meta/esc50.csv", "esc50.csv"), Folder(root)
    for row in _csv(table, root, ("filename", "fold", "category", "src_file")).itertuples():
        place = _place(folder, f"audio/{row.filename}")
        yield Recording(place, (row.category,), row.src_file, fold=row.fold, table=table)


def _urbansound8k(root):
    table, folder = root / "metadata/UrbanSound8K.csv", Folder(root)
    for _, row in _csv(table, root, ("slice_file_name", "fsID", "fold", "class")).iterrows():
        path = _place(folder, f"audio/fold{row['fold']}/{row['slice_file_name']}")
        yield Recording(path, (row["class"],), row["fsID"], fold=row["fold"], table=table)


def _fsd50k(root):
    folder = Folder(root)
    for part, splits in (("dev", {"train": "train", "val": "validation"}), ("eval", {})):
        columns = ("fname", "labels", "split") if splits else ("fname", "labels")
        table = root / "FSD50K.ground_truth" / f"{part}.csv"
        for row in _csv(table, root, columns).itertuples():
            path = _place(folder, f"FSD50K.{part}_audio/{row.fname}.wav")
            split = splits.get(row.split, "") if splits else "test"
            yield Recording(path, tuple(row.labels.split(",")), row.fname, split=split, table=table)


def _fsdkaggle2018(root):
    train = _first(root, "FSDKaggle2018.meta/train_post_competition.csv", "train.csv")
    folder = Folder(_first(root, "FSDKaggle2018.audio_train", "audio_train") or root)
    test = _first(root, "FSDKaggle2018.meta/test_post_competition_scoring_clips.csv")
    for row in _csv(train, root, ("fname", "label")).itertuples():
        source = getattr(row, "freesound_id", row.fname)
        split = "train" if test else ""
        yield Recording(_place(folder, row.fname), (row.label,), source, split=split, table=train)
    if test:
        folder = Folder(root)
        for row in _csv(test, root, ("fname", "label")).itertuples():
            source = getattr(row, "freesound_id", row.fname)
            path = _place(folder, f"FSDKaggle2018.audio_test/{row.fname}")
            yield Recording(path, (row.label,), source, split="test", table=test)


def _desed(root):
    listed = _first(root, "soundbank_validation.tsv", "audio/train/soundbank_validation.tsv")
    moved = set(_csv(listed, root, ("filepath",)).filepath) if listed else set()
    for split, folder in (("train", "train"), ("validation", "validation"), ("test", "eval")):
        bank = root / "audio" / folder / "soundbank"
        for role in ("foreground", "background"):
            for path in audio_below(bank / role) if (bank / role).is_dir() else ():
                label = EDGE_SUFFIX.sub("", path.relative_to(bank / role).parts[0])
                cut = CLIP_OF_SOURCE.fullmatch(path.stem)
                source = cut[1] if cut else f"{label}/{path.stem}"
                in_validation = any(normal(str(path)).endswith(name) for name in moved) if split == "train" else False
                part, table = "validation" if in_validation else split, listed if split == "train" else None
                yield Recording(path, (label,), source, split=part, role=role, table=table)


LAYOUTS = {
    "folders": class_folders,
    "esc50": _esc50,
    "urbansound8k": _urbansound8k,
    "fsd50k": _fsd50k,
    "fsdkaggle2018": _fsdkaggle2018,
    "desed": _desed,
}
EXPECTED = {
    "folders": "one folder per class with audio files in it",
    "esc50": "meta/esc50.csv and audio/",
    "urbansound8k": "metadata/UrbanSound8K.csv and audio/fold<n>/",
    "fsd50k": "FSD50K.ground_truth/{dev,eval}.csv and FSD50K.{dev,eval}_audio/",
    "fsdkaggle2018": "FSDKaggle2018.meta/ and FSDKaggle2018.audio_{train,test}/, or train.csv and audio_train/",
    "desed": "audio/{train,validation,eval}/soundbank/{foreground,background}/<label>/",
}


def _place(folder: Folder, name: str) -> Path:
    """Where a recording is; where it should be, if it is not there."""
    return folder.find(name) or folder.root / name


def _first(root, *names):
    return next((root / name for name in names if (root / name).exists()), None)


def _csv(path, root, columns):
    """A published table with every field a string (clip 00044 is not clip 44)."""
    if path is None or not path.is_file():
        raise UserError(f"{path or root}: the collection's table is missing; check --root and --format")
    return read_table(path, columns)
