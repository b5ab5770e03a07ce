"""Composition root: configuration -> data -> system -> trainer. Read it top to bottom."""

import hashlib
import json
from collections.abc import Callable
from typing import Annotated

import torch

from sedsep import config, ranks
from sedsep.assembly import assemble
from sedsep.data.augment import EFFECTS
from sedsep.data.manifest import ClipSet
from sedsep.data.parts import MixedClips, RecordedClips
from sedsep.data.scene import as_fingerprinted, describe
from sedsep.data.simulate import SimulatedClips
from sedsep.data.soundbank import Soundbank
from sedsep.data.targets import Targets
from sedsep.data.windows import Windows
from sedsep.engine import checkpoint, earlier, processes
from sedsep.engine.experiment import begun, open_experiment, running
from sedsep.engine.optimisation import Optimisation
from sedsep.engine.trainer import Schedule, Trainer
from sedsep.errors import UserError
from sedsep.labels import Classes
from sedsep.systems import of_task


def train(
    task: str, raw: dict, exp, streams: dict, validation: dict, initial: dict = None, run: Callable = Trainer.fit
):  # fmt: skip
    """Train a system in the directory ``exp``; go on where an earlier run of it stopped.

    Args:
        task: the command, as in "train-sed". raw: configuration as ``config.read`` gives it; ``system.kind`` chooses
            among the task's systems.
        streams: name -> what to train on: data directories, or pairs of a soundbank and a scene description, which
            are mixed anew in every epoch.
        validation: name -> data directories to choose the best epoch on.
        initial: role -> model file to start from, as the system declares them.
        run: what is done with the trainer.

    Returns:
        what ``run`` does; of a training, the metrics of the best epoch of each variant.
    """
    initial = {role: path for role, path in (initial or {}).items() if path}
    kind = chosen(task, raw)
    found = begun(exp)
    former = found and earlier.configuration(found, kind.kind)["system"]
    resolved = configured(task, raw, kind, checkpoint.inherited(kind, initial), initial, former)
    sets, valid_sets = _read(kind, kind.streams, streams), _read(kind, kind.validation, validation)
    classes = _common_classes(kind, [s for group in (*sets.values(), *valid_sets.values()) for s in group])
    given = {
        "classes": list(classes),
        **{f"train_{stream}": _fingerprint(group) for stream, group in sets.items()},
        **{f"valid_{stream}": _fingerprint(group) for stream, group in valid_sets.items()},
        **{f"init_{role}": checkpoint.fingerprint(path) for role, path in initial.items()},
    }
    device = processes.join(resolved["device"])
    asked = {**resolved, "given": given}
    ranks.agree("the fingerprint of data and configuration", _digest(asked))
    with processes.one_fate(), running(exp):
        open_experiment(exp, asked, lambda old: _said_today(old, task, kind, classes))

        torch.manual_seed(resolved["seed"])
        system = checkpoint.build(classes, resolved["system"])
        checkpoint.start(system, initial, classes)
        data, seed = resolved["data"], resolved["seed"]
        banks = tuple(part.bank for group in sets.values() for part in group if isinstance(part, SimulatedClips))
        effects = [config.build(EFFECTS, _with_bank(section, banks)) for section in data["effects"]]
        trainer = assemble(
            system, resolved["system"],
            {s.name: _dataset(system, s, sets[s.name], data, seed, effects) for s in system.streams if s.name in sets},
            {s.name: _dataset(system, s, valid_sets[s.name], data, 0, None, banks)
             for s in system.validation if s.name in valid_sets},
            data, Optimisation(**resolved["optimisation"]), Schedule(**resolved["schedule"]), exp, seed, device,
        )  # fmt: skip
        return run(trainer)


def chosen(task: str, raw: dict) -> type:
    """The class of the system that a configuration names, or else the first of the task. Raises UserError."""
    kinds = of_task(task)
    kind = earlier.section(raw.get("system")).get("kind")
    if kind is None:
        return next(iter(kinds.values()))
    return kinds[config.typed(kind, config.one_of(kinds), "system.kind")]


def schema(system: type):
    """The callable whose signature is the configuration of a training of ``system``."""

    def configuration(
        seed: config.Whole = 42,
        device: str = "auto",
        data: Annotated[dict, system.data] = None,
        system: Annotated[dict, {system.kind: system}] = None,
        optimisation: Annotated[dict, Optimisation] = None,
        schedule: Annotated[dict, Schedule] = None,
    ):
        raise TypeError("a signature to check against, not to call")

    return configuration


