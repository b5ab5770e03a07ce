"""Checkpoints: tensors and plain values in one file that is whole or absent; loading executes nothing.

A model file (``best_<variant>.pt``) says what the model is: system, configuration, classes, frame grid, smoothing
and the selected variant. ``last.pt`` holds the state of training instead.
"""

import hashlib
import io
import os
from pathlib import Path

import torch

from sedsep.config import resolve
from sedsep.errors import UserError
from sedsep.files import writing
from sedsep.labels import Classes
from sedsep.nnet.fast import accelerate
from sedsep.systems import SYSTEMS

FORMAT = 1


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
    except Exception as error:  # torch raises a dozen types here, by where the damage is
        reason = str(error).strip().splitlines()[0][:100] if str(error).strip() else type(error).__name__
        raise UserError(
            f"{path}: not a whole checkpoint ({reason}); it may have been cut off: copy it again, or delete it "
            "and train anew"
        ) from None
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise UserError(f"{path}: not a sedsep checkpoint of format {FORMAT}")
    return state


def describe(system, name: str, config: dict, seconds: float) -> dict:
    """What a model file says of its model, besides the weights."""
    grid = system.grid
    return {
        "system": name,
        "config": config,
        "classes": list(system.classes),
        "sample_rate": system.sample_rate,
        "seconds": seconds,
        "frame_seconds": grid.frame_seconds if grid else None,
        "postprocess": system.postprocess(),
    }


def load_model(path, device="cpu"):
    """Rebuild the system in a model file.

    Returns:
        the system in evaluation mode, and the file's description (with "selected", the variant it was kept for).
    """
    state = described(path, device)
    weights = state.pop("weights")
    if state["system"] not in SYSTEMS:
        raise UserError(f"{path}: holds the system {state['system']!r}, which this version does not know")
    system = build(state["system"], Classes(tuple(state["classes"])), state["config"])
    try:
        system.load_state_dict(weights)
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{path}: the weights do not fit their own description ({reason})") from None
    return system.to(device).eval(), state


def described(path, device="cpu") -> dict:
    """A model file as it is, weights and description. Raises UserError for the state of a training."""
    state = load(path, device)
    if "weights" not in state or "system" not in state:
        raise UserError(f"{path}: this is a state of training, not a model; use best_<variant>.pt beside it")
    return state


def require(path, state: dict, *systems: str) -> None:
    """Raise UserError unless the model file ``path`` with the description ``state`` holds one of ``systems``."""
    if state["system"] not in systems:
        raise UserError(f"{path}: holds a {state['system']} model; a {' or '.join(systems)} model is needed here")


def keep_smoothing(path, steps: list) -> None:
    """Make ``steps`` the smoothing of a model file; its weights and everything else stay as they are."""
    state = described(path)
    save(path, {**state, "postprocess": steps})


def assemble(separator, detector, device="cpu"):
    """The joint system of two model files without any training: S0 of the JSS paper.

    Returns:
        as :func:`load_model`; the selected variant is the detector's.
    """
    parts = [load_model(path, device) for path in (separator, detector)]
    (_, first), (_, second) = parts
    require(separator, first, "separation")
    require(detector, second, "detection")
    section = {**second["config"], "separator": first["config"]["separator"]}
    section = {key: section[key] for key in ("separator", "frontend", "detector", "teaching", "selection")}
    system = build("joint", Classes(tuple(second["classes"])), section).to(device)
    for part, description in parts:
        system.start_from(part, description["selected"])
    description = describe(system, "joint", section, second["seconds"])
    return system.eval(), {**description, "selected": second["selected"]}


def build(name: str, classes: Classes, config: dict):
    """The system ``name`` with a configuration that is checked again: a file may come from elsewhere."""
    return accelerate(SYSTEMS[name](classes, **resolve(SYSTEMS[name], config, "system")))


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
