"""Earlier: what files of former formats say, said in today's words. Only names move here, never numbers.

Format 1 (2025 to 2026): the system's kind stood beside its configuration, a front-end was one section with the scaler
"instance" for what is ``minmax_signed`` now, SSep+SED was called ensemble, and a detector's CRNN held the pooling.

Two defaults changed to what made the published numbers (November 2026): the scaling was ``minmax_signed``, and the
frozen detector of SSep+SED had no dropout. A model file names its scaling; an experiment keeps what it was begun with.
A configuration that a person wrote and that names no scaling gets today's default in whatever is begun now.
"""

import re

from sedsep.errors import UserError

FORMATS = (1,)
KINDS = {"ensemble": "ssep_sed"}
SPECTRUM = ("sample_rate", "n_fft", "hop", "n_mels", "f_min", "f_max", "mel_scale")
COMPRESSION = ("floor", "clamp_db")
SCALERS = {"instance": "minmax_signed", "none": "none"}
CHANGED = {("frontend", "scaling", "kind"): "minmax_signed", ("frozen_dropout",): False}  # former defaults of a system


def upgraded(state: dict) -> dict:
    """The content of a checkpoint of a former format, as a new one would have it: a model, or a state of training."""
    state = dict(state)
    if "weights" in state:
        state["weights"] = {renamed(name): value for name, value in state["weights"].items()}
    if "system" in state:
        state["config"] = section(state["config"], state.pop("system"))
        state["smoothing"] = state.pop("postprocess", [])
    return state


def renamed(name: str) -> str:
    """A weight's name.

    >>> renamed("student.detector.crnn.attention.bias"), renamed("student.crnn.cnn.0.0.weight")
    ('student.detector.network.pooling.attention.bias', 'student.network.cnn.0.0.weight')
    """
    return re.sub(r"(^|\.)crnn\.(strong|attention)\.", r"\1network.pooling.\2.", name).replace(".crnn.", ".network.")


def section(found: dict, kind: str = None) -> dict:
    """The section ``system`` of a configuration, whoever wrote it: what is of today already stays as it is.

    Raises:
        UserError: it is no section.
    """
    if not isinstance(found, dict | None):
        raise UserError(f"configuration: system must be a section of keys, not {found!r}")
    found = dict(found or {})
    kind = found.pop("kind", kind)
    if isinstance(found.get("frontend"), dict):
        found["frontend"] = frontend(found["frontend"])
    return found if kind is None else {"kind": KINDS.get(kind, kind), **found}


def frontend(found: dict) -> dict:
    """The section ``frontend``: one level of keys becomes three sections.

    >>> frontend({"hop": 512, "scaler": "instance"})
    {'spectrum': {'hop': 512}, 'scaling': {'kind': 'minmax_signed'}}
    """
    found, new = dict(found), {}
    for name, keys in (("spectrum", SPECTRUM), ("compression", COMPRESSION)):
        moved = {key: found.pop(key) for key in keys if key in found}
        if moved:
            new[name] = {**(found.get(name) or {}), **moved}
    if "scaler" in found:
        scaler = found.pop("scaler")
        new["scaling"] = {"kind": SCALERS.get(scaler, scaler)}
    return {**found, **new}


def configuration(found: dict, kind: str) -> dict:
    """What ``config.yaml`` of an experiment says, of whatever format; ``kind`` of its system where it names none."""
    system = section(found.get("system"), kind)
    if system.get("kind") == "ssep_sed":
        system.setdefault("frozen_dropout", False)
    return {**found, "system": system}


def as_begun(asked: dict, begun: dict) -> dict:
    """The section ``system`` that is asked for, going on with an experiment: former defaults hold where it has them.

    Args:
        asked: names only what is not left to the defaults. begun: the section of the experiment, as
            :func:`configuration` gives it.

    >>> as_begun({"frontend": {"spectrum": {"hop": 255}}}, {"frontend": {"scaling": {"kind": "minmax_signed"}}})
    {'frontend': {'spectrum': {'hop': 255}, 'scaling': {'kind': 'minmax_signed'}}}
    """
    for path, former in CHANGED.items():
        if _found(begun, path) == former and _found(asked, path) is None:
            asked = _with(asked, path, former)
    return asked


def _found(section, path):
    for key in path:
        section = section.get(key) if isinstance(section, dict) else None
    return section


def _with(section, path, value):
    if not isinstance(section, (dict, type(None))):
        return section  # a mistake, which is named where the configuration is checked
    first, *rest = path
    section = section or {}
    return {**section, first: _with(section.get(first), rest, value) if rest else value}
