"""Mel: the magnitudes of an STFT in mel bands.

Source: DCASE 2021 task 4 baseline (magnitude mel, HTK scale without area normalisation); ``mel_scale: slaney`` with
``hop: 255`` gives the bands of the 2020 baseline, ``centred: false`` the frames of Deshmukh et al. 2021.
"""

from typing import Literal

import torch
import torchaudio
from torch import nn

from sedsep.config import Count
from sedsep.errors import UserError
from sedsep.labels import FrameGrid


class Mel(nn.Module):
    """Waveform ``(B, T)`` -> linear mel magnitudes ``(B, L, F)``, differentiable with respect to the waveform.

    The window is a symmetric Hamming window of ``n_fft`` samples.

    Args:
        sample_rate: Hz. n_fft, hop: samples. n_mels: bands F between f_min and f_max (Hz). mel_scale: of the bands.
        centred: frames lie around their times, reflected at the ends: ``L = 1 + T // hop``; else they begin there,
            and the clip ends with the last whole one: ``L = 1 + (T - n_fft) // hop``.
        offsets: how the end of an event is rounded to a frame of labels; "floor" is the 2020 baseline's, which loses
            what begins and ends in one frame.

    >>> Mel()(torch.zeros(1, 160000)).shape
    torch.Size([1, 626, 128])
    """

    def __init__(
        self,
        sample_rate: Count = 16000,
        n_fft: Count = 2048,
        hop: Count = 256,
        n_mels: Count = 128,
        f_min: float = 0.0,
        f_max: float = 8000.0,
        mel_scale: Literal["htk", "slaney"] = "htk",
        centred: bool = True,
        offsets: Literal["ceil", "floor"] = "ceil",
    ):
        super().__init__()
        if f_max > sample_rate / 2:
            raise UserError(f"spectrum.f_max is {f_max} Hz, above half the sample rate of {sample_rate} Hz")
        self.sample_rate, self.n_fft, self.hop, self.n_bands, self.centred = sample_rate, n_fft, hop, n_mels, centred
        self.offsets = offsets
        self.shortest = n_fft // 2 + 1 if centred else n_fft
        window = torch.hamming_window(n_fft, periodic=False)
        bands = torchaudio.functional.melscale_fbanks(
            n_fft // 2 + 1, f_min, f_max, n_mels, sample_rate, norm=None, mel_scale=mel_scale
        )
        # Constants, not weights: they follow the module to its device but stay out of checkpoints.
        self.register_buffer("window", window, persistent=False)
        self.register_buffer("bands", bands, persistent=False)

    def grid(self, pool: int) -> FrameGrid:
        """The frames of labels and scores, where a detector makes one of ``pool`` of ours."""
        return FrameGrid(self.sample_rate, self.hop, pool, self.offsets, window=0 if self.centred else self.n_fft)

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """``(B, T)`` -> ``(B, L, F)``, in float32 even under autocast. Raises UserError for a clip without a frame."""
        assert waveform.ndim == 2, waveform.shape
        if waveform.shape[1] < self.shortest:
            raise UserError(
                f"a clip of {waveform.shape[1]} samples is shorter than one frame of the front-end "
                f"({self.shortest} samples): pad it or leave it out"
            )
        with torch.autocast(waveform.device.type, enabled=False):
            spectrum = torch.stft(
                waveform.float(), self.n_fft, self.hop, window=self.window, center=self.centred, return_complex=True
            )
            return spectrum.abs().transpose(1, 2) @ self.bands  # (B, bins, L) -> (B, L, bins) -> (B, L, F)
