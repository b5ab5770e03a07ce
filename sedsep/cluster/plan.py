"""Plan: a few steps of training on made-up clips tell what the whole run will take, and what to ask Slurm for."""

import math
import resource
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import yaml
from torch.utils.data import Dataset

from sedsep import config
from sedsep.batch import Example
from sedsep.data.loader import Loader
from sedsep.data.sampler import StreamSampler
from sedsep.engine import checkpoint, processes
from sedsep.engine.optimisation import Optimisation, Optimiser
from sedsep.engine.trainer import Schedule, Trainer
from sedsep.errors import UserError
from sedsep.files import write_text
from sedsep.labels import Classes
from sedsep.nnet.fast import accelerate
from sedsep.systems import SYSTEMS
from sedsep.train import schema

GB = 1 << 30
# By the recipes' names of jobs.
SECTIONS = {"separation": "train_sep", "detection": "train_sed", "joint": "train", "extraction": "train"}
SYSTEM_OF = {"sep": "separation", "sed": "detection", "joint": "joint", "tse": "extraction"}
BATCHES = 3  # of each of three epochs: one to warm up, one to measure, one before the validation
LABELLED = ("strong", "weak", "unlabelled")
MARGIN = 1.5  # of time and memory, between what is measured and what is asked for
DRIVER = 1 * GB  # of GPU memory that torch does not count


class MadeUp(Dataset):
    """``size`` clips of noise, with random labels where the name of the stream asks for them."""

    def __init__(self, system, seconds: float, stream: str, size: int):
        self.system, self.stream, self.size = system, stream, size
        self.n_samples = round(seconds * system.sample_rate)

    def __len__(self):
        return self.size

    def __getitem__(self, key):
        draw, n_classes = np.random.default_rng(key), len(self.system.classes)
        n_sources = self.system.n_sources
        sources = draw.normal(0, 0.1, (n_sources or 1, self.n_samples)).astype(np.float32)
        example = Example(str(key[1]), sources.sum(0), self.n_samples, sources if n_sources else None)
        if self.system.needs_targets:
            example.target, example.target_class = sources[0], int(draw.integers(n_classes))
        if self.system.needs_enrolments:
            example.enrolment = draw.normal(0, 0.1, self.n_samples).astype(np.float32)
        if self.stream == "strong":
            n_frames = self.system.grid.n_frames(self.n_samples)
            example.strong, example.events = (draw.random((n_frames, n_classes)) > 0.9).astype(np.float32), ()
        if self.stream == "weak":
            example.weak = (draw.random(n_classes) > 0.8).astype(np.float32)
        return example


@dataclass(frozen=True)
class Plan:
    """What was measured.

    Args:
        name: of the system. parameters: that train. clips: in a batch.
        batch, validation: seconds of a batch of training, and of one of validation.
        memory, gpu_memory, disk: bytes. batches: per epoch.
    """

    name: str
    device: str
    parameters: int
    clips: int
    batch: float
    validation: float
    memory: int
    gpu_memory: int
    disk: int
    batches: int
    epochs: int
    workers: int

    @property
    def epoch(self) -> float:
        """Seconds of an epoch, without its validation."""
        return self.batch * self.batches


