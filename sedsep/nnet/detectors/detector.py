"""Detector: a front-end and what judges its features, as one network from waveform to scores."""

from torch import nn

from sedsep.config import build
from sedsep.labels import FrameGrid
from sedsep.nnet.detectors import DETECTORS
from sedsep.nnet.frontends.frontend import Frontend
from sedsep.nnet.poolings import Detection


class Detector(nn.Module):
    """Waveform ``(B, T)`` -> ``Detection`` (strong ``(B, L', C)``, weak ``(B, C)``, embedding ``(B, L', D)``).

    Args:
        n_classes: C. frontend: keys of ``Frontend``. detector: a detector's ``kind`` and its keys.
    """

    def __init__(self, n_classes: int, frontend: dict, detector: dict):
        super().__init__()
        self.frontend = Frontend(**frontend)
        given = {"n_classes": n_classes, "n_bands": self.frontend.n_bands, "n_maps": self.frontend.n_maps}
        self.network = build(DETECTORS, detector, given)

    @property
    def sample_rate(self) -> int:
        """Of the waveforms, Hz."""
        return self.frontend.sample_rate

    @property
    def grid(self) -> FrameGrid:
        """The frames of the strong scores."""
        return self.frontend.spectrum.grid(self.network.pool)

    def forward(self, waveform) -> Detection:
        return self.from_spectrum(self.frontend.spectrum(waveform))

    def from_spectrum(self, spectrum) -> Detection:
        """Linear magnitudes ``(B, L, F)`` -> ``Detection``."""
        return self.network(self.frontend.features(spectrum))
