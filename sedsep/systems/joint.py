"""Joint: waveform -> separator -> N sources -> detector on each -> maximum over the sources.

Source: JSS, "Joint training of sound separation and sound event detection" (de Benito-Gorron et al. 2022);
spec 01, C. S0 is this network without training, S1, S2 and JT its three ways of training. Without training, and with
one output kept, it is the separation of the DCASE 2020 task 4 baseline (spec 03, E3).
"""

from dataclasses import replace
from typing import Annotated, Literal

import torch
from torch import nn

from sedsep.config import build
from sedsep.errors import UserError
from sedsep.labels import Classes
from sedsep.nnet.detectors import DetectorSection
from sedsep.nnet.detectors.detector import Detector
from sedsep.nnet.frontends.frontend import Frontend
from sedsep.nnet.poolings import Detection
from sedsep.nnet.separators import SEPARATORS, SeparatorSection
from sedsep.schedule import Progress
from sedsep.systems.augmentation import Augmentation
from sedsep.systems.frozen import batch_norms, keep_still
from sedsep.systems.mean_teacher import Adversary, MeanTeacher
from sedsep.systems.selection import Selection
from sedsep.systems.streams import DETECTOR, SAME, SEPARATOR
from sedsep.systems.task_losses import Listener, TaskLosses
from sedsep.systems.teacher import Teaching


class SeparatedDetector(nn.Module):
    """A separator before a detector with shared weights for all sources.

    The maximum over the sources is the score of the clip, strong and weak; gradients flow through the winner.
    The embedding is the one of the first source.

    Args:
        keep: numbers of the separator's outputs that are sources, from 0; None: all.
    """

    def __init__(self, separator: nn.Module, detector: nn.Module, keep: list | None = None):
        super().__init__()
        self.keep = keep
        self.separator = separator
        self.detector = detector
        self.sample_rate, self.grid = detector.sample_rate, detector.grid

    def forward(self, waveform) -> Detection:
        """Waveform ``(B, T)`` -> ``Detection``."""
        return self.from_sources(self.separator(waveform))

    def from_sources(self, sources) -> Detection:
        """Sources ``(B, N, T)`` -> ``Detection``."""
        n_clips, n_sources, n_samples = self.kept(sources).shape
        found = self.detector(self.kept(sources).reshape(n_clips * n_sources, n_samples))  # (B, N, T) -> (B N, T)
        strong, weak, embedding = (x.unflatten(0, (n_clips, n_sources)) for x in found)  # (B N, ...) -> (B, N, ...)
        return Detection(strong.amax(1), weak.amax(1), embedding[:, 0])

    def kept(self, sources) -> torch.Tensor:
        """Outputs of the separator ``(B, N, T)`` -> those that count."""
        return sources if self.keep is None else sources[:, self.keep]

    def spectra(self, sources) -> torch.Tensor:
        """Waveforms ``(B, N, T)`` -> linear magnitudes of the detector's front-end ``(B, N, L, F)``."""
        return self.detector.frontend.spectrum(sources.flatten(0, 1)).unflatten(0, sources.shape[:2])


