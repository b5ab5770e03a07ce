"""SSepSED: one detector on the separated sources, one on what they add up to, and a learned weight between them.

Source: DCASE 2021 task 4 SSep+SED baseline (Turpault et al. 2021); spec 01, B.
"""

from typing import Annotated

import torch
from torch import nn

from sedsep.config import build
from sedsep.labels import Classes
from sedsep.nnet.detectors import DetectorSection
from sedsep.nnet.detectors.detector import Detector
from sedsep.nnet.frontends.frontend import Frontend
from sedsep.nnet.poolings import Detection
from sedsep.nnet.separators import SEPARATORS, SeparatorSection
from sedsep.systems.augmentation import Augmentation
from sedsep.systems.base import System
from sedsep.systems.frozen import batch_norms, keep_still
from sedsep.systems.mean_teacher import Adversary, MeanTeacher
from sedsep.systems.selection import Selection
from sedsep.systems.streams import DETECTOR, SAME, SEPARATOR
from sedsep.systems.teacher import Teaching


class TwoDetectors(nn.Module):
    """Two detectors: ``sources`` hears every source by itself, ``mixture`` the sum of their mel magnitudes.

    The scores of the sources are added up, to 1 at most. The weight is not bound to [0, 1], as in the original; the
    scores of the two together are. The embedding is that of the mixture.
    """

    def __init__(self, n_classes: int, frontend: dict, detector: dict):
        super().__init__()
        self.sources = Detector(n_classes, frontend, detector)
        self.mixture = Detector(n_classes, frontend, detector)
        self.weight = nn.Parameter(torch.rand(()))
        self.sample_rate, self.grid = self.mixture.sample_rate, self.mixture.grid

    def spectra(self, sources) -> torch.Tensor:
        """Sources ``(B, N, T)`` -> linear mel magnitudes ``(B, N, L, F)``."""
        return self.mixture.frontend.spectrum(sources.flatten(0, 1)).unflatten(0, sources.shape[:2])

    def forward(self, mel) -> Detection:
        """Linear mel magnitudes of the sources ``(B, N, L, F)`` -> ``Detection``."""
        single = self.sources.from_spectrum(mel.flatten(0, 1))
        with torch.no_grad():
            whole = self.mixture.from_spectrum(mel.sum(1))
        added = (x.unflatten(0, mel.shape[:2]).sum(1).clamp(max=1) for x in (single.strong, single.weak))
        strong, weak = (
            (self.weight * a + (1 - self.weight) * b).clamp(0, 1) for a, b in zip((whole.strong, whole.weak), added)
        )
        return Detection(strong, weak, whole.embedding)


class SSepSED(MeanTeacher):
    """Trains the detector of the sources and the weight; separator and detector of the mixture stay as they are.

    Frozen, too, are the batch-norm statistics and affine of the detector that learns. Both detectors start from the
    same one. The teacher averages both detectors and the weight.

    Args:
        frozen_dropout: the detector of the mixture keeps its dropout while the other learns, as in the released code.
        separator, frontend, detector, teaching, selection, augmentation: keys of a separator (``nnet/separators``),
            of ``Frontend``, of a detector (``nnet/detectors``), ``Teaching``, ``Selection`` and ``Augmentation``. The
            first three come from the models that training starts from.
        adversary: keys of ``DomainAdversary``, or null for none.
    """

    kind, task = "ssep_sed", "train-joint"
    starts = ((SEPARATOR, DETECTOR), (SAME,))
    time = -2

    def __init__(
        self,
        classes: Classes,
        frozen_dropout: bool = True,
        separator: SeparatorSection = None,
        frontend: Annotated[dict, Frontend] = None,
        detector: DetectorSection = None,
        teaching: Annotated[dict, Teaching] = None,
        selection: Annotated[dict, Selection] = None,
        augmentation: Annotated[dict, Augmentation] = None,
        adversary: Adversary = None,
    ):
        def make():
            network = TwoDetectors(len(classes), frontend, detector)
            for part in (network.mixture, *batch_norms(network.sources)):
                part.requires_grad_(False)
            return network

        super().__init__(classes, make, teaching, selection, augmentation, adversary)
        self.frozen_dropout = frozen_dropout
        self.separator = build(SEPARATORS, separator).requires_grad_(False)

    def train(self, mode: bool = True):
        """Frozen parts stay in evaluation mode, dropout apart."""
        super().train(mode)
        for network in (self.student, self.teacher):
            keep_still(network.mixture, dropout=mode and self.frozen_dropout)
            for part in batch_norms(network.sources):
                keep_still(part)
        keep_still(self.separator)
        return self

    @torch.no_grad()
    def prepare(self, batch):
        """The spectra of the sources, computed once for student and teacher."""
        views, strong, weak = super().prepare(batch)
        return [self.student.spectra(self.separator(waveform)) for waveform in views], strong, weak

    def detect(self, waveform, variant: str = "student") -> Detection:
        """Waveform ``(B, T)`` -> ``Detection`` of the student or the teacher."""
        network = getattr(self, variant)
        return network(network.spectra(self.separator(waveform)))

    def parts(self, variant: str) -> dict:
        """The separator, and all of the student or the teacher."""
        return {"separator": self.separator, "detectors": getattr(self, variant)}

    def start_from(self, role: str, other: System, variant: str) -> None:
        """Take the separator of a trained system, a detector for all four places, or another model of this kind."""
        if role != "detector":
            super().start_from(role, other, variant)
            return
        for own in self.variants:
            network = getattr(self, own)
            for part in (network.sources, network.mixture):
                part.load_state_dict(other.parts(variant)["detector"].state_dict())

    def separate(self, mixture, variant: str = "student"):
        """Mixture ``(B, T)`` -> estimates ``(B, N, T)``."""
        return self.separator(mixture)