def measure(conf, settings=(), name: str = None, batches: int = None, n_classes: int = 10) -> Plan:
    """Train for a few steps on made-up clips, in a directory that goes away.

    Args:
        conf: configuration of a training command. name: of the system; by default by the name of the file.
        batches: per epoch, where the configuration leaves it to the data.

    Raises:
        UserError: the system is not known, or the configuration does not fit it.
    """
    name = name or SYSTEM_OF.get(Path(conf).stem)
    if name not in SYSTEMS:
        raise UserError(f"{conf}: which system is it for? say --system {'|'.join(SYSTEMS)}")
    resolved = config.resolve(schema(name), _with_parts(config.read(conf, settings), conf, name))
    data, device = resolved["data"], processes.join(resolved["device"])
    classes = Classes(tuple(f"class{i}" for i in range(n_classes)))
    system = accelerate(SYSTEMS[name](classes, **resolved["system"]))
    shares = {"mixtures": data["batch"]} if "batch" in data else {k: data[k] for k in LABELLED if data[k]}
    valid = data.get("batch") or data["validation"]
    with tempfile.TemporaryDirectory() as directory:
        trainer = Trainer(
            system=system,
            description=checkpoint.describe(system, name, resolved["system"], data["seconds"]),
            optimiser=Optimiser(system.parameters(), Optimisation(**resolved["optimisation"])),
            schedule=Schedule(epochs=3, validate_every=3),
            loader=_loader(system, data["seconds"], shares, BATCHES),
            valid_loaders={stream: _loader(system, data["seconds"], {stream: valid}, 1) for stream in shares},
            directory=directory, seed=0, device=device,
        )  # fmt: skip
        trainer.fit()
        start = time.perf_counter()
        system.eval().validate(trainer.valid_loaders)
        validation = time.perf_counter() - start
        disk = sum(path.stat().st_size for path in Path(directory).glob("*.pt"))
    gpu = torch.cuda.max_memory_allocated() + DRIVER if device.startswith("cuda") else 0
    return Plan(
        name, device, sum(p.numel() for p in system.parameters() if p.requires_grad), sum(shares.values()),
        trainer.history[1]["seconds"] / BATCHES, validation,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, gpu, disk,
        data["batches"] or batches or 100, resolved["schedule"]["epochs"], data["workers"],
    )  # fmt: skip


def _loader(system, seconds, shares, batches):
    sets = {stream: MadeUp(system, seconds, stream, share * batches) for stream, share in shares.items()}
    return Loader(sets, StreamSampler({stream: len(one) for stream, one in sets.items()}, shares))


def _with_parts(raw, conf, name):
    """A joint system takes its parts from the configurations beside its own, as it does from trained models."""
    if name != "joint":
        return raw
    section = dict(raw.get("system") or {})
    for part, other in (("separator", "sep"), ("frontend", "sed"), ("detector", "sed")):
        if part not in section:
            beside = config.read(Path(conf).with_name(f"{other}.yaml"))
            section[part] = beside["system"].get(part)
    return {**raw, "system": section}


def request(plan: Plan) -> dict:
    """The matching section of a site file."""
    hours = MARGIN * plan.epochs * (plan.epoch + plan.validation) / 3600 + 0.25
    asked = {
        "time": f"{int(hours)}:{int(hours * 60) % 60:02d}:00",
        "memory": f"{max(2, math.ceil(MARGIN * plan.memory / GB))}G",
        "cpus": max(2, plan.workers + 1),
    }
    return {**asked, "gpus": 1} if plan.gpu_memory else asked


def write(path, plan: Plan) -> None:
    """Put the request into a site file; the file's other sections stay, its comments do not."""
    sections, section = config.read(path) if Path(path).exists() else {}, SECTIONS[plan.name]
    sections[section] = {**(sections.get(section) or {}), **request(plan)}
    write_text(path, yaml.safe_dump(sections, sort_keys=False))


def describe(plan: Plan) -> str:
    """The plan for people, and the request as a line of a site file."""
    run = plan.epochs * (plan.epoch + plan.validation)
    asked = yaml.safe_dump(request(plan), default_flow_style=True, sort_keys=False).strip()
    gpu = f", {plan.gpu_memory / GB:.1f} GB of the GPU" * bool(plan.gpu_memory)
    return "\n".join(
        [
            f"{plan.name} on {plan.device}: {plan.parameters} parameters train, {plan.clips} clips in a batch",
            f"time      {plan.batch:.2f} s per batch, {_span(plan.epoch)} per epoch of {plan.batches} batches, "
            f"{_span(run)} for {plan.epochs} epochs; {plan.validation:.2f} s per batch of validation",
            f"memory    {plan.memory / GB:.1f} GB{gpu}",
            f"disk      {plan.disk / (1 << 20):.0f} MB of checkpoints",
            f"request   {SECTIONS[plan.name]}: {asked}",
        ]
    )


def _span(seconds):
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"
