"""Teaching: a network that learns from the moving average of itself, the teacher.

Source: Tarvainen & Valpola, "Mean teachers are better role models", 2017; DCASE task 4 baselines of 2020 and 2021
(spec 01, A; spec 03, E2).
"""

import copy
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from torch import nn

from sedsep import ranks
from sedsep.config import Range
from sedsep.errors import UserError
from sedsep.losses.detection import consistency
from sedsep.schedule import Progress, ema_decay, exponential_ramp


@dataclass(frozen=True)
class Teaching:
    """How the teacher teaches. It runs in training mode and is never trained by gradient.

    Args:
        consistency_weight: the weight after the ramp. ramp_epochs: length of the exponential ramp.
        consistency: between the scores of student and teacher.
        ema_decay: limit of the teacher's decay; only parameters are averaged, never batch-norm buffers.
        start: the teacher begins as a "copy" of the student, or "independent", with weights drawn for itself.
        view: what the teacher hears: the "same" as the student, the "other" view of each clip that the data draw,
            or the same with "noise" of ``noise_db`` (signal to noise) on it.
        averages: names that the averaged parameters begin with, as in ``[separator]``; the teacher's others are the
            student's own. Null averages all.
    """

    consistency_weight: float = 2.0
    ramp_epochs: float = 50.0
    consistency: Literal["mse", "bce"] = "mse"
    ema_decay: Annotated[float, Range(0, 1)] = 0.999
    start: Literal["copy", "independent"] = "copy"
    view: Literal["same", "other", "noise"] = "same"
    noise_db: float = 30.0
    averages: list[str] | None = None

    @property
    def n_views(self) -> int:
        """How many views of each clip student and teacher hear."""
        return 2 if self.view == "other" else 1

    def views_of(self, batch) -> list:
        """The waveforms ``(B, T)`` of a batch that they hear: the student's, and the teacher's where it is another.

        Raises:
            UserError: the data draw no second view.
        """
        if self.n_views == 1:
            return [batch.mixture]
        if batch.other_view is None:
            raise UserError("system.teaching.view is other, but the data draw no second view of their clips")
        return [batch.mixture, batch.other_view]

    def teacher_of(self, student: nn.Module, make) -> nn.Module:
        """A teacher for ``student``; ``make()`` gives another network like it, with new weights."""
        network = copy.deepcopy(student) if self.start == "copy" else make()
        return network.requires_grad_(False)

    def weight(self, progress: Progress) -> float:
        """The weight of the consistency on its ramp."""
        return self.consistency_weight * exponential_ramp(progress.epochs, self.ramp_epochs)

    def loss(self, student, teacher, progress: Progress) -> torch.Tensor:
        """The weighted consistency of two ``Detection`` s, strong and weak."""
        return self.weight(progress) * (
            consistency(student.strong, teacher.strong, self.consistency)
            + consistency(student.weak, teacher.weak, self.consistency)
        )

    @torch.no_grad()
    def update(self, teacher: nn.Module, student: nn.Module, progress: Progress) -> None:
        """Move the teacher towards the student; frozen parameters stay as they are."""
        decay = ema_decay(progress.step, self.ema_decay)
        named = list(zip(teacher.parameters(), student.named_parameters()))
        moving = [(average, name, trained) for average, (name, trained) in named if trained.requires_grad]
        averaged = [(average, trained) for average, name, trained in moving if self._averages(name)]
        if averaged:
            torch._foreach_mul_([average for average, _ in averaged], decay)
            torch._foreach_add_([a for a, _ in averaged], [trained for _, trained in averaged], alpha=1 - decay)
        for average, name, trained in moving:
            if not self._averages(name):
                average.copy_(trained)

    def _averages(self, name: str) -> bool:
        return self.averages is None or any(name == one or name.startswith(f"{one}.") for one in self.averages)

    def heard(self, x: torch.Tensor, time: int) -> torch.Tensor:
        """What the teacher hears of the student's input ``(B, ...)``, whose axis ``time`` is that of time.

        Noise is Gaussian, its level that of each clip (and band) over time; drawn for the whole batch.
        """
        if self.view != "noise":
            return x
        level = x.square().mean(time, keepdim=True).sqrt() * 10 ** (-self.noise_db / 20)
        return x + level * ranks.own(torch.randn(ranks.whole_shape(x), device=x.device, dtype=x.dtype))