class Joint(MeanTeacher):
    """Trains the detector on separated sources ("stage1"), the separator through the frozen detector ("stage2"),
    or both at once ("joint"), with a mean teacher over the whole.

    A frozen part keeps its parameters and its batch-norm statistics bit for bit, and passes gradients.

    Args:
        mode: which part learns.
        freeze_batch_norm: keep the batch-norm statistics and affine of the detector when it learns, as the
            DCASE 2021 SSep+SED baseline does (the paper does not say).
        frozen_dropout: the frozen detector of "stage2" keeps its dropout (the paper does not say; the SSep+SED
            baseline's frozen detector does).
        keep: numbers of the separator's outputs that the detector hears, from 0; null: all.
        task_losses: null, or keys of ``TaskLosses``: "stage2" then learns by these, from stems and tags, and not by
            the labels of its clips; without augmentation and adversary.
        separator, frontend, detector, teaching, selection, augmentation: keys of a separator (``nnet/separators``),
            of ``Frontend``, of a detector (``nnet/detectors``), ``Teaching``, ``Selection`` and ``Augmentation``. The
            first three come from the models that training starts from.
        adversary: keys of ``DomainAdversary``, or null for none.
    """

    kind, task = "joint", "train-joint"
    starts = ((SEPARATOR, DETECTOR), (SAME,))
    shortcuts = ("mode",)

    def __init__(
        self,
        classes: Classes,
        mode: Literal["stage1", "stage2", "joint"] = "joint",
        freeze_batch_norm: bool = True,
        frozen_dropout: bool = False,
        keep: list[int] | None = None,
        task_losses: Annotated[dict | None, TaskLosses] = None,
        separator: SeparatorSection = None,
        frontend: Annotated[dict, Frontend] = None,
        detector: DetectorSection = None,
        teaching: Annotated[dict, Teaching] = None,
        selection: Annotated[dict, Selection] = None,
        augmentation: Annotated[dict, Augmentation] = None,
        adversary: Adversary = None,
    ):
        def make():
            inner = Detector(len(classes), frontend, detector)
            return SeparatedDetector(build(SEPARATORS, separator), inner, keep)

        n_sources = separator["n_sources"]
        if keep is not None and (not keep or min(keep) < 0 or max(keep) >= n_sources):
            raise UserError(f"system.keep must name outputs of the separator, 0 to {n_sources - 1}, not {keep}")
        if task_losses is not None and mode != "stage2":
            raise UserError("system.task_losses need system.mode=stage2, whose detector is frozen")
        if task_losses is not None and (adversary is not None or augmentation["effects"] or augmentation["other"]):
            raise UserError(
                "system.augmentation and system.adversary have no part in system.task_losses; leave them out"
            )
        super().__init__(classes, make, teaching, selection, augmentation, adversary)
        self.manner = "" if keep is None else f"keep {keep}"
        self.freeze_batch_norm, self.frozen_dropout = freeze_batch_norm, frozen_dropout
        self.frozen = {"stage1": "separator", "stage2": "detector", "joint": None}[mode]
        for parameter in self.frozen_parameters(self.student):
            parameter.requires_grad_(False)
        self.task_losses = None if task_losses is None else TaskLosses(**task_losses)
        if self.task_losses and self.task_losses.needs_stems:
            strong, *others = self.streams
            n_kept = n_sources if keep is None else len(keep)
            self.streams = (replace(strong, sources=n_kept, slots="foreground"), *others)

    def frozen_parameters(self, network):
        """The parameters of student or teacher that this mode does not train."""
        if self.frozen:
            yield from getattr(network, self.frozen).parameters()
        if self.freeze_batch_norm:
            for layer in batch_norms(network):
                yield from layer.parameters()

    def train(self, mode: bool = True):
        """Frozen parts stay in evaluation mode, in the student and in the teacher, dropout apart."""
        super().train(mode)
        for network in (self.student, self.teacher):
            if self.frozen:
                keep_still(getattr(network, self.frozen), dropout=mode and self.frozen_dropout)
            if self.freeze_batch_norm:
                for layer in batch_norms(network):
                    layer.eval()
        return self

    def forward(self, batch, progress: Progress) -> dict:
        """The losses of :class:`MeanTeacher`, or those of ``TaskLosses``."""
        if self.task_losses is None:
            return super().forward(batch, progress)
        views, student = self.teaching.views_of(batch), self.student

        def estimates(network, waveform):
            return network.spectra(network.kept(network.separator(waveform)))

        @torch.no_grad()
        def teacher():
            return Listener(self.teacher.detector).hear(estimates(self.teacher, self.teaching.heard(views[-1], -1)))

        return self.task_losses.of(
            batch, Listener(student.detector), estimates(student, views[0]), student.spectra, teacher,
            self.teaching, progress,
        )  # fmt: skip

    def prepare(self, batch):
        """A frozen separator is the same in student and teacher: its sources are computed once for both."""
        views, strong, weak = super().prepare(batch)
        if self.frozen != "separator":
            return views, strong, weak
        with torch.no_grad():
            return [self.student.separator(waveform) for waveform in views], strong, weak

    def run(self, network, prepared):
        return network.from_sources(prepared) if self.frozen == "separator" else network(prepared)

    def parts(self, variant: str) -> dict:
        """Separator and detector of student or teacher."""
        network = getattr(self, variant)
        return {"separator": network.separator, "detector": network.detector}

    def listen(self, waveform, variant: str = "student") -> tuple:
        """Mixtures ``(B, T)`` -> magnitudes ``(B, L, F)``, those of sources ``(B, N, L, F)``, ``SourceDetections``."""
        network = getattr(self, variant)
        sources = network.spectra(network.kept(network.separator(waveform)))
        return network.spectra(waveform.unsqueeze(1))[:, 0], sources, Listener(network.detector).hear(sources)

    def separate(self, mixture, variant: str = "student"):
        """Mixture ``(B, T)`` -> estimates ``(B, N, T)``."""
        return getattr(self, variant).separator(mixture)
