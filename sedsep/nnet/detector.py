"""Detector: a front-end and a CRNN as one network from waveform to scores."""

from typing import Annotated

from torch import nn

from sedsep.nnet.crnn import CRNN, Detection
from sedsep.nnet.frontend import LogMel

# The section of a configuration that describes a detector's CRNN: the rest of its arguments follows from elsewhere.
CRNNSection = Annotated[dict, CRNN, ("n_classes", "n_mels", "n_channels_in")]


class Detector(nn.Module):
    """Waveform ``(B, T)`` -> ``Detection`` (strong ``(B, L', C)``, weak ``(B, C)``, embedding ``(B, L', D)``).

    Args:
        n_classes: C. frontend, detector: keyword arguments of ``LogMel`` and ``CRNN``.
    """

    def __init__(self, n_classes: int, frontend: dict, detector: dict):
        super().__init__()
        self.frontend = LogMel(**frontend)
        self.crnn = CRNN(n_classes=n_classes, n_mels=self.frontend.n_mels, **detector)

    def forward(self, waveform) -> Detection:
        return self.from_mel(self.frontend.magnitude(waveform))

    def from_mel(self, mel) -> Detection:
        """Linear mel magnitudes ``(B, L, F)`` -> ``Detection``."""
        return self.crnn(self.frontend.scaled_log(mel))
