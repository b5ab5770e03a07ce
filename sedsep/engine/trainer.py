"""Trainer: the one loop for every system. It knows epochs, steps and files; it does not know what is trained.

Everything random in a step is a function of (seed, batches seen), and the order of the clips of (seed, epoch), so
a run that stops after any optimiser step and goes on later equals the run that never stopped, bit for bit on a CPU.
Several processes share every batch (``ranks``) and hold the same weights; the first alone validates and writes.
"""

import json
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from sedsep import progress, ranks
from sedsep.config import Count, Whole
from sedsep.engine import checkpoint
from sedsep.engine.optimisation import Optimiser
from sedsep.engine.survival import Clock, Signals
from sedsep.engine.tally import Tally
from sedsep.errors import Stopped, UserError
from sedsep.files import write_text
from sedsep.schedule import Progress

MOST_BAD_STEPS = 10


@dataclass(frozen=True)
class Schedule:
    """How long training goes on.

    Args:
        epochs: at most. validate_every: epochs between validations. patience: validations without a better
            objective of any variant after which training stops; 0 never stops early.
        save_minutes: between saves in the middle of an epoch, all that a dead node can cost; 0 never saves there.
    """

    epochs: Count = 200
    validate_every: Count = 1
    patience: Whole = 0
    save_minutes: float = 10.0


