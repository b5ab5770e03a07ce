"""MeanTeacher: a student that learns from labels and from its own moving average, on the same or another view.

Source: DCASE 2021 task 4 SED baseline (Turpault et al. 2021; Tarvainen & Valpola 2017); spec 01, A.
"""

from typing import Annotated, NamedTuple

import torch

from sedsep.labels import Classes
from sedsep.losses.detection import bce
from sedsep.nnet.detectors.detector import Detector
from sedsep.nnet.taps import taps
from sedsep.schedule import Progress
from sedsep.systems.adversary import DomainAdversary
from sedsep.systems.augmentation import Augmentation
from sedsep.systems.base import System
from sedsep.systems.selection import Selection, detection_metrics
from sedsep.systems.streams import LABELLED, LABELLED_VALID, Labelled
from sedsep.systems.teacher import Teaching

Adversary = Annotated[dict | None, DomainAdversary, ("width",)]  # a section that may be null


class Heard(NamedTuple):
    """What the student hears of a batch: the prepared view, the domains of its clips ``(B,)``, the seed of effects."""

    view: torch.Tensor
    is_synthetic: torch.Tensor
    seed: int


class MeanTeacher(System):
    """A student network and its teacher, on any mix of strongly, weakly and not labelled clips.

    Args:
        make: gives a student network with new weights, waveform ``(B, T)`` -> ``Detection``; the network has
            ``sample_rate`` and the ``grid`` of its strong scores.
        teaching: keys of ``Teaching``. selection: keys of ``Selection``. augmentation: keys of ``Augmentation``.
        adversary: keys of ``DomainAdversary``, which hears the student's convolutions; None for none.

    Attributes:
        time: the axis of time in what the networks are given, see :meth:`prepare`.
    """

    data = Labelled
    streams, validation = LABELLED, LABELLED_VALID
    variants = ("student", "teacher")
    training_only = ("adversary",)
    time = -1

    def __init__(
        self, classes: Classes, make, teaching: dict, selection: dict, augmentation: dict, adversary: dict = None
    ):
        student = make()
        super().__init__(classes, student.sample_rate)
        self.grid = student.grid
        self.teaching = Teaching(**teaching)
        self.selection = Selection(**selection)
        self.augmentation = Augmentation(**augmentation)
        self.student = student
        self.teacher = self.teaching.teacher_of(student, make)
        self.adversary, self._tap = None, None
        if adversary is not None:
            name, detector = next((n, m) for n, m in student.named_modules() if isinstance(m, Detector))
            self._tap = f"{name}.network.{detector.network.tap}".removeprefix(".")
            self.adversary = DomainAdversary(detector.network.width, **adversary)
        self._waiting = []  # what the adversary has still to learn from

    @property
    def views(self) -> int:
        """How many views of each clip it hears."""
        return self.teaching.n_views

    def forward(self, batch, progress: Progress) -> dict:
        """Losses "strong" and "weak" (cross-entropy on the clips that have such labels) and "consistency"; with an
        adversary, "domain".
        """
        seed = self.augmentation.seed()
        views, strong, weak = self.prepare(batch)
        heard = Heard(views[0], batch.is_synthetic, seed)
        student, features = self._student(heard)
        with torch.no_grad(), self.augmentation.heard(self.teacher, len(batch), seed, len(views) - 1):
            teacher = self.run(self.teacher, self.teaching.heard(views[-1], self.time))
        losses = {
            "strong": bce(student.strong, strong, batch.has_strong),
            "weak": bce(student.weak, weak, batch.has_weak),
            "consistency": self.teaching.loss(student, teacher, progress),
        }
        if self.adversary is None:
            return losses
        if self.adversary.recomputes:
            self._waiting.append(heard)
        return self.adversary.join(losses, features, batch.is_synthetic, progress)

    def _student(self, heard) -> tuple:
        """What the student says of ``heard``, and with an adversary the output of its convolutions ``(k B, L', D)``."""
        names = [] if self.adversary is None else [self._tap]
        with (
            self.augmentation.heard(self.student, len(heard.is_synthetic), heard.seed),
            taps(self.student, names) as at,
        ):
            detection = self.run(self.student, heard.view)
        return detection, at[self._tap].flatten(2).transpose(1, 2) if at else None  # (k B, D, L', 1) -> (k B, L', D)

    def second_losses(self, progress: Progress) -> dict:
        """Where it recomputes: the adversary's loss on the batches of the step, as the student hears them now."""
        waiting, self._waiting = self._waiting, []
        losses = []
        for heard in waiting:
            with torch.no_grad():
                _, features = self._student(heard)
            losses.append(self.adversary.learn(features, heard.is_synthetic))
        return {"domain": sum(losses)} if losses else {}

    def parameter_groups(self) -> dict:
        """The networks, and the "classifier" of the adversary."""
        if self.adversary is None:
            return super().parameter_groups()
        own = [p for name, p in self.named_parameters() if not name.startswith("adversary.")]
        return {"all": own, "classifier": list(self.adversary.parameters())}

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
