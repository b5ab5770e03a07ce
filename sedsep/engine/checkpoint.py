"""Checkpoints: tensors and plain values in one file that is whole or absent; loading executes nothing.

A model file (``best_<variant>.pt``) says what the model is: configuration (with the system's kind), classes, rates,
smoothing and the selected variant. ``last.pt`` holds the state of training instead. Files of earlier formats are read
as if they had been written today (``earlier.py``).
"""

import hashlib
import io
import os
from pathlib import Path

import torch

from sedsep import config
from sedsep.engine import earlier
from sedsep.errors import UserError, a
from sedsep.files import writing
from sedsep.labels import Classes
from sedsep.nnet.fast import accelerate
from sedsep.systems import SYSTEMS, of_task

FORMAT = 2


def save(path, state: dict) -> None:
    """Write ``state`` (tensors and plain values) to ``path``: temporary file, flush to disk, rename."""
    buffer = io.BytesIO()  # torch.save straight to a full disk would raise its own error, not an OSError
    torch.save({"format": FORMAT, **state}, buffer)
    with writing(path) as temporary, open(temporary, "wb") as file:
        file.write(buffer.getbuffer())
        file.flush()
        os.fsync(file.fileno())


def load(path, device="cpu") -> dict:
    """Read a file that :func:`save` wrote.

    Raises:
        UserError: it is missing, cut short, damaged, or not ours.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such checkpoint")
    try:
        state = torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # noqa: BLE001 - torch raises a dozen types here, by where the damage is
        reason = str(error).strip().splitlines()[0][:100] if str(error).strip() else type(error).__name__
        raise UserError(
            f"{path}: not a whole checkpoint ({reason}); it may have been cut off: copy it again, or delete it "
            "and train anew"
        ) from None
    if not isinstance(state, dict) or state.get("format") not in (*earlier.FORMATS, FORMAT):
        raise UserError(f"{path}: not a sedsep checkpoint of format {FORMAT} or before")
    return state if state["format"] == FORMAT else {**earlier.upgraded(state), "format": FORMAT}


def describe(system, config: dict, seconds: float, enrolment_seconds: float = None) -> dict:
    """What a model file says of its model, besides the weights.

    Args:
        config: the resolved section ``system``, with the ``kind``. seconds: of the clips it was trained on.
        enrolment_seconds: of the longest enrolment it was trained on, where it takes any.
    """
    grid = system.grid
    return {
        "config": {key: None if key in system.training_only else value for key, value in config.items()},
        "classes": list(system.classes),
        "sample_rate": system.sample_rate,
        "seconds": seconds,
        "enrolment_seconds": enrolment_seconds,
        "frame_seconds": grid.frame_seconds if grid else None,
        "smoothing": system.smoothing(),
    }


def load_model(path, device="cpu", settings: dict = None):
    """Rebuild the system in a model file.

    Args:
        settings: keys of its configuration that are to be others than in training; the weights stay.

    Returns:
        the system in evaluation mode, and the file's description (with "selected", the variant it was kept for).
    """
    state = described(path, device)
    weights = state.pop("weights")
    system = build(Classes(tuple(state["classes"])), {**state["config"], **(settings or {})})
    try:
        system.load_state_dict(weights)
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{path}: the weights do not fit their own description ({reason})") from None
    return system.to(device).eval(), state


def described(path, device="cpu") -> dict:
    """A model file as it is, weights and description.

    Raises:
        UserError: it is the state of a training, or of a system that this version does not know.
    """
    state = load(path, device)
    if "weights" not in state or "config" not in state:
        raise UserError(f"{path}: this is a state of training, not a model; use best_<variant>.pt beside it")
    if state["config"].get("kind") not in SYSTEMS:
        raise UserError(f"{path}: holds the system {state['config'].get('kind')!r}, which this version does not know")
    return state


def require(path, state: dict, *kinds: str) -> None:
    """Raise UserError unless the model file ``path`` with the description ``state`` holds a system of ``kinds``."""
    kind = state["config"]["kind"]
    if kind not in kinds:
        raise UserError(f"{path}: holds {a(f'{kind} model')}; {a(' or '.join(kinds))} model is needed here")


def keep_smoothing(path, steps: list) -> None:
    """Make ``steps`` the smoothing of a model file; its weights and everything else stay as they are."""
    state = described(path)
    save(path, {**state, "smoothing": steps})


def inherited(system: type, initial: dict) -> dict:
    """The sections of a system's configuration that the models it starts from fix.

    Args:
        system: the class. initial: role -> model file.

    Raises:
        UserError: these roles do not make a start of that system, or a file holds a model of another kind.
    """
    ways = [{start.name: start for start in way} for way in system.starts]
    way = next((way for way in ways if set(way) == set(initial)), None)
    if way is None:
        known = "; or ".join(" and ".join(start.option for start in way.values()) or "nothing" for way in ways)
        raise UserError(f"a {system.kind} system starts from {known}")
    sections = {}
    for role, path in initial.items():
        state = described(path)
        require(path, state, *(of_task(way[role].task) if way[role].task else [system.kind]))
        sections |= {name: state["config"][name] for name in way[role].sections if name in state["config"]}
    return sections


def start(system, initial: dict, classes: Classes) -> None:
    """Copy the selected variants of the initial models into a system.

    Raises:
        UserError: a model works at another rate, or its classes are not ``classes`` in the same order.
    """
    roles = {one.name: one for way in system.starts for one in way}
    for role, path in initial.items():
        other, description = load_model(path)
        if other.sample_rate != system.sample_rate:
            raise UserError(
                f"{path}: works at {other.sample_rate} Hz, and what it is put together with at {system.sample_rate} "
                "Hz; train both at one rate"
            )
        if roles[role].with_classes and other.classes != classes:
            raise UserError(f"{path}: {differ(other.classes, classes)}; train it on the same classes in the same order")
        system.start_from(role, other, description["selected"])


def differ(found, expected) -> str:
    """How the classes of a model differ from others, in words.

    >>> differ(("Cat", "Dog"), ("Dog", "Cat"))
    'its classes are Cat, Dog, not Dog, Cat'
    """
    return f"its classes are {', '.join(found)}, not {', '.join(expected)}"


def assemble(separator, detector, device="cpu", keep: list = None):
    """The joint system of two model files without any training: S0 of the JSS paper.

    Args:
        keep: numbers of the separator's outputs that are detected, from 0; None: all.

    Returns:
        as :func:`load_model`; the selected variant is the detector's.
    """
    initial = {"separator": separator, "detector": detector}
    sections, second = inherited(SYSTEMS["joint"], initial), described(detector)
    own = {key: second["config"][key] for key in ("teaching", "selection") if key in second["config"]}
    section = config.resolve_kind(of_task("train-joint"), {**own, **sections, "keep": keep, "kind": "joint"}, "system")
    classes = Classes(tuple(second["classes"]))
    system = build(classes, section)
    start(system, initial, classes)
    description = describe(system, section, second["seconds"])
    return system.to(device).eval(), {**description, "selected": second["selected"]}


def build(classes: Classes, section: dict):
    """A system from a section with its ``kind``, which is checked again: a file may come from elsewhere."""
    resolved = config.resolve_kind(SYSTEMS, section, "system")
    return accelerate(config.build(SYSTEMS, resolved, {"classes": classes}))


def fingerprint(path) -> str:
    """First 16 hexadecimal digits of the file's SHA-256."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            for block in iter(lambda: file.read(1 << 20), b""):
                digest.update(block)
    except FileNotFoundError:
        raise UserError(f"{path}: no such checkpoint") from None
    return digest.hexdigest()[:16]
