"""Optimisation: Adam and its learning rate as a function of the step and of the validation history.

Sources: DCASE 2021 baseline (exponential warm-up), asteroid's recipes (halve on a plateau), spec 01 A.e and C.e.
"""

from dataclasses import dataclass, field
from typing import Annotated, Literal

import torch

from sedsep import ranks
from sedsep.config import Count, Range, Whole
from sedsep.errors import UserError, nearest
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
        clip_norm: largest gradient norm of a group; 0 never clips. accumulate: batches per optimiser step.
        weight_decay: of Adam. group_rates: highest rate of single groups of the system's parameters, as in
            {classifier: 2.0e-4}; the schedule is the same for all.
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
    group_rates: dict[str, float] = field(default_factory=dict)


class Optimiser:
    """Adam over the parameters that train, with the learning rate of the schedule and a guard on the gradient.

    Args:
        groups: name -> parameters, each group with a rate and a gradient norm of its own.

    Raises:
        UserError: a rate is given for a group that there is not.
    """

    def __init__(self, groups: dict, settings: Optimisation):
        self.settings = settings
        for name in settings.group_rates:
            if name not in groups:
                raise UserError(f"configuration: optimisation.group_rates names {name!r}, no group of this system"
                                f"{nearest(name, groups)}; it has: {', '.join(groups)}")  # fmt: skip
        self.groups = {name: [p for p in parameters if p.requires_grad] for name, parameters in groups.items()}
        self.rates = [settings.group_rates.get(name, settings.learning_rate) for name in self.groups]
        self.adam = torch.optim.Adam(
            [{"params": parameters} for parameters in self.groups.values()],
            lr=settings.learning_rate, weight_decay=settings.weight_decay, foreach=True,
        )  # fmt: skip
        self.scale = 1.0
        self.epochs_without_gain = 0

    def step(self, progress: Progress) -> bool:
        """Add up the gradients of all ranks, clip and step, then clear. A gradient that is not finite is dropped.

        Returns:
            whether the parameters moved.
        """
        gradients = [p.grad for parameters in self.groups.values() for p in parameters if p.grad is not None]
        ranks.add_up(gradients)
        most = self.settings.clip_norm or float("inf")
        norms = [torch.nn.utils.clip_grad_norm_(parameters, most) for parameters in self.groups.values()]
        moves = bool(gradients) and all(bool(torch.isfinite(norm)) for norm in norms)
        if moves:
            for group, highest in zip(self.adam.param_groups, self.rates):
                group["lr"] = self.learning_rate(progress, highest)
            self.adam.step()
        self.adam.zero_grad(set_to_none=True)
        return moves

    def learning_rate(self, progress: Progress, highest: float = None) -> float:
        """The learning rate of a step, where ``highest`` is the schedule's highest; by default the common one."""
        s = self.settings
        highest = s.learning_rate if highest is None else highest
        if s.schedule == "warmup" and not (s.full_first_step and progress.step == 1):
            return highest * exponential_ramp(progress.epochs, s.warmup_epochs)
        if s.schedule == "decay":
            return highest * max(0.0, 1.0 - progress.epochs / s.decay_epochs)
        return highest * self.scale

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
