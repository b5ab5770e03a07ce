"""SoundEventDetection: the DCASE 2021 task 4 SED baseline, a mean-teacher CRNN with mixup.

Source: Turpault et al. 2021; spec 01, A.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch

from sedsep import ranks
from sedsep.config import Range
from sedsep.labels import Classes
from sedsep.nnet.detectors import DetectorSection
from sedsep.nnet.detectors.detector import Detector
from sedsep.nnet.frontends.frontend import Frontend
from sedsep.systems.augmentation import Augmentation
from sedsep.systems.mean_teacher import Adversary, MeanTeacher
from sedsep.systems.mixup import mixup
from sedsep.systems.selection import Selection
from sedsep.systems.teacher import Teaching


@dataclass(frozen=True)
class Mixup:
    """Mixup inside the weakly and inside the strongly labelled clips; the others are never mixed.

    Args:
        probability: per batch. alpha: of the Beta distribution. labels: "soft" or "hard".
    """

    probability: Annotated[float, Range(0, 1)] = 0.5
    alpha: Annotated[float, Range(1e-3)] = 0.2
    labels: Literal["soft", "hard"] = "soft"


class SoundEventDetection(MeanTeacher):
    """Trains a detector from waveform to scores, with a mean teacher.

    Args:
        frontend, detector, teaching, selection, mixup, augmentation: keys of ``Frontend``, of a detector
            (``nnet/detectors``), of ``Teaching``, ``Selection``, ``Mixup`` and ``Augmentation``.
        adversary: keys of ``DomainAdversary``, or null for none.
    """

    kind, task = "detection", "train-sed"
    time = -2

    def __init__(
        self,
        classes: Classes,
        frontend: Annotated[dict, Frontend] = None,
        detector: DetectorSection = None,
        teaching: Annotated[dict, Teaching] = None,
        selection: Annotated[dict, Selection] = None,
        augmentation: Annotated[dict, Augmentation] = None,
        mixup: Annotated[dict, Mixup] = None,
        adversary: Adversary = None,
    ):
        def make():
            return Detector(len(classes), frontend, detector)

        super().__init__(classes, make, teaching, selection, augmentation, adversary)
        self.mixup = Mixup(**mixup)

    def parts(self, variant: str) -> dict:
        """The detector."""
        return {"detector": getattr(self, variant)}

    def prepare(self, batch):
        """Spectra, mixed before the logarithm, all views of a clip alike."""
        waveforms, strong, weak = super().prepare(batch)
        with torch.no_grad():
            views = [self.student.frontend.spectrum(waveform) for waveform in waveforms]
        if self.training and float(torch.rand(())) < self.mixup.probability:
            views, strong, weak = [*map(ranks.whole, views)], ranks.whole(strong).clone(), ranks.whole(weak).clone()
            for mask in (ranks.whole(batch.has_weak), ranks.whole(batch.has_strong)):
                if mask.any():
                    mixed, (strong[mask], weak[mask]) = mixup(
                        [view[mask] for view in views], [strong[mask], weak[mask]],
                        self.mixup.alpha, self.mixup.labels,
                    )  # fmt: skip
                    for view, part in zip(views, mixed):
                        view[mask] = part
            views, strong, weak = [*map(ranks.own, views)], ranks.own(strong), ranks.own(weak)
        return views, strong, weak

    def run(self, network, prepared):
        return network.from_spectrum(prepared)
