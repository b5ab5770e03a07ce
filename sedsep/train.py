"""Composition root: configuration -> data -> system -> optimiser -> trainer. Read it top to bottom."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Annotated

import torch

from sedsep import config, ranks
from sedsep.data.dataset import MixedClips, RecordedClips, Windows
from sedsep.data.loader import Loader
from sedsep.data.manifest import ClipSet
from sedsep.data.sampler import StreamSampler
from sedsep.data.scene import describe
from sedsep.data.simulate import SimulatedClips
from sedsep.data.soundbank import Soundbank
from sedsep.data.targets import Targets
from sedsep.engine import checkpoint, processes
from sedsep.engine.experiment import open_experiment
from sedsep.engine.optimisation import Optimisation, Optimiser
from sedsep.engine.survival import ignore_signals
from sedsep.engine.trainer import Schedule, Trainer
from sedsep.errors import UserError
from sedsep.nnet.fast import accelerate
from sedsep.systems import SYSTEMS


@dataclass(frozen=True)
class Mixtures:
    """Data of separators.

    Args:
        seconds: of the windows. batch: clips per batch. batches: per epoch at most. workers: loading processes.
    """

    seconds: config.Seconds = 4.0
    batch: config.Count = 6
    batches: config.CountOrNone = None
    workers: config.Whole = 0


@dataclass(frozen=True)
class Labelled:
    """Data of detectors.

    Args:
        seconds: of the clips. strong, weak, unlabelled: clips of each kind in a batch. batches: per epoch at most.
        validation: clips per batch of validation. workers: loading processes.
    """

    seconds: config.Seconds = 10.0
    strong: config.Whole = 12
    weak: config.Whole = 12
    unlabelled: config.Whole = 24
    batches: config.CountOrNone = None
    validation: config.Count = 24
    workers: config.Whole = 0


@dataclass(frozen=True)
class TargetMixtures:
    """Data of extractors.

    Args:
        seconds: of the mixtures. batch: mixtures per batch. batches: per epoch at most. workers: loading processes.
        enrolment_seconds: longest enrolment; of a longer recording a drawn part is taken.
    """

    seconds: config.Seconds = 6.0
    batch: config.Count = 6
    batches: config.CountOrNone = None
    enrolment_seconds: config.Seconds = 30.0
    workers: config.Whole = 0


LABELS = {"strong": "strong", "weak": "weak", "unlabelled": "none"}  # of each stream
ROLES = {"separator": "separation", "detector": "detection"}  # what training starts from; else: its own system
DATA = {
    "separation": Mixtures,
    "detection": Labelled,
    "joint": Labelled,
    "ensemble": Labelled,
    "extraction": TargetMixtures,
}


def schema(name: str):
    """The callable whose signature is the configuration of training system ``name``."""

    def configuration(
        seed: config.Whole = 42,
        device: str = "auto",
        data: Annotated[dict, DATA[name]] = None,
        system: Annotated[dict, SYSTEMS[name]] = None,
        optimisation: Annotated[dict, Optimisation] = None,
        schedule: Annotated[dict, Schedule] = None,
    ):
        raise TypeError("a signature to check against, not to call")

    return configuration


def train(name: str, raw: dict, exp, streams: dict, validation: dict, initial: dict = None) -> dict:
    """Train the system ``name`` in the directory ``exp``; go on where an earlier run of it stopped.

    Args:
        raw: configuration as ``config.read`` gives it.
        streams: name -> what to train on: data directories, or pairs of a soundbank and a scene description, which
            are mixed anew in every epoch.
        validation: name -> data directories to choose the best epoch on.
        initial: ``{"separator": ..., "detector": ..., "model": ...}`` model files to start from.

    Returns:
        the metrics of the best epoch of each variant.
    """
    initial = {part: path for part, path in (initial or {}).items() if path}
    resolved = config.resolve(schema(name), {**raw, "system": _with_inherited(name, raw.get("system"), initial)})
    sets = {stream: [_read(source, stream) for source in sources] for stream, sources in streams.items()}
    valid_sets = {stream: [_read(source, stream) for source in sources] for stream, sources in validation.items()}
    classes = _common_classes([s for group in (*sets.values(), *valid_sets.values()) for s in group])
    given = {
        **{f"train_{stream}": _fingerprint(group) for stream, group in sets.items()},
        **{f"valid_{stream}": _fingerprint(group) for stream, group in valid_sets.items()},
        **{f"init_{part}": checkpoint.fingerprint(path) for part, path in initial.items()},
    }
    device = processes.join(resolved["device"])
    asked = {**resolved, "given": given}
    ranks.agree("the fingerprint of data and configuration", _digest(asked))
    open_experiment(exp, asked)

    torch.manual_seed(resolved["seed"])
    system = accelerate(SYSTEMS[name](classes, **resolved["system"]))
    _initialise(system, initial)
    data = resolved["data"]
    loader = _training_loader(system, sets, data, resolved["seed"])
    valid_loaders = {stream: _validation_loader(system, group, data) for stream, group in valid_sets.items()}
    trainer = Trainer(
        system=system,
        description=checkpoint.describe(system, name, resolved["system"], data["seconds"]),
        optimiser=Optimiser(system.parameters(), Optimisation(**resolved["optimisation"])),
        schedule=Schedule(**resolved["schedule"]),
        loader=loader,
        valid_loaders=valid_loaders,
        directory=exp,
        seed=resolved["seed"],
        device=device,
    )
    with processes.one_fate():
        return trainer.fit()


def _read(source, stream):
    """A data directory, or a soundbank and a scene description: ``ClipSet`` or ``SimulatedClips``.

    A stream has its own kind of labels and no others, whatever else is known of its clips.
    """
    if not isinstance(source, tuple):
        clip_set = ClipSet.read(source)
        return clip_set.labelled(LABELS[stream]) if stream in LABELS else clip_set
    bank, scene = source
    return SimulatedClips(describe(config.read(scene)), Soundbank.read(bank))


def _with_inherited(name, section, initial):
    """The section of the system ``name`` with the parts that the initial models fix."""
    section = dict(section or {})
    for role, path in initial.items():
        described = checkpoint.described(path)
        checkpoint.require(path, described, ROLES.get(role, name))
        for part in {"separator", "frontend", "detector"} & set(described["config"]):
            if section.setdefault(part, described["config"][part]) != described["config"][part]:
                raise UserError(f"configuration: system.{part} is fixed by {path}; leave it out")
    return section


def _initialise(system, initial):
    """Copy the selected variants of the initial models into student and teacher."""
    for path in initial.values():
        source, description = checkpoint.load_model(path)
        system.start_from(source, description["selected"])


def _common_classes(sets):
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
            rows.append(asdict(part.description))
    return f"{sum(map(len, group))} clips, {_digest(rows)}"


def _digest(value):
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:12]


def _dataset(system, group, data, seed, training):
    if not any(map(len, group)):
        raise UserError(f"{_place(group[0])}: no clips")
    stems = system.n_sources is not None or system.needs_targets
    parts = [
        RecordedClips(part, system.sample_rate, stems) if isinstance(part, ClipSet) else MixedClips(part, stems)
        for part in group
    ]
    if system.needs_targets:
        longest = data["enrolment_seconds"] if system.needs_enrolments else None
        return Targets(parts, system.classes, system.sample_rate, data["seconds"], longest, seed, training)
    return Windows(
        parts, system.classes, system.sample_rate, data["seconds"], system.grid, system.n_sources, seed, training
    )


def _training_loader(system, sets, data, seed):
    datasets = {stream: _dataset(system, group, data, seed, True) for stream, group in sets.items()}
    shares = {stream: data["batch"] if stream == "mixtures" else data[stream] for stream in datasets}
    shares = {stream: share for stream, share in shares.items() if share > 0}
    sizes = {stream: len(dataset) for stream, dataset in datasets.items()}
    sampler = StreamSampler(sizes, shares, seed, batches=data["batches"])
    share = ranks.share(sum(shares.values()), system.clips_together)
    return Loader(datasets, sampler, data["workers"], share, ignore_signals)


def _validation_loader(system, group, data):
    dataset = _dataset(system, group, data, 0, False)
    share = data.get("batch") or data["validation"]
    return Loader({"valid": dataset}, StreamSampler({"valid": len(dataset)}, {"valid": share}, shuffle=False))
