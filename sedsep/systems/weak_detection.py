"""WeakDetection: a detector that learns from tags alone, with the reconstruction of its features beside it.

Source: Deshmukh et al., "Improving weakly supervised sound event detection with self-supervised auxiliary tasks",
Interspeech 2021; spec 04.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch

from sedsep.config import Count, CountOrNone, Seconds, Whole
from sedsep.labels import Classes
from sedsep.losses.detection import bce
from sedsep.metrics import tagging
from sedsep.nnet.detectors import DetectorSection
from sedsep.nnet.detectors.detector import Detector
from sedsep.nnet.frontends.frontend import Frontend
from sedsep.systems.base import System
from sedsep.systems.reconstruction import Reconstruction
from sedsep.systems.streams import LABELLED, Effects, Stream


@dataclass(frozen=True)
class Tagged:
    """Data of detectors that learn from tags.

    Args:
        seconds: of the clips. weak: clips in a batch. batches: per epoch at most. workers: loading processes.
        effects: on clips while training, one after the other (``data/augment``).
    """

    seconds: Seconds = 10.0
    weak: Count = 24
    batches: CountOrNone = None
    workers: Whole = 0
    effects: Effects = ()


class WeakDetection(System):
    """Trains a detector from the tags of clips alone: cross-entropy, and a decoder that makes the features again.

    Args:
        frontend, detector, reconstruction: keys of ``Frontend``, of a detector (``nnet/detectors``), and of
            ``Reconstruction``.
    """

    kind, task = "weak_detection", "train-sed"
    data = Tagged
    streams = tuple(stream for stream in LABELLED if stream.name == "weak")
    validation = (
        Stream("weak", "--valid-weak", "Weakly labelled set to choose the best epoch on", "weak", "weak",
               required=True),
    )  # fmt: skip
    variants = ("detector",)

    def __init__(
        self,
        classes: Classes,
        frontend: Annotated[dict, Frontend] = None,
        detector: DetectorSection = None,
        reconstruction: Annotated[dict, Reconstruction, ("detector",)] = None,
    ):
        network = Detector(len(classes), frontend, detector)
        super().__init__(classes, network.sample_rate)
        self.detector, self.grid = network, network.grid
        self.reconstruction = Reconstruction(network, **reconstruction)

    def forward(self, batch, progress) -> dict:
        """Losses "weak" (cross-entropy) and, where it has a weight, "reconstruction"."""
        with self.reconstruction.listening(self.detector) as heard:
            found = self.detector(batch.mixture)
        return {"weak": bce(found.weak, batch.weak, batch.has_weak), **self.reconstruction.loss(heard)}

    @torch.no_grad()
    def validate(self, loaders: dict) -> dict:
        """Average precision over all pairs of clip and class, which decides, and its mean over classes."""
        scores, truth = [], []
        for batch in loaders["weak"]:
            scores.append(self.detect(batch.mixture.to(self.device)).weak.cpu().numpy())
            truth.append(batch.weak.numpy())
        scores, truth = np.concatenate(scores), np.concatenate(truth)
        micro = tagging.micro_average_precision(scores, truth)
        macro = tagging.macro(tagging.average_precision(scores, truth))
        return {"detector": {"ap_micro": micro, "ap_macro": macro, "objective": micro}}

    def detect(self, waveform, variant: str = "detector"):
        """Waveform ``(B, T)`` -> ``Detection``."""
        return self.detector(waveform)

    def parts(self, variant: str) -> dict:
        """The detector."""
        return {"detector": self.detector}