def configured(task: str, raw: dict, kind: type, fixed: dict = None, by=None, former: dict = None) -> dict:
    """The whole configuration of a training, checked, with all defaults.

    Args:
        kind: class of the system. fixed: sections of it that the models ``by`` fix, which training starts from.
        former: the section ``system`` of the experiment that goes on.

    Raises:
        UserError: a key is unknown or of the wrong type, or contradicts a model that training starts from.
    """
    section = earlier.section(raw.get("system"))
    for name, value in (fixed or {}).items():
        if section.setdefault(name, value) != value:
            paths = " and ".join(str(path) for path in (by or {}).values())
            raise UserError(f"configuration: system.{name} is fixed by {paths}; leave it out")
    section = earlier.as_begun(section, former or {})
    return config.resolve(schema(kind), {**raw, "system": {**section, "kind": kind.kind}})


def _said_today(old, task, kind, classes):
    """What an experiment was asked for, in today's words: with keys that came later at their defaults."""
    given = {"classes": list(classes), **old.pop("given", {})}
    said = earlier.configuration(old, kind.kind)
    return {**configured(task, said, chosen(task, said)), "given": given}


def _read(kind, declared, named) -> dict:
    """Name of a stream -> its ``ClipSet`` s and ``SimulatedClips``, each with the labels that the stream is to have.

    A stream has its own kind of labels and no others, whatever else is known of its clips.
    """
    known = {stream.name: stream for stream in declared}
    for name in named:
        if name not in known:
            raise UserError(f"a {kind.kind} system has no {name} clips; it has: {', '.join(known)}")
    lacking = [stream.option for stream in declared if stream.required and not named.get(stream.name)]
    if lacking or not named:
        raise UserError(f"nothing given for {' and '.join(lacking) or ' or '.join(s.option for s in declared)}")
    return {name: [_source(one, known[name]) for one in sources] for name, sources in named.items()}


def _source(source, stream):
    if isinstance(source, tuple):
        bank, scene = source
        description = describe(config.read(scene))
        if stream.labels not in ("any", description.labels):
            raise UserError(f"{scene}: labels are {description.labels}; {stream.option} needs {stream.labels} ones")
        return SimulatedClips(description, Soundbank.read(bank))
    clip_set = ClipSet.read(source)
    return clip_set if stream.labels == "any" else clip_set.labelled(stream.labels)


def _common_classes(kind, sets) -> Classes:
    """The classes of all sets; of a system to which they mean nothing, whatever occurs."""
    if not kind.needs_classes:
        return Classes(tuple(dict.fromkeys(name for one in sets for name in one.classes)))
    first = sets[0]
    for other in sets[1:]:
        if other.classes != first.classes:
            raise UserError(
                f"classes differ: {', '.join(other.classes)} of {_place(other)} against {', '.join(first.classes)} of "
                f"{_place(first)}; all sets of a training run need the same classes in the same order"
            )
    return first.classes


def _place(group):
    return group.directory if isinstance(group, ClipSet) else "the simulated clips"


def _fingerprint(group):
    """Of ids, durations and labels, or of a scene description (not of the audio, which would take long)."""
    rows = []
    for part in group:
        if isinstance(part, ClipSet):
            rows += [(c.filename, round(c.duration, 3), c.strong, c.weak) for c in part]
        else:
            rows.append(as_fingerprinted(part.description))
    return f"{sum(map(len, group))} clips, {_digest(rows)}"


def _digest(value):
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:12]


def _with_bank(section, banks):
    """The section of an effect; one that may name a bank and does not has the first that clips are mixed from."""
    return {**section, "bank": str(banks[0].directory)} if banks and section.get("bank", "") is None else section


def _dataset(system, stream, group, data, seed, effects=None, banks=()):
    """The data set of one stream: of training with ``effects``, of validation without.

    ``banks`` are what the clips of training are mixed from.
    """
    if not any(map(len, group)):
        raise UserError(f"{_place(group[0])}: no clips")
    parts = [
        RecordedClips(part, system.sample_rate, stream.stems)
        if isinstance(part, ClipSet)
        else MixedClips(part, stream.stems)
        for part in group
    ]
    common = (parts, system.classes, system.sample_rate, data["seconds"])
    training, heard = effects is not None, (effects or (), system.views)
    if stream.targets:
        longest = data["enrolment_seconds"] if stream.enrolments else None
        return Targets(*common, longest, seed, training, *heard, banks)
    return Windows(*common, system.grid, stream.sources, seed, training, *heard, stream.slots)
