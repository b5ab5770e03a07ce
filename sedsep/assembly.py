"""Assembly: a system and data sets -> a trainer. Training, adapting and planning put it together in this one way."""

from pathlib import Path

from sedsep import ranks
from sedsep.data.loader import Loader
from sedsep.data.sampler import StreamSampler
from sedsep.engine import checkpoint
from sedsep.engine.optimisation import Optimisation, Optimiser
from sedsep.engine.survival import ignore_signals
from sedsep.engine.trainer import Schedule, Trainer
from sedsep.errors import UserError

FITTING = 8  # clips at a time when a front-end takes its statistics


def assemble(
    system, section: dict, datasets: dict, validation: dict, data: dict, optimisation: Optimisation,
    schedule: Schedule, directory, seed: int, device: str = "cpu",
) -> Trainer:  # fmt: skip
    """The trainer of a system.

    Args:
        system: with its initial weights. section: what it was built from, for its model files.
        datasets, validation: name of a stream -> data set. data: the configuration's section, for shares and length.
        directory: of the experiment.

    Raises:
        UserError: a batch has no clips, a stream has fewer than its share, or a clip cannot be read.
    """
    streams = [stream for stream in system.streams if stream.name in datasets and data[stream.share] > 0]
    shares = {stream.name: data[stream.share] for stream in streams}
    if not shares:
        raise UserError(f"no clip in a batch: set data.{' or data.'.join(s.share for s in system.streams)} above 0")
    used = {name: datasets[name] for name in shares}
    sampler = StreamSampler({name: len(one) for name, one in used.items()}, shares, seed, batches=data.get("batches"))
    share = ranks.share(sum(shares.values()), system.clips_together)
    trainer = Trainer(
        system=system,
        description=checkpoint.describe(system, section, data["seconds"], data.get("enrolment_seconds")),
        optimiser=Optimiser(system.parameter_groups(), optimisation),
        schedule=schedule,
        loader=Loader(used, sampler, data.get("workers", 0), share, ignore_signals),
        valid_loaders={
            stream.name: in_order(validation[stream.name], data[stream.share])
            for stream in system.validation
            if stream.name in validation
        },
        directory=directory,
        seed=seed,
        device=device,
    )
    fit_frontends(system, used, directory)
    return trainer


def in_order(dataset, share: int) -> Loader:
    """A loader of a whole data set, ``share`` clips at a time."""
    return Loader({"valid": dataset}, StreamSampler({"valid": len(dataset)}, {"valid": share}, shuffle=False))


def fit_frontends(system, datasets: dict, directory) -> None:
    """Give front-ends that scale by statistics those of the training set, in one pass over it before training begins.

    A training that goes on has them in its state, and one that starts from a model has that model's.
    """
    waiting = [frontend for frontend in system.frontends() if frontend.unfitted]
    if not waiting or (Path(directory) / "last.pt").exists():
        return
    batches = (batch for dataset in datasets.values() for batch in in_order(dataset, FITTING))
    waiting[0].fit(batch.mixture.to(system.device) for batch in batches)
    for frontend in waiting[1:]:
        frontend.load_state_dict(waiting[0].state_dict())
