"""Enrolled: the classes that a model has learnt after its training, in a readable table beside it, its registry.

``<model>.classes.tsv`` has one row per class: name, how its embedding was found ("mean" of its recordings', or
adapted), the recordings, the fingerprint of the model that it belongs to, and the embedding's numbers. The model
file never changes: the paper's ``W' = [W, e_new]`` (Delcroix et al. 2021, eq. 9) is the two together.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sedsep.errors import UserError, nearest
from sedsep.files import read_table, write_table
from sedsep.names import normal

COLUMNS = ["name", "how", "recordings", "model", "embedding"]


@dataclass(frozen=True)
class Enrolled:
    """A class of the registry: its embedding ``(D,)`` float32, from which recordings, and how."""

    name: str
    how: str
    recordings: tuple
    embedding: np.ndarray


def beside(model) -> Path:
    """The registry's place for a model file."""
    return Path(model).with_suffix(".classes.tsv")


def read(path, model) -> dict:
    """name -> :class:`Enrolled`; empty where the file does not exist.

    Args:
        model: the ``apply.model.Model`` that the embeddings must belong to.

    Raises:
        UserError: the table is broken, or belongs to another model.
    """
    path, width = Path(path), model.system.extractor.width
    if not path.is_file():
        return {}
    found = {}
    table = read_table(path, COLUMNS)
    for line, row in zip(table.index, table.itertuples(index=False)):
        if row.model != model.fingerprint:
            raise UserError(
                f"{path}:{line}: {row.name!r} was enrolled with another model than {model.path}; enroll it again"
            )
        try:
            recordings, embedding = _recordings(row.recordings), np.array(row.embedding.split(), np.float32)
        except ValueError:
            what = "the embedding holds something that is no number, or the recordings are no list"
            raise UserError(f"{path}:{line}: {what}; enroll {row.name!r} again") from None
        if len(embedding) != width or not np.isfinite(embedding).all():
            raise UserError(f"{path}:{line}: the embedding must be {width} numbers; enroll {row.name!r} again")
        found[row.name] = Enrolled(row.name, row.how, recordings, embedding)
    return found


def write(path, model, enrolled: dict) -> None:
    """Write the table, so that the numbers read back equal."""
    rows = [
        (entry.name, entry.how, _listed(tuple(map(str, entry.recordings))), model.fingerprint,
         " ".join(str(value) for value in entry.embedding.astype(np.float32)))
        for entry in enrolled.values()
    ]  # fmt: skip
    write_table(path, pd.DataFrame(rows, columns=COLUMNS))


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
