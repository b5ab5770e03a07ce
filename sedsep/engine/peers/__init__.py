"""Peers: what the checkpoints of other programs hold, said in our terms. One file per peer.

Their errors are UserErrors that name weights and settings; who reads the file puts its name before them.
"""

from dataclasses import dataclass

import torch

from sedsep import config
from sedsep.errors import UserError
from sedsep.labels import Classes
from sedsep.nnet.fast import accelerate
from sedsep.systems import SYSTEMS


@dataclass(frozen=True)
class Found:
    """A system of ours with the weights of a peer.

    Attributes:
        peer: where it comes from, for people. name, config: of the system, as a model file has them.
        system: in evaluation mode. seconds: length to which decoding pads a shorter clip.
        references: by variant, ``reference(waveform (B, T)) -> {output: tensor}``, the peer's network in plain
            torch functions, from the peer's own names. notes: what was assumed or ignored, one line each.
    """

    peer: str
    name: str
    config: dict
    system: torch.nn.Module
    seconds: float
    references: dict
    notes: list


def build(name: str, classes: Classes, section: dict) -> tuple:
    """The system ``name`` with a configuration, and the configuration with all defaults."""
    resolved = config.resolve(SYSTEMS[name], section, "system")
    return accelerate(SYSTEMS[name](classes, **resolved)).eval(), resolved


def place(weights: dict, own: dict, names) -> dict:
    """A peer's tensors under our names and in our shapes; every one of them is used, every one of ours is filled.

    Args:
        weights: the peer's, by name. own: ours, for names and shapes.
        names: our name -> list of the peer's names, whose tensors are stacked.

    Raises:
        UserError: one is missing, left over, or of another shape (axes of length 1 apart).
    """
    wanted = {ours: names(ours) for ours in own}
    used = {peer for group in wanted.values() for peer in group}
    missing, left = [n for n in used if n not in weights], [n for n in weights if n not in used]
    if missing:
        raise UserError(f"lacks {listed(missing)}; it is not a network that can be imported, or not all of it")
    if left:
        raise UserError(f"holds {listed(left)}, for which our network has no place; it is another network")
    placed = {}
    for ours, group in wanted.items():
        value = torch.cat([weights[peer] for peer in group]) if len(group) > 1 else weights[group[0]]
        if _long_axes(value) != _long_axes(own[ours]):
            raise UserError(
                f"{' and '.join(group)} of shape {tuple(value.shape)} should have {tuple(own[ours].shape)}; "
                "it is another network"
            )
        placed[ours] = value.reshape(own[ours].shape)
    return placed


def _long_axes(tensor):
    return [length for length in tensor.shape if length != 1]


def listed(names) -> str:
    """The first of some names, and how many more there are."""
    names = sorted(map(str, names))
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def size(weights: dict, name: str, axis: int = 0) -> int:
    """Length of an axis of a peer's tensor. Raises UserError where there is none."""
    if name not in weights or weights[name].ndim <= axis:
        raise UserError(f"lacks {name}; it is not a network that can be imported, or not all of it")
    return weights[name].shape[axis]


def demand(said: dict, legal: dict, prefix: str = "") -> None:
    """Raise UserError that names the first setting in ``said`` whose value is not among those in ``legal``."""
    for key, values in legal.items():
        if key in said and said[key] not in values:
            raise UserError(
                f"{prefix}{key} is {repr(said[key])}, which cannot be imported; "
                f"only {' or '.join(dict.fromkeys(map(repr, values)))} can"
            )


def known(said: dict, names, prefix: str = "") -> None:
    """Raise UserError that names the first setting in ``said`` that is not among ``names``."""
    unknown = [key for key in said if key not in names]
    if unknown:
        raise UserError(f"the setting {prefix}{unknown[0]} is not known, so it cannot be imported")


def section(said: dict, key: str) -> dict:
    """The settings in ``said[key]``, none where it is absent. Raises UserError where it is something else."""
    found = said.get(key)
    if found is not None and not isinstance(found, dict):
        raise UserError(f"{key} is {repr(found)} and not a table of settings, so it cannot be imported")
    return found or {}


def number(said: dict, key: str, default: float) -> float:
    """The number ``said[key]``, ``default`` where it is absent. Raises UserError where it is something else."""
    found = default if said.get(key) is None else said[key]
    if not isinstance(found, (int, float)) or not found >= 0:
        raise UserError(f"{key} is {repr(found)}; it must be a number that is not negative")
    return found


def complete(said: dict, settings: dict, prefix: str = "") -> dict:
    """The settings that a file says, and those that the user adds. Raises UserError where the two disagree."""
    merged = dict(said)
    for key, value in settings.items():
        if isinstance(value, dict):
            merged[key] = complete(section(merged, key), value, f"{prefix}{key}.")
        elif merged.setdefault(key, value) != value:
            raise UserError(f"says {prefix}{key} is {repr(merged[key])}; leave --set {prefix}{key} out")
    return merged
