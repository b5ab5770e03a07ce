"""Enrol: a few recordings of a sound -> a new class in the registry beside the model.

Source: Delcroix et al. 2021, section 3: the mean of the recordings' embeddings (eq. 8), registered as a new column
of the embedding matrix (eq. 9).
"""

import math
from pathlib import Path

import numpy as np

from sedsep.apply import enrolled
from sedsep.apply.enrolled import Enrolled
from sedsep.apply.extract import REST
from sedsep.apply.model import Model
from sedsep.data.enrolment import whole_recordings
from sedsep.data.soundbank import active_sounds
from sedsep.errors import UserError
from sedsep.names import fault, normal


def shots_of(name: str, files, model: Model) -> dict:
    """A class and its recordings: ``{name: one Sound per file}``, from its first to its last active moment.

    Raises:
        UserError: the name belongs to a trained class or cannot be a file's, or a file is silent or broken.
    """
    name = normal(name)
    if name in model.classes.names and model.system.table is not None:
        raise UserError(f"the model was trained on {name!r} and keeps it as it is; choose another name")
    if fault(name) or name == REST or name.startswith("."):
        raise UserError(f"{name!r} cannot name a class: it {fault(name) or 'becomes the name of a file'}")
    return {name: whole_recordings([s for path in files for s in active_sounds(Path(path).absolute(), name)])}


def means(model: Model, shots: dict) -> dict:
    """class -> its :class:`Sound` s -> class -> mean of their embeddings ``(D,)``."""
    return {
        name: np.mean([model.example(s.path, s.onset, s.offset) for s in sounds], 0) for name, sounds in shots.items()
    }


def check_new(path, model: Model, names, known: dict = None) -> None:
    """Raise UserError for a class that a registry (or ``known``, what it holds) has for this very model already."""
    known = enrolled.read_all(path) if known is None else known
    for name in names:
        if name in known and known[name].model == model.fingerprint:
            before = f"{known[name].how} of {' | '.join(known[name].recordings)}"
            raise UserError(f"{path}: {name!r} is enrolled already ({before}); to learn it anew: --replace")


def register(
    path, model: Model, shots: dict, embeddings: dict, how: str, improvements: dict, replacing: bool = True
) -> int:
    """Add classes to a registry, or replace those of the same name; all others keep their numbers.

    Args:
        path: the registry. shots: class -> recordings. embeddings: class -> ``(D,)``. how: they were found.
        improvements: class -> dB to be expected, as far as that is known.
        replacing: classes of this model, too, which another command may have enrolled in the meantime.

    Returns:
        how many classes of the model are in the registry.

    Raises:
        UserError: without ``replacing``, the registry has such a class already; or it cannot be written.
    """
    with enrolled.changing(path) as known:
        if not replacing:
            check_new(path, model, embeddings, known)
        for name, embedding in embeddings.items():
            recordings = tuple(dict.fromkeys(str(sound.path) for sound in shots[name]))
            embedding, improvement = np.asarray(embedding, np.float32), improvements.get(name, math.nan)
            known[name] = Enrolled(name, how, recordings, embedding, model.fingerprint, improvement)
    return sum(entry.model == model.fingerprint for entry in known.values())