class Trainer:
    """Trains ``system`` and leaves ``best_<variant>.pt``, ``last.pt`` and ``log.jsonl`` in ``directory``.

    Args:
        system: a ``System``. description: of the model, for its files (``checkpoint.describe``).
        optimiser: an ``Optimiser``. schedule: a ``Schedule``.
        loader: a ``Loader`` of training batches. valid_loaders: by name.
    """

    def __init__(
        self, system, description: dict, optimiser: Optimiser, schedule: Schedule, loader, valid_loaders: dict,
        directory, seed: int, device="cpu",
    ):  # fmt: skip
        self.system, self.description = system.to(device), description
        self.optimiser, self.schedule = optimiser, schedule
        self.loader, self.valid_loaders = loader, valid_loaders
        self.directory, self.seed, self.device = Path(directory), seed, device
        self.accumulate = optimiser.settings.accumulate
        self.steps_per_epoch = -(-len(loader) // self.accumulate)
        self.epoch = self.step = self.bad_steps = self.validations_without_gain = 0
        self.best, self.history, self.tally = {}, [], Tally()
        self.signals, self.clock = Signals(), Clock(schedule.save_minutes)

    def fit(self) -> dict:
        """Train to the end, from where ``last.pt`` stands if there is one.

        Returns:
            ``{variant: {"epoch": ..., "objective": ..., ...}}`` of the best epochs.

        Raises:
            UserError: ten steps in a row were not finite, or a file could not be written.
            Stopped: a signal came; the state is saved.
        """
        if (self.directory / "last.pt").exists():
            self._resume()
        ranks.agree(self.directory / "last.pt", f"at epoch {self.epoch}, batch {self.tally.seen}")
        total = self.schedule.epochs * len(self.loader)
        done = self.epoch * len(self.loader) + self.tally.seen
        with self.signals, progress.bar(total, "batch", done=done, disable=self._finished()) as bar:
            try:
                while not self._finished():
                    self._run_epoch(bar)
            except Stopped:
                self._save()
                ranks.gathered(None)  # the first one has written before any leaves
                raise
        return self.best

    def _finished(self):
        return self.epoch >= self.schedule.epochs or 0 < self.schedule.patience <= self.validations_without_gain

    def _run_epoch(self, bar):
        start = time.monotonic() - self.tally.seconds
        bar.set_description(f"epoch {self.epoch + 1}/{self.schedule.epochs}")
        self._train(bar, start)
        epoch = self.epoch + 1
        record = {
            "epoch": epoch,
            "step": self.step,
            "loss": self.tally.means(),
            "learning_rate": self.optimiser.learning_rate(self._progress()),
            "skipped": self.tally.skipped,
        }
        if epoch % self.schedule.validate_every == 0 or epoch == self.schedule.epochs:
            record["valid"] = ranks.from_first(self._validate)
            self._choose(epoch, record["valid"])
        record["seconds"] = round(time.monotonic() - start, 2)
        record["waiting_for_data"] = round(self.tally.waiting / max(record["seconds"], 1e-9), 3)
        self.history.append(record)
        self.epoch, self.tally = epoch, Tally()
        self._save()
        if ranks.index() == 0:
            progress.say(describe_epoch(record))

    def _train(self, bar, start):
        self.system.train()
        self.loader.batch_sampler.set_epoch(self.epoch, self.tally.seen)
        mark = time.monotonic()
        for batch in self.loader if self.tally.seen < len(self.loader) else ():
            self.tally.waiting += time.monotonic() - mark
            torch.manual_seed(self.seed * 1_000_003 + self.epoch * len(self.loader) + self.tally.seen)
            number = self.tally.seen + 1
            last = number % self.accumulate == 0 or number == len(self.loader)
            self.tally.add(self._step(batch.to(self.device), last))
            bar.set_postfix({name: f"{value:.3g}" for name, value in self.tally.means().items()}, refresh=False)
            bar.update()
            mark = time.monotonic()
            self.tally.seconds = mark - start
            if last:  # between optimiser steps there are gradients, which no file holds
                self._leave_or_save()

    def _leave_or_save(self):
        if ranks.any_of(self.signals.came is not None):
            raise Stopped(self.signals.came or signal.SIGTERM)
        if self.clock.rings():
            self._save()

    def _step(self, batch, last):
        """One batch, and one optimiser step where it is the last to be accumulated. None: it was not finite."""
        now = self._progress(self.step + 1)
        # A forward pass that overflows has already spoilt the running statistics: keep what to go back to.
        buffers = [buffer.clone() for buffer in self.system.buffers()]
        with ranks.sharing(self.loader.share):
            losses = self.system(batch, now)
            sums = ranks.total(torch.stack([value.detach() for value in losses.values()]))
        finite = bool(torch.isfinite(sums).all())
        if finite:
            (sum(losses.values()) / self.accumulate).backward()
        else:
            with torch.no_grad():
                for buffer, kept in zip(self.system.buffers(), buffers):
                    buffer.copy_(kept)
        if last:
            moved = self.optimiser.step(now)
            if moved:  # where batches are accumulated, by those before one that is not finite
                self.step += 1
                self.system.after_step(now)
            self._second_step(now, moved)
            finite = finite and moved
        self._guard(finite, batch, losses)
        return dict(zip(losses, sums.tolist())) if finite else None

    def _second_step(self, now, moved):
        """The step of what moves after the others, on the same batches; everything else has no gradient."""
        with ranks.sharing(self.loader.share):
            losses = self.system.second_losses(now)
        if moved and losses:
            (sum(losses.values()) / self.accumulate).backward()
            self.optimiser.step(now)

    def _guard(self, finite, batch, losses):
        if finite:
            self.bad_steps = 0
            return
        self.bad_steps += 1
        values = ", ".join(f"{name} {float(value.detach()):.3g}" for name, value in losses.items())
        progress.say(f"sedsep: skipped a step that is not finite ({values}); its clips: {', '.join(batch.ids)}")
        if self.bad_steps >= MOST_BAD_STEPS:
            raise UserError(
                f"{self.directory}: {MOST_BAD_STEPS} steps in a row were not finite, the last on clips "
                f"{', '.join(batch.ids[:4])}; lower optimisation.learning_rate, set optimisation.clip_norm, or run "
                "sedsep validate on the data"
            )

    def _progress(self, step=None):
        step = self.step if step is None else step
        return Progress(step, step / self.steps_per_epoch)

    def _validate(self):
        self.system.eval()
        with self.signals.obeyed_at_once():
            return self.system.validate(self.valid_loaders)

    def _choose(self, epoch, metrics):
        gained = [v for v in metrics if v not in self.best or metrics[v]["objective"] > self.best[v]["objective"]]
        for variant in gained:
            self.best[variant] = {"epoch": epoch, **metrics[variant]}
            if ranks.index() == 0:
                state = {"weights": self.system.model_weights(), **self.description}
                found = {"selected": variant, "epoch": epoch, "metrics": metrics[variant]}
                checkpoint.save(self.directory / f"best_{variant}.pt", {**state, **found})
        self.validations_without_gain = 0 if gained else self.validations_without_gain + 1
        self.optimiser.after_validation(bool(gained))

    def _save(self):
        if ranks.index() > 0:
            return
        state = {
            "weights": self.system.state_dict(),
            "optimiser": self.optimiser.state(),
            "epoch": self.epoch,
            "tally": self.tally.state(),
            "step": self.step,
            "bad_steps": self.bad_steps,
            "without_gain": self.validations_without_gain,
            "best": self.best,
            "history": self.history,
        }
        checkpoint.save(self.directory / "last.pt", state)
        self._log()

    def _log(self):
        # Written anew from the saved history, so that a killed run can neither lose nor repeat a line.
        write_text(self.directory / "log.jsonl", "".join(json.dumps(record) + "\n" for record in self.history))

    def _resume(self):
        state = checkpoint.load(self.directory / "last.pt", self.device)
        self.system.load_state_dict(state["weights"])
        self.optimiser.restore(state["optimiser"])
        self.epoch, self.step, self.bad_steps = state["epoch"], state["step"], state["bad_steps"]
        self.validations_without_gain = state["without_gain"]
        self.best, self.history, self.tally = state["best"], state["history"], Tally(**state.get("tally", {}))
        if ranks.index() == 0:
            self._log()
            more = f" and {self.tally.seen} batches" * (self.tally.seen > 0)
            progress.say(f"sedsep: goes on after epoch {self.epoch}{more} of {self.directory}")


def describe_epoch(record: dict) -> str:
    """One line about an epoch for people.

    >>> describe_epoch({"epoch": 3, "loss": {"pit": -4.2}, "valid": {"separator": {"objective": 5.1}}, "seconds": 2})
    'epoch 3: pit -4.2 | separator objective 5.1 | 2 s'
    """
    parts = [" ".join(f"{name} {value:.4g}" for name, value in record["loss"].items())]
    for variant, values in record.get("valid", {}).items():
        parts.append(f"{variant} " + " ".join(f"{name} {value:.4g}" for name, value in values.items()))
    if record.get("skipped"):
        parts.append(f"{record['skipped']} steps skipped")
    return f"epoch {record['epoch']}: " + " | ".join(parts) + f" | {record['seconds']:.0f} s"
