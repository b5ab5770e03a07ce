"""SoundEventDetection: the DCASE 2021 task 4 SED baseline, a mean-teacher CRNN with mixup.

Source: Turpault et al. 2021; spec 01, A.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch

from sedsep import ranks
from sedsep.config import Range
from sedsep.labels import Classes, FrameGrid
from sedsep.nnet.detector import CRNNSection, Detector
from sedsep.nnet.frontend import LogMel
from sedsep.systems.mean_teacher import MeanTeacher, Teaching
from sedsep.systems.mixup import mixup
from sedsep.systems.selection import Selection


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
    """Trains a detector from waveform to scores.

    Args:
        frontend, detector, teaching, selection, mixup: keys of ``LogMel``, ``CRNN``, ``Teaching``, ``Selection``
            and ``Mixup``.
    """

    def __init__(
        self,
        classes: Classes,
        frontend: Annotated[dict, LogMel] = None,
        detector: CRNNSection = None,
        teaching: Annotated[dict, Teaching] = None,
        selection: Annotated[dict, Selection] = None,
        mixup: Annotated[dict, Mixup] = None,
    ):
        student = Detector(len(classes), frontend, detector)
        grid = FrameGrid(frontend["sample_rate"], frontend["hop"], student.crnn.pool)
        super().__init__(classes, frontend["sample_rate"], student, grid, teaching, selection)
        self.mixup = Mixup(**mixup)

    def prepare(self, batch):
        """Student and teacher see the same features, mixed before the logarithm."""
        waveform, strong, weak = super().prepare(batch)
        with torch.no_grad():
            mel = self.student.frontend.magnitude(waveform)
        if self.training and float(torch.rand(())) < self.mixup.probability:
            mel, strong, weak = ranks.whole(mel), ranks.whole(strong).clone(), ranks.whole(weak).clone()
            for mask in (ranks.whole(batch.has_weak), ranks.whole(batch.has_strong)):
                if mask.any():
                    mel[mask], (strong[mask], weak[mask]) = mixup(
                        mel[mask], [strong[mask], weak[mask]], self.mixup.alpha, self.mixup.labels
                    )
            mel, strong, weak = ranks.own(mel), ranks.own(strong), ranks.own(weak)
        return mel, strong, weak

    def run(self, network, mel):
        return network.from_mel(mel)
