"""MeanTeacher: a student that learns from labels and from its own moving average, the teacher.

Source: DCASE 2021 task 4 SED baseline (Turpault et al. 2021; Tarvainen & Valpola 2017); spec 01, A.
"""

import copy
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from sedsep.labels import Classes, FrameGrid
from sedsep.losses.detection import bce, consistency
from sedsep.schedule import Progress, ema_decay, exponential_ramp
from sedsep.systems.base import System
from sedsep.systems.selection import Selection, detection_metrics


@dataclass(frozen=True)
class Teaching:
    """How the teacher teaches.

    Args:
        consistency_weight: the weight after the ramp. ramp_epochs: length of the exponential ramp.
        consistency: between the scores of student and teacher.
        ema_decay: limit of the teacher's decay; only parameters are averaged, never batch-norm buffers.
    """

    consistency_weight: float = 2.0
    ramp_epochs: float = 50.0
    consistency: Literal["mse", "bce"] = "mse"
    ema_decay: float = 0.999


class MeanTeacher(System):
    """A student network and its teacher, on any mix of strongly, weakly and not labelled clips.

    The teacher starts as a copy of the student, runs in training mode (dropout active, its batch-norm statistics
    follow its own forward passes), and is never trained by gradient.

    Args:
        student: waveform ``(B, T)`` -> ``Detection``. grid: frames of its strong scores.
        teaching: keys of ``Teaching``. selection: keys of ``Selection``.
    """

    variants = ("student", "teacher")

    def __init__(
        self, classes: Classes, sample_rate: int, student: nn.Module, grid: FrameGrid, teaching: dict, selection: dict
    ):
        super().__init__(classes, sample_rate)
        self.grid = grid
        self.teaching = Teaching(**teaching)
        self.selection = Selection(**selection)
        self.student = student
        self.teacher = copy.deepcopy(student).requires_grad_(False)

    def forward(self, batch, progress: Progress) -> dict:
        """Losses "strong" and "weak" (cross-entropy on the clips that have such labels) and "consistency"."""
        inputs, strong, weak = self.prepare(batch)
        student = self.run(self.student, inputs)
        with torch.no_grad():
            teacher = self.run(self.teacher, inputs)
        weight = self.teaching.consistency_weight * exponential_ramp(progress.epochs, self.teaching.ramp_epochs)
        kind = self.teaching.consistency
        return {
            "strong": bce(student.strong, strong, batch.has_strong),
            "weak": bce(student.weak, weak, batch.has_weak),
            "consistency": weight
            * (consistency(student.strong, teacher.strong, kind) + consistency(student.weak, teacher.weak, kind)),
        }

    def prepare(self, batch):
        """Network inputs, strong labels ``(B, L', C)`` and weak labels ``(B, C)`` of a batch."""
        n_frames = self.grid.n_frames(batch.mixture.shape[-1])
        shape = (len(batch), len(self.classes))
        strong = batch.mixture.new_zeros(shape[0], n_frames, shape[1]) if batch.strong is None else batch.strong
        weak = batch.mixture.new_zeros(shape) if batch.weak is None else batch.weak
        return batch.mixture, strong, weak

    def run(self, network, inputs):
        """``Detection`` of the prepared inputs."""
        return network(inputs)

    @torch.no_grad()
    def after_step(self, progress: Progress) -> None:
        """Move the teacher towards the student; frozen parameters stay as they are."""
        decay = ema_decay(progress.step, self.teaching.ema_decay)
        pairs = [
            (average, trained)
            for average, trained in zip(self.teacher.parameters(), self.student.parameters())
            if trained.requires_grad
        ]
        torch._foreach_mul_([average for average, _ in pairs], decay)
        torch._foreach_add_([average for average, _ in pairs], [trained for _, trained in pairs], alpha=1 - decay)

    @torch.no_grad()
    def validate(self, loaders: dict) -> dict:
        """Selection metrics of student and teacher on the loaders "strong" and "weak"."""
        return detection_metrics(self, loaders, self.selection)

    def detect(self, waveform, variant: str = "student"):
        """Waveform ``(B, T)`` -> ``Detection`` of the student or the teacher."""
        return getattr(self, variant)(waveform)

    def postprocess(self) -> list:
        return [{"name": "median", "seconds": self.selection.median}] if self.selection.median else []
