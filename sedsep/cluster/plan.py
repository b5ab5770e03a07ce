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
from sedsep.assembly import assemble
from sedsep.batch import Example
from sedsep.engine import checkpoint, earlier, processes
from sedsep.engine.optimisation import Optimisation
from sedsep.engine.trainer import Schedule
from sedsep.errors import UserError
from sedsep.files import write_text
from sedsep.labels import Classes
from sedsep.systems import SYSTEMS, of_task
from sedsep.train import configured

GB = 1 << 30
# The section of a site file for a task's jobs, by the recipes' names of jobs; "train" serves all others.
SECTIONS = {"train-sep": "train_sep", "train-sed": "train_sed"}
BATCHES = 3  # of each of three epochs: one to warm up, one to measure, one before the validation
MARGIN = 1.5  # of time and memory, between what is measured and what is asked for
DRIVER = 1 * GB  # of GPU memory that torch does not count


class MadeUp(Dataset):
    """``size`` clips of noise with what a stream says that its clips have, drawn at random."""

    def __init__(self, system, seconds: float, stream, size: int):
        self.system, self.stream, self.size = system, stream, size
        self.n_samples = round(seconds * system.sample_rate)

    def __len__(self):
        return self.size

    def __getitem__(self, key):
        draw, n_classes = np.random.default_rng(key), len(self.system.classes)
        n_sources = self.stream.sources
        sources = draw.normal(0, 0.1, (n_sources or 1, self.n_samples)).astype(np.float32)
        example = Example(str(key[1]), sources.sum(0), self.n_samples, sources if n_sources else None)
        if self.system.views > 1:
            example.other_view = draw.normal(0, 0.1, self.n_samples).astype(np.float32)
        if self.stream.targets:
            example.target, example.target_class = sources[0], int(draw.integers(n_classes))
        if self.stream.enrolments:
            example.enrolment = draw.normal(0, 0.1, self.n_samples).astype(np.float32)
        if self.stream.labels == "strong":
            n_frames = self.system.grid.n_frames(self.n_samples)
            example.strong, example.events = (draw.random((n_frames, n_classes)) > 0.9).astype(np.float32), ()
        if self.stream.labels == "weak":
            example.weak = (draw.random(n_classes) > 0.8).astype(np.float32)
        return example


@dataclass(frozen=True)
class Plan:
    """What was measured.

    Args:
        kind: of the system. section: of the site file. parameters: that train. clips: in a batch.
        batch, validation: seconds of a batch of training, and of one of validation.
        memory, gpu_memory, disk: bytes. batches: per epoch.
    """

    kind: str
    section: str
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


def measure(conf, settings=(), kind: str = None, batches: int = None, n_classes: int = 10, parts=()) -> Plan:
    """Train for a few steps on made-up clips, in a directory that goes away.

    Args:
        conf: configuration of a training command. kind: of the system; by default what the configuration names.
        batches: per epoch, where the configuration leaves it to the data.
        parts: configurations of the models that training starts from; by default those beside ``conf``.

    Raises:
        UserError: the system is not known, or the configuration does not fit it.
    """
    raw = config.read(conf, settings)
    kind = kind or earlier.section(raw.get("system")).get("kind")
    if kind not in SYSTEMS:
        raise UserError(f"{conf}: which system is it for? say --system {'|'.join(SYSTEMS)}, or system.kind in it")
    system_class = SYSTEMS[kind]
    fixed = _of_parts(system_class, parts or sorted(Path(conf).parent.glob("*.yaml")))
    resolved = configured(system_class.task, raw, system_class, {**fixed, **_own(raw, fixed)})
    data, device = resolved["data"], processes.join(resolved["device"])
    system = checkpoint.build(Classes(tuple(f"class{i}" for i in range(n_classes))), resolved["system"])
    shares = {stream.name: data[stream.share] for stream in system.streams}
    with tempfile.TemporaryDirectory() as directory:
        trainer = assemble(
            system, resolved["system"],
            {s.name: MadeUp(system, data["seconds"], s, max(1, BATCHES * shares[s.name])) for s in system.streams},
            {s.name: MadeUp(system, data["seconds"], s, data[s.share]) for s in system.validation},
            {**data, "batches": BATCHES}, Optimisation(**resolved["optimisation"]),
            Schedule(epochs=3, validate_every=3), directory, 0, device,
        )  # fmt: skip
        trainer.fit()
        start = time.perf_counter()
        system.eval().validate(trainer.valid_loaders)
        validation = time.perf_counter() - start
        disk = sum(path.stat().st_size for path in Path(directory).glob("*.pt"))
    gpu = torch.cuda.max_memory_allocated() + DRIVER if device.startswith("cuda") else 0
    return Plan(
        kind, SECTIONS.get(system_class.task, "train"), device,
        sum(p.numel() for p in system.parameters() if p.requires_grad), sum(shares.values()),
        trainer.history[1]["seconds"] / BATCHES, validation,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, gpu, disk,
        data["batches"] or batches or 100, resolved["schedule"]["epochs"], data["workers"],
    )  # fmt: skip


def _of_parts(system, files) -> dict:
    """The sections that models of these configurations would fix, for the first way in which a system starts.

    Of several files for one role the first counts.
    """
    sections, configurations = {}, [earlier.section(config.read(file).get("system")) for file in files]
    for start in system.starts[0]:
        kinds = of_task(start.task)
        found = next((section for section in configurations if section.get("kind") in kinds), {})
        if found:
            resolved = config.resolve_kind(kinds, found, "system")
            sections |= {name: resolved[name] for name in start.sections if name in resolved}
    return sections


def _own(raw, fixed) -> dict:
    """The sections that a configuration says itself, where a model would fix them."""
    section = earlier.section(raw.get("system"))
    return {name: section[name] for name in fixed if name in section}


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
    sections, section = config.read(path) if Path(path).exists() else {}, plan.section
    sections[section] = {**(sections.get(section) or {}), **request(plan)}
    write_text(path, yaml.safe_dump(sections, sort_keys=False))


def describe(plan: Plan) -> str:
    """The plan for people, and the request as a line of a site file."""
    run = plan.epochs * (plan.epoch + plan.validation)
    asked = yaml.safe_dump(request(plan), default_flow_style=True, sort_keys=False).strip()
    gpu = f", {plan.gpu_memory / GB:.1f} GB of the GPU" * bool(plan.gpu_memory)
    return "\n".join(
        [
            f"{plan.kind} on {plan.device}: {plan.parameters} parameters train, {plan.clips} clips in a batch",
            f"time      {plan.batch:.2f} s per batch, {_span(plan.epoch)} per epoch of {plan.batches} batches, "
            f"{_span(run)} for {plan.epochs} epochs; {plan.validation:.2f} s per batch of validation",
            f"memory    {plan.memory / GB:.1f} GB{gpu}",
            f"disk      {plan.disk / (1 << 20):.0f} MB of checkpoints",
            f"request   {plan.section}: {asked}",
        ]
    )


def _span(seconds):
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"
