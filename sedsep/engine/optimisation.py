"""Optimisation: Adam and its learning rate as a function of the step and of the validation history.

Sources: DCASE 2021 baseline (exponential warm-up), asteroid's recipes (halve on a plateau), spec 01 A.e and C.e.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch

from sedsep import ranks
from sedsep.config import Count, Range, Whole
from sedsep.schedule import Progress, exponential_ramp


@dataclass(frozen=True)
class Optimisation:
    """How parameters move.

    Args:
        learning_rate: the highest. schedule: "warmup" (exponential), "plateau", "decay" (a straight line down) or
            "constant".
        warmup_epochs: length of the warm-up. full_first_step: the very first step uses the full learning rate, as
            the released 2021 baseline does (its scheduler speaks only after the first step).
        decay_epochs: where the line reaches zero.
        plateau_patience, plateau_factor: epochs without a better objective before the rate is multiplied.
        clip_norm: largest gradient norm; 0 never clips. accumulate: batches per optimiser step.
        weight_decay: of Adam.
    """

    learning_rate: Annotated[float, Range(0)] = 1e-3
    schedule: Literal["warmup", "plateau", "decay", "constant"] = "warmup"
    warmup_epochs: Annotated[float, Range(0)] = 50.0
    decay_epochs: Annotated[float, Range(1e-3)] = 200.0
    full_first_step: bool = True
    plateau_patience: Whole = 5
    plateau_factor: Annotated[float, Range(0, 1)] = 0.5
    clip_norm: Annotated[float, Range(0)] = 0.0
    accumulate: Count = 1
    weight_decay: Annotated[float, Range(0)] = 0.0


class Optimiser:
    """Adam over the parameters that train, with the learning rate of the schedule and a guard on the gradient."""

    def __init__(self, parameters, settings: Optimisation):
        self.settings = settings
        self.parameters = [p for p in parameters if p.requires_grad]
        self.adam = torch.optim.Adam(
            self.parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay, foreach=True
        )
        self.scale = 1.0
        self.epochs_without_gain = 0

    def step(self, progress: Progress) -> bool:
        """Add up the gradients of all ranks, clip and step, then clear. A gradient that is not finite is dropped.

        Returns:
            whether the parameters moved.
        """
        gradients = [parameter.grad for parameter in self.parameters if parameter.grad is not None]
        ranks.add_up(gradients)
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, self.settings.clip_norm or float("inf"))
        moves = bool(gradients) and bool(torch.isfinite(norm))
        if moves:
            for group in self.adam.param_groups:
                group["lr"] = self.learning_rate(progress)
            self.adam.step()
        self.adam.zero_grad(set_to_none=True)
        return moves

    def learning_rate(self, progress: Progress) -> float:
        """The learning rate of a step."""
        s = self.settings
        if s.schedule == "warmup" and not (s.full_first_step and progress.step == 1):
            return s.learning_rate * exponential_ramp(progress.epochs, s.warmup_epochs)
        if s.schedule == "decay":
            return s.learning_rate * max(0.0, 1.0 - progress.epochs / s.decay_epochs)
        return s.learning_rate * self.scale

    def after_validation(self, better: bool) -> None:
        """Lower the rate after ``plateau_patience`` validations without a better objective."""
        self.epochs_without_gain = 0 if better else self.epochs_without_gain + 1
        if self.settings.schedule == "plateau" and self.epochs_without_gain > self.settings.plateau_patience:
            self.scale *= self.settings.plateau_factor
            self.epochs_without_gain = 0

    def state(self) -> dict:
        """What resuming needs."""
        return {"adam": self.adam.state_dict(), "scale": self.scale, "without_gain": self.epochs_without_gain}

    def restore(self, state: dict) -> None:
        """Take up a state of :meth:`state`."""
        self.adam.load_state_dict(state["adam"])
        self.scale, self.epochs_without_gain = state["scale"], state["without_gain"]
