"""Frontend: spectrum, compression and scaling in a row. What mixes or masks spectra acts between the first two."""

from typing import Annotated

import torch
from torch import nn

from sedsep.config import build
from sedsep.nnet.frontends import COMPRESSIONS, SCALINGS, SPECTRA


class Frontend(nn.Module):
    """Waveform ``(B, T)`` -> features ``(B, L, F)``, or ``(B, P, L, F)`` where the compression gives P maps.

    Args:
        spectrum, compression, scaling: sections with the ``kind`` of each and its keys.

    >>> from sedsep.config import resolve
    >>> Frontend(**resolve(Frontend, {}))(torch.zeros(1, 160000)).shape
    torch.Size([1, 626, 128])
    """

    def __init__(
        self,
        spectrum: Annotated[dict, SPECTRA] = None,
        compression: Annotated[dict, COMPRESSIONS, ("n_bands",)] = None,
        scaling: Annotated[dict, SCALINGS, ("n_bands",)] = None,
    ):
        super().__init__()
        self.spectrum = build(SPECTRA, spectrum)
        self.n_bands, self.sample_rate = self.spectrum.n_bands, self.spectrum.sample_rate
        self.compression = build(COMPRESSIONS, compression, {"n_bands": self.n_bands})
        self.scaling = build(SCALINGS, scaling, {"n_bands": self.n_bands})
        self.n_maps = self.compression.n_maps

    def features(self, spectrum: torch.Tensor) -> torch.Tensor:
        """Magnitudes ``(B, L, F)`` -> features."""
        return self.scaling(self.compression(spectrum))

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """Waveform ``(B, T)`` -> features."""
        return self.features(self.spectrum(waveform))

    @property
    def unfitted(self) -> bool:
        """Whether the scaling waits for statistics of the training set."""
        return not getattr(self.scaling, "fitted", True)

    def fit(self, waveforms) -> None:
        """Take the scaling's statistics from waveforms ``(B, T)``, one batch after the other."""
        with torch.no_grad():
            self.scaling.fit(self.compression(self.spectrum(waveform)) for waveform in waveforms)
