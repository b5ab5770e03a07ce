"""MeanTeacher: a student that learns from labels and from its own moving average, on the same or another view.

Source: DCASE 2021 task 4 SED baseline (Turpault et al. 2021; Tarvainen & Valpola 2017); spec 01, A.
"""

import torch

from sedsep.labels import Classes
from sedsep.losses.detection import bce
from sedsep.schedule import Progress
from sedsep.systems.base import System
from sedsep.systems.selection import Selection, detection_metrics
from sedsep.systems.streams import LABELLED, LABELLED_VALID, Labelled
from sedsep.systems.teacher import Teaching


class MeanTeacher(System):
    """A student network and its teacher, on any mix of strongly, weakly and not labelled clips.

    Args:
        make: gives a student network with new weights, waveform ``(B, T)`` -> ``Detection``; the network has
            ``sample_rate`` and the ``grid`` of its strong scores.
        teaching: keys of ``Teaching``. selection: keys of ``Selection``.

    Attributes:
        time: the axis of time in what the networks are given, see :meth:`prepare`.
    """

    data = Labelled
    streams, validation = LABELLED, LABELLED_VALID
    variants = ("student", "teacher")
    time = -1

    def __init__(self, classes: Classes, make, teaching: dict, selection: dict):
        student = make()
        super().__init__(classes, student.sample_rate)
        self.grid = student.grid
        self.teaching = Teaching(**teaching)
        self.selection = Selection(**selection)
        self.student = student
        self.teacher = self.teaching.teacher_of(student, make)

    @property
    def views(self) -> int:
        """How many views of each clip it hears."""
        return self.teaching.n_views

    def forward(self, batch, progress: Progress) -> dict:
        """Losses "strong" and "weak" (cross-entropy on the clips that have such labels) and "consistency"."""
        views, strong, weak = self.prepare(batch)
        student = self.run(self.student, views[0])
        with torch.no_grad():
            teacher = self.run(self.teacher, self.teaching.heard(views[-1], self.time))
        return {
            "strong": bce(student.strong, strong, batch.has_strong),
            "weak": bce(student.weak, weak, batch.has_weak),
            "consistency": self.teaching.loss(student, teacher, progress),
        }

    def prepare(self, batch):
        """What the networks are given, strong labels ``(B, L', C)`` and weak labels ``(B, C)`` of a batch.

        The first is a list: the student's view, and the teacher's where it hears another.
        """
        n_frames = self.grid.n_frames(batch.mixture.shape[-1])
        shape = (len(batch), len(self.classes))
        strong = batch.mixture.new_zeros(shape[0], n_frames, shape[1]) if batch.strong is None else batch.strong
        weak = batch.mixture.new_zeros(shape) if batch.weak is None else batch.weak
        return self.teaching.views_of(batch), strong, weak

    def run(self, network, prepared):
        """``Detection`` of one prepared view."""
        return network(prepared)

    def after_step(self, progress: Progress) -> None:
        """Move the teacher towards the student."""
        self.teaching.update(self.teacher, self.student, progress)

    @torch.no_grad()
    def validate(self, loaders: dict) -> dict:
        """Selection metrics of student and teacher on the loaders "strong" and "weak"."""
        return detection_metrics(self, loaders, self.selection)

    def detect(self, waveform, variant: str = "student"):
        """Waveform ``(B, T)`` -> ``Detection`` of the student or the teacher."""
        return getattr(self, variant)(waveform)

    def smoothing(self) -> list:
        return self.selection.smoothing()
