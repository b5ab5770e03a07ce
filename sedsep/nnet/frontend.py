"""Front-end: log-mel spectrogram and its scaling.

Source: DCASE 2021 task 4 baseline (magnitude mel, HTK scale without area normalisation, per-instance min-max);
``mel_scale="slaney"`` with ``hop=255`` gives the mel bands of the 2020 baseline.
"""

from typing import Literal

import torch
import torchaudio
from torch import nn

from sedsep.config import Count
from sedsep.errors import UserError


class LogMel(nn.Module):
    """Waveform ``(B, T)`` -> scaled log-mel ``(B, L, F)``, differentiable with respect to the waveform.

    The STFT is centred with reflection, so ``L = 1 + T // hop``; its window is a symmetric Hamming window.

    Args:
        sample_rate: Hz. n_fft, hop: samples. n_mels: bands F between f_min and f_max (Hz).
        floor: smallest magnitude before the logarithm. clamp_db: range of the logarithm in dB.
        scaler: "instance" maps each clip's minimum and maximum over L and F to -1 and 1; "none" keeps dB.

    >>> LogMel()(torch.zeros(1, 160000)).shape
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
        floor: float = 1e-5,
        clamp_db: list[float] = (-50.0, 80.0),
        scaler: Literal["instance", "none"] = "instance",
    ):
        super().__init__()
        if f_max > sample_rate / 2:
            raise UserError(f"frontend.f_max is {f_max} Hz, above half the sample rate of {sample_rate} Hz")
        if len(clamp_db) != 2 or clamp_db[0] >= clamp_db[1]:
            raise UserError(f"frontend.clamp_db must be a lower and an upper level in dB, not {list(clamp_db)}")
        self.n_fft, self.hop, self.n_mels = n_fft, hop, n_mels
        self.floor, self.clamp_db, self.scaler = floor, tuple(clamp_db), scaler
        window = torch.hamming_window(n_fft, periodic=False)
        bands = torchaudio.functional.melscale_fbanks(
            n_fft // 2 + 1, f_min, f_max, n_mels, sample_rate, norm=None, mel_scale=mel_scale
        )
        # Constants, not weights: they follow the module to its device but stay out of checkpoints.
        self.register_buffer("window", window, persistent=False)
        self.register_buffer("bands", bands, persistent=False)

    def magnitude(self, waveform: torch.Tensor) -> torch.Tensor:
        """Waveform ``(B, T)`` -> linear mel magnitude ``(B, L, F)``, in float32 even under autocast.

        Raises:
            UserError: the clip is too short for one reflected frame.
        """
        assert waveform.ndim == 2, waveform.shape
        if waveform.shape[1] <= self.n_fft // 2:
            raise UserError(
                f"a clip of {waveform.shape[1]} samples is shorter than one frame of the front-end "
                f"({self.n_fft // 2 + 1} samples): pad it or leave it out"
            )
        with torch.autocast(waveform.device.type, enabled=False):
            spectrum = torch.stft(
                waveform.float(), self.n_fft, self.hop, window=self.window, center=True, return_complex=True
            )
            return spectrum.abs().transpose(1, 2) @ self.bands  # (B, bins, L) -> (B, L, bins) -> (B, L, F)

    def scaled_log(self, mel: torch.Tensor) -> torch.Tensor:
        """Linear mel ``(B, L, F)`` -> clamped dB, scaled, ``(B, L, F)``. A silent clip becomes -1 throughout."""
        level = (20.0 * torch.log10(mel.clamp(min=self.floor))).clamp(*self.clamp_db)
        if self.scaler == "none":
            return level
        low, high = level.amin((1, 2), keepdim=True), level.amax((1, 2), keepdim=True)
        return (level - low) / (high - low + 1e-8) * 2.0 - 1.0

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """Waveform ``(B, T)`` -> scaled log-mel ``(B, L, F)``."""
        return self.scaled_log(self.magnitude(waveform))
