"""TaskAware: masks on mel magnitudes, trained through a frozen detector that hears every source.

Source: Cornell et al., "Task-aware separation for the DCASE 2020 task 4 sound event detection and separation
challenge", DCASE 2020; spec 03, E1. The training code was never released.
"""

from dataclasses import replace
from typing import Annotated, Literal

import torch

from sedsep.config import build
from sedsep.errors import UserError
from sedsep.labels import Classes
from sedsep.nnet.detectors import DetectorSection
from sedsep.nnet.detectors.detector import Detector
from sedsep.nnet.frontends import COMPRESSIONS
from sedsep.nnet.frontends.frontend import Frontend
from sedsep.nnet.maskers import MASKERS, MaskerSection
from sedsep.nnet.over_sources import OVER_SOURCES, OverSources
from sedsep.nnet.poolings import Detection
from sedsep.schedule import Progress
from sedsep.systems.base import System
from sedsep.systems.frozen import keep_still
from sedsep.systems.selection import Selection, detection_metrics
from sedsep.systems.streams import DETECTOR, LABELLED, LABELLED_VALID, SAME, Labelled
from sedsep.systems.task_losses import Listener, TaskLosses
from sedsep.systems.teacher import Teaching

STRONG, WEAK, UNLABELLED = LABELLED


class TaskAware(System):
    """Trains a masker of mel magnitudes through a frozen detector, with a mean teacher of the masker alone.

    The masks act before logarithm and scaling. The detector keeps its whole state bit for bit and passes gradients.
    The strong labels of clips with stems are not used: their stems are.

    Args:
        losses: keys of ``TaskLosses``.
        over_sources: how the scores of the sources become those of the clip, in validation and in use.
        compression: null, or a section that takes the place of the detector's own while it hears sources: with
            ``top_db`` that is relative to each source's own maximum.
        clip_head: the sources' weak scores are the "detector"'s own, or the "mean" of the strong ones over time.
        frozen_dropout: the detector keeps its dropout while the masker learns (the paper does not say).
        masker, frontend, detector, teaching, selection: keys of a masker (``nnet/maskers``), of ``Frontend``, of a
            detector (``nnet/detectors``), ``Teaching`` and ``Selection``. Front-end and detector come from the model
            that training starts from.
    """

    kind, task = "task_aware", "train-joint"
    data = Labelled
    streams, validation = (replace(STRONG, sources=5, slots="foreground"), WEAK, UNLABELLED), LABELLED_VALID
    starts = ((DETECTOR,), (SAME,))
    variants = ("student", "teacher")

    def __init__(
        self,
        classes: Classes,
        losses: Annotated[dict, TaskLosses] = None,
        over_sources: OverSources = "max",
        compression: Annotated[dict | None, COMPRESSIONS, ("n_bands",)] = None,
        clip_head: Literal["detector", "mean"] = "detector",
        frozen_dropout: bool = False,
        masker: MaskerSection = None,
        frontend: Annotated[dict, Frontend] = None,
        detector: DetectorSection = None,
        teaching: Annotated[dict, Teaching] = None,
        selection: Annotated[dict, Selection] = None,
    ):
        network = Detector(len(classes), frontend, detector)
        super().__init__(classes, network.sample_rate)
        self.grid = network.grid
        self.losses, self.teaching = TaskLosses(**losses), Teaching(**teaching)
        self.selection = Selection(**selection)
        self.manner, self.over_sources, self.frozen_dropout = over_sources, over_sources, frozen_dropout
        self.detector = network.requires_grad_(False)
        bands = {"n_bands": network.frontend.n_bands}
        self.compression = None if compression is None else build(COMPRESSIONS, compression, bands)
        if self.compression is not None and self.compression.n_maps != network.frontend.n_maps:
            raise UserError(
                f"system.compression gives {self.compression.n_maps} maps of features, and the detector takes "
                f"{network.frontend.n_maps}"
            )
        self.listener = Listener(network, self.compression, clip_head)

        def make():
            return build(MASKERS, masker, bands)

        self.student = make()
        self.teacher = self.teaching.teacher_of(self.student, make)
        stems = {"sources": self.student.n_sources if self.losses.needs_stems else None}
        self.streams = (replace(STRONG, slots="foreground", **stems), WEAK, UNLABELLED)

    @property
    def views(self) -> int:
        """How many views of each clip it hears."""
        return self.teaching.n_views

    def train(self, mode: bool = True):
        """The detector stays in evaluation mode, dropout apart."""
        super().train(mode)
        keep_still(self.detector, dropout=mode and self.frozen_dropout)
        return self

    def forward(self, batch, progress: Progress) -> dict:
        """Losses "mse", "deep", "weak" and "teacher", as far as they are trained."""
        spectrum = self.detector.frontend.spectrum
        views = [spectrum(waveform) for waveform in self.teaching.views_of(batch)]

        def of_stems(stems):
            return spectrum(stems.flatten(0, 1)).unflatten(0, stems.shape[:2])  # (B, N, T) -> (B, N, L, F)

        @torch.no_grad()
        def teacher():
            return self.listener.hear(self.teacher(self.teaching.heard(views[-1], -2)))

        estimates = self.student(views[0])
        return self.losses.of(batch, self.listener, estimates, of_stems, teacher, self.teaching, progress)

    def after_step(self, progress: Progress) -> None:
        """Move the teacher towards the student."""
        self.teaching.update(self.teacher, self.student, progress)

    def masked(self, waveform: torch.Tensor, variant: str = "student") -> tuple:
        """Waveform ``(B, T)`` -> linear magnitudes of the mixture ``(B, L, F)`` and of the sources ``(B, N, L, F)``."""
        mixture = self.detector.frontend.spectrum(waveform)
        return mixture, getattr(self, variant)(mixture)

    def detect(self, waveform, variant: str = "student") -> Detection:
        """Waveform ``(B, T)`` -> ``Detection``; the embedding is that of the first source."""
        return self.over(self.masked(waveform, variant)[1])

    def listen(self, waveform: torch.Tensor, variant: str = "student") -> tuple:
        """What :meth:`masked` gives of a waveform ``(B, T)``, and ``SourceDetections`` of its sources."""
        mixture, sources = self.masked(waveform, variant)
        return mixture, sources, self.listener.hear(sources)

    def over(self, spectra: torch.Tensor) -> Detection:
        """Linear magnitudes of sources ``(B, N, L, F)`` -> ``Detection`` of the clip."""
        heard = self.listener.hear(spectra)
        pool = OVER_SOURCES[self.over_sources]
        return Detection(pool(heard.strong), pool(heard.weak), heard.embedding[:, 0])

    @torch.no_grad()
    def validate(self, loaders: dict) -> dict:
        """Selection metrics of student and teacher on the loaders "strong" and "weak"."""
        return detection_metrics(self, loaders, self.selection)

    def parts(self, variant: str) -> dict:
        """The masker of student or teacher, and the detector."""
        return {"masker": getattr(self, variant), "detector": self.detector}

    def smoothing(self) -> list:
        return self.selection.smoothing()
