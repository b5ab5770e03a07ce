"""Enrolled: the classes that a model has learnt after its training, in a readable table beside it, its registry.

``<model>.classes.tsv`` has one row per class: name, how its embedding was found ("mean" of its recordings', or
adapted), how many dB of SI-SDR it came out better than the mixture in mixtures held out of adaptation, the recordings,
the fingerprint of the model that it belongs to, and the embedding's numbers. The model file never changes: the
paper's ``W' = [W, e_new]`` (Delcroix et al. 2021, eq. 9) is the two together.
"""

import contextlib
import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sedsep import progress
from sedsep.errors import UserError, nearest
from sedsep.files import read_table, write_table
from sedsep.names import normal
from sedsep.owner import owning

COLUMNS = ["name", "how", "recordings", "model", "embedding"]
IMPROVEMENT = "improvement_db"  # tables of earlier versions have no such column
PATIENCE = 60.0  # seconds to wait for another command that changes the same registry, which takes a moment


@dataclass(frozen=True)
class Enrolled:
    """A class of the registry.

    Args:
        name, how: it was found. recordings: it was found from. embedding: ``(D,)`` float32. model: the fingerprint of
            the model that it belongs to. improvement: of SI-SDR in dB, to be expected; NaN where nothing tells.
    """

    name: str
    how: str
    recordings: tuple
    embedding: np.ndarray
    model: str
    improvement: float = math.nan


def beside(model) -> Path:
    """The registry's place for a model file."""
    return Path(model).with_suffix(".classes.tsv")


def read_all(path) -> dict:
    """name -> :class:`Enrolled`, of whatever model; empty where the file does not exist.

    Raises:
        UserError: the table is broken.
    """
    path, found = Path(path), {}
    if not path.is_file():
        return found
    table = read_table(path, COLUMNS, optional=(IMPROVEMENT,), numeric=(IMPROVEMENT,))
    for line, row in zip(table.index, table.itertuples(index=False)):
        try:
            recordings, embedding = _recordings(row.recordings), np.array(row.embedding.split(), np.float32)
        except ValueError:
            what = "the embedding holds something that is no number, or the recordings are no list"
            raise UserError(f"{path}:{line}: {what}; enroll {row.name!r} again") from None
        found[row.name] = Enrolled(row.name, row.how, recordings, embedding, row.model, float(row.improvement_db))
    return found


def read(path, model) -> dict:
    """name -> :class:`Enrolled` of one model; classes of another (its file has changed) are said and left out.

    Args:
        model: the ``apply.model.Model`` that the embeddings must belong to.

    Raises:
        UserError: the table is broken.
    """
    every, width = read_all(path), model.system.extractor.width
    found = {name: entry for name, entry in every.items() if entry.model == model.fingerprint}
    for name, entry in found.items():
        if len(entry.embedding) != width or not np.isfinite(entry.embedding).all():
            raise UserError(f"{path}: the embedding of {name!r} must be {width} numbers; enroll it again (--replace)")
    stale = [name for name in every if name not in found]
    if stale:
        progress.say(
            f"sedsep: {path}: left out, enrolled with another model than {model.path}: {', '.join(stale)}; enroll "
            f"them again, or remove them: sedsep classes {model.path} --remove NAME"
        )
    return found


def write(path, enrolled: dict) -> None:
    """Write the table, so that the numbers read back equal."""
    rows = [
        (entry.name, entry.how, entry.improvement, _listed(tuple(map(str, entry.recordings))), entry.model,
         " ".join(str(value) for value in entry.embedding.astype(np.float32)))
        for entry in enrolled.values()
    ]  # fmt: skip
    name, how, *rest = COLUMNS
    write_table(path, pd.DataFrame(rows, columns=[name, how, IMPROVEMENT, *rest]))


@contextlib.contextmanager
def changing(path):
    """Yield what a registry holds, name -> :class:`Enrolled`, to be changed, and write it: no command loses what
    another one writes at the same time.

    Raises:
        UserError: the table is broken, or another command does not let go of it.
    """
    with owning(path, beside=True, patience=PATIENCE):
        known = read_all(path)
        yield known
        write(path, known)


def remove(path, names) -> None:
    """Take classes out of a registry, whatever model they belong to. Raises UserError for one that is not there."""
    with changing(path) as known:
        for name in names:
            if name not in known:
                there = ", ".join(known) or "none"
                raise UserError(f"{path}: no enrolled class {name!r}{nearest(name, known)}; there are: {there}")
            del known[name]


def listing(path, model) -> list:
    """``[(class, what it is), ...]`` for people: the classes that a model was trained on, then those in a registry."""
    by_name = not model.extracts or model.system.table is not None  # else there are examples alone
    rows = [(name, "trained") for name in model.classes if by_name]
    for name, entry in read_all(path).items():
        expected = "" if math.isnan(entry.improvement) else f", {entry.improvement:+.1f} dB of SI-SDR to be expected"
        stale = "" if entry.model == model.fingerprint else " with another model; enroll it again"
        rows.append((name, f"enrolled{stale} ({entry.how}{expected}) from {' | '.join(entry.recordings)}"))
    return rows


def _listed(recordings: tuple) -> str:
    """Paths with bars between them; as JSON, where one of them would not read back."""
    text = " | ".join(recordings)
    plain = not text.startswith("[") and tuple(text.split(" | ")) == recordings
    return text if plain else json.dumps(recordings, ensure_ascii=False)


def _recordings(text: str) -> tuple:
    """What :func:`_listed` wrote. Raises ValueError where it is no list."""
    return tuple(json.loads(text) if text.startswith("[") else text.split(" | "))


def embedding_of(system, enrolled: dict, name: str) -> np.ndarray:
    """The embedding ``(D,)`` of a trained class or of one in the registry.

    Raises:
        UserError: no such class, with the nearest one.
    """
    name = normal(name)
    if name in enrolled:
        return enrolled[name].embedding
    known = [*(system.classes if system.table is not None else ()), *enrolled]
    if name not in known:
        there = ", ".join(known) or "none; enroll one: sedsep enroll NAME clip.wav"
        raise UserError(f"the model knows no class {name!r}{nearest(name, known)}; it knows: {there}")
    return system.embed_class(name).detach().cpu().numpy()
