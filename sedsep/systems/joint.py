"""Joint: waveform -> separator -> N sources -> detector on each -> maximum over the sources.

Source: JSS, "Joint training of sound separation and sound event detection" (de Benito-Gorron et al. 2022);
spec 01, C. S0 is this network without training, S1, S2 and JT its three ways of training.
"""

from typing import Annotated, Literal

import torch
from torch import nn

from sedsep.labels import Classes, FrameGrid
from sedsep.nnet.crnn import Detection
from sedsep.nnet.detector import CRNNSection, Detector
from sedsep.nnet.frontend import LogMel
from sedsep.nnet.separators import SeparatorSection, build_separator
from sedsep.systems.frozen import batch_norms, keep_still
from sedsep.systems.mean_teacher import MeanTeacher, Teaching
from sedsep.systems.selection import Selection


class SeparatedDetector(nn.Module):
    """A separator before a detector with shared weights for all sources.

    The maximum over the sources is the score of the clip, strong and weak; gradients flow through the winner.
    The embedding is the one of the first source.
    """

    def __init__(self, separator: nn.Module, detector: nn.Module):
        super().__init__()
        self.separator = separator
        self.detector = detector

    def forward(self, waveform) -> Detection:
        """Waveform ``(B, T)`` -> ``Detection``."""
        return self.from_sources(self.separator(waveform))

    def from_sources(self, sources) -> Detection:
        """Sources ``(B, N, T)`` -> ``Detection``."""
        n_clips, n_sources, n_samples = sources.shape
        found = self.detector(sources.reshape(n_clips * n_sources, n_samples))  # (B, N, T) -> (B N, T)
        strong, weak, embedding = (x.unflatten(0, (n_clips, n_sources)) for x in found)  # (B N, ...) -> (B, N, ...)
        return Detection(strong.amax(1), weak.amax(1), embedding[:, 0])


class Joint(MeanTeacher):
    """Trains the detector on separated sources ("stage1"), the separator through the frozen detector ("stage2"),
    or both at once ("joint"), with a mean teacher over the whole.

    A frozen part keeps its parameters and its batch-norm statistics bit for bit, runs without dropout, and passes
    gradients.

    Args:
        mode: which part learns.
        freeze_batch_norm: keep the batch-norm statistics and affine of the detector when it learns, as the
            DCASE 2021 SSep+SED baseline does (the paper does not say).
        separator, frontend, detector, teaching, selection: keys of a separator (``nnet/separators.py``), of
            ``LogMel``, ``CRNN``, ``Teaching`` and ``Selection``. The first three come from the checkpoints that
            training starts from.
    """

    def __init__(
        self,
        classes: Classes,
        mode: Literal["stage1", "stage2", "joint"] = "joint",
        freeze_batch_norm: bool = True,
        separator: SeparatorSection = None,
        frontend: Annotated[dict, LogMel] = None,
        detector: CRNNSection = None,
        teaching: Annotated[dict, Teaching] = None,
        selection: Annotated[dict, Selection] = None,
    ):
        inner = Detector(len(classes), frontend, detector)
        grid = FrameGrid(frontend["sample_rate"], frontend["hop"], inner.crnn.pool)
        student = SeparatedDetector(build_separator(separator), inner)
        super().__init__(classes, frontend["sample_rate"], student, grid, teaching, selection)
        self.freeze_batch_norm = freeze_batch_norm
        self.frozen = {"stage1": "separator", "stage2": "detector", "joint": None}[mode]
        for parameter in self.frozen_parameters(self.student):
            parameter.requires_grad_(False)

    def frozen_parameters(self, network):
        """The parameters of student or teacher that this mode does not train."""
        if self.frozen:
            yield from getattr(network, self.frozen).parameters()
        if self.freeze_batch_norm:
            for layer in batch_norms(network):
                yield from layer.parameters()

    def train(self, mode: bool = True):
        """Frozen parts stay in evaluation mode, in the student and in the teacher."""
        super().train(mode)
        for network in (self.student, self.teacher):
            if self.frozen:
                keep_still(getattr(network, self.frozen))
            if self.freeze_batch_norm:
                for layer in batch_norms(network):
                    layer.eval()
        return self

    def prepare(self, batch):
        """A frozen separator is the same in student and teacher: its sources are computed once for both."""
        waveform, strong, weak = super().prepare(batch)
        if self.frozen != "separator":
            return waveform, strong, weak
        with torch.no_grad():
            return self.student.separator(waveform), strong, weak

    def run(self, network, inputs):
        """``Detection`` of the prepared inputs."""
        return network.from_sources(inputs) if self.frozen == "separator" else network(inputs)

    def start_from(self, other, variant: str) -> None:
        """Student and teacher take the separator, the detector or both from a trained system."""
        parts = {"separator": lambda n: n.separator, "detector": lambda n: n.detector}
        if isinstance(other, Joint):
            source = getattr(other, variant)
            found = {name: part(source) for name, part in parts.items()}
        elif variant == "separator":
            found = {"separator": other.separator}
        else:
            found = {"detector": getattr(other, variant)}
        for name, module in found.items():
            for network in (self.student, self.teacher):
                parts[name](network).load_state_dict(module.state_dict())

    def separate(self, mixture, variant: str = "student"):
        """Mixture ``(B, T)`` -> estimates ``(B, N, T)``."""
        return getattr(self, variant).separator(mixture)
