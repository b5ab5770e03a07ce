"""Ensemble: one detector on the separated sources, one on what they add up to, and a learned weight between them.

Source: DCASE 2021 task 4 SSep+SED baseline (Turpault et al. 2021); spec 01, B.
"""

from typing import Annotated

import torch
from torch import nn

from sedsep.labels import Classes, FrameGrid
from sedsep.nnet.crnn import Detection
from sedsep.nnet.detector import CRNNSection, Detector
from sedsep.nnet.frontend import LogMel
from sedsep.nnet.separators import SeparatorSection, build_separator
from sedsep.systems.base import System
from sedsep.systems.frozen import batch_norms, keep_still
from sedsep.systems.mean_teacher import MeanTeacher, Teaching
from sedsep.systems.selection import Selection


class EnsembleDetector(nn.Module):
    """Two detectors: ``sources`` hears every source by itself, ``mixture`` the sum of their mel magnitudes.

    The scores of the sources are added up, to 1 at most. The weight is not bound to [0, 1], as in the original; the
    scores of the ensemble are. The embedding is that of the mixture.
    """

    def __init__(self, n_classes: int, frontend: dict, detector: dict):
        super().__init__()
        self.sources = Detector(n_classes, frontend, detector)
        self.mixture = Detector(n_classes, frontend, detector)
        self.weight = nn.Parameter(torch.rand(()))

    def magnitude(self, sources) -> torch.Tensor:
        """Sources ``(B, N, T)`` -> linear mel magnitudes ``(B, N, L, F)``."""
        return self.mixture.frontend.magnitude(sources.flatten(0, 1)).unflatten(0, sources.shape[:2])

    def forward(self, mel) -> Detection:
        """Linear mel magnitudes of the sources ``(B, N, L, F)`` -> ``Detection``."""
        single = self.sources.from_mel(mel.flatten(0, 1))
        with torch.no_grad():
            whole = self.mixture.from_mel(mel.sum(1))
        added = (x.unflatten(0, mel.shape[:2]).sum(1).clamp(max=1) for x in (single.strong, single.weak))
        strong, weak = (
            (self.weight * a + (1 - self.weight) * b).clamp(0, 1) for a, b in zip((whole.strong, whole.weak), added)
        )
        return Detection(strong, weak, whole.embedding)


class Ensemble(MeanTeacher):
    """Trains the detector of the sources and the weight; separator and detector of the mixture stay as they are.

    Frozen, too, are the batch-norm statistics and affine of the detector that learns. Both detectors start from the
    same one. The teacher averages the whole ensemble, weight included.

    Args:
        separator, frontend, detector, teaching, selection: keys of a separator (``nnet/separators.py``), of
            ``LogMel``, ``CRNN``, ``Teaching`` and ``Selection``. The first three come from the checkpoints that
            training starts from.
    """

    def __init__(
        self,
        classes: Classes,
        separator: SeparatorSection = None,
        frontend: Annotated[dict, LogMel] = None,
        detector: CRNNSection = None,
        teaching: Annotated[dict, Teaching] = None,
        selection: Annotated[dict, Selection] = None,
    ):
        student = EnsembleDetector(len(classes), frontend, detector)
        grid = FrameGrid(frontend["sample_rate"], frontend["hop"], student.mixture.crnn.pool)
        for part in (student.mixture, *batch_norms(student.sources)):
            part.requires_grad_(False)
        super().__init__(classes, frontend["sample_rate"], student, grid, teaching, selection)
        self.separator = build_separator(separator).requires_grad_(False)

    def train(self, mode: bool = True):
        """Frozen parts stay in evaluation mode."""
        super().train(mode)
        for network in (self.student, self.teacher):
            for part in (network.mixture, *batch_norms(network.sources)):
                keep_still(part)
        keep_still(self.separator)
        return self

    @torch.no_grad()
    def prepare(self, batch):
        """The spectra of the sources, computed once for student and teacher."""
        waveform, strong, weak = super().prepare(batch)
        return self.student.magnitude(self.separator(waveform)), strong, weak

    def detect(self, waveform, variant: str = "student") -> Detection:
        """Waveform ``(B, T)`` -> ``Detection`` of the student or the teacher."""
        network = getattr(self, variant)
        return network(network.magnitude(self.separator(waveform)))

    def start_from(self, other: System, variant: str) -> None:
        """Take the separator of a trained system, a detector for all four places, or another ensemble."""
        if isinstance(other, Ensemble):
            self.separator.load_state_dict(other.separator.state_dict())
            for network in (self.student, self.teacher):
                network.load_state_dict(getattr(other, variant).state_dict())
        elif variant == "separator":
            self.separator.load_state_dict(other.separator.state_dict())
        else:
            for network in (self.student, self.teacher):
                for part in (network.sources, network.mixture):
                    part.load_state_dict(getattr(other, variant).state_dict())

    def separate(self, mixture, variant: str = "student"):
        """Mixture ``(B, T)`` -> estimates ``(B, N, T)``."""
        return self.separator(mixture)
