"""Log-mel front-end: values of the peer, silence, gradients, bad input."""

from pathlib import Path

import numpy as np
import pytest
import torch

from sedsep.errors import UserError
from sedsep.nnet.frontend import LogMel

SHARED = Path(__file__).resolve().parents[2].parent / "shared"


def test_values_are_those_of_the_2021_baseline():
    path = SHARED / "golden" / "crnn_2021.npz"
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    golden = np.load(path)
    waveform = torch.from_numpy(golden["waveform"])
    level, scaled = LogMel(scaler="none")(waveform), LogMel()(waveform)
    np.testing.assert_allclose(level.transpose(1, 2), golden["log_mel"], rtol=0, atol=1e-4)  # dB
    np.testing.assert_allclose(scaled.transpose(1, 2), golden["scaled"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("n_samples, hop, n_frames", [(160000, 256, 626), (160000, 255, 628), (1025, 256, 5)])
def test_shape(n_samples, hop, n_frames):
    assert LogMel(hop=hop, n_mels=40)(torch.randn(2, n_samples)).shape == (2, n_frames, 40)


def test_silence_is_minus_one_throughout():
    assert (LogMel()(torch.zeros(1, 16000)) == -1).all()
    assert (LogMel(scaler="none")(torch.zeros(1, 16000)) == -50).all()


def test_each_clip_spans_minus_one_to_one_whatever_its_level():
    clip = torch.randn(1, 16000)
    scaled = LogMel()(torch.cat([clip, 0.25 * clip]))
    torch.testing.assert_close(scaled.amin((1, 2)), torch.tensor([-1.0, -1.0]))
    torch.testing.assert_close(scaled.amax((1, 2)), torch.tensor([1.0, 1.0]))


def test_batch_equals_single_clips():
    frontend, clips = LogMel(), torch.randn(4, 8000)
    torch.testing.assert_close(frontend(clips), torch.cat([frontend(c[None]) for c in clips]), rtol=0, atol=1e-5)


@pytest.mark.parametrize("clip", [torch.randn(1, 4000), torch.zeros(1, 4000)])
def test_gradient_reaches_the_waveform_and_is_finite(clip):
    clip = torch.cat([clip, torch.zeros(1, 4000)], 1).requires_grad_()  # a silent half: magnitudes of zero
    mel = LogMel()
    (mel(clip) * torch.randn(1, 32, 128)).sum().backward()
    assert clip.grad.isfinite().all()
    assert clip.grad.any() == clip.any()


def test_stft_stays_in_float32_under_autocast():
    clip, mel = torch.randn(1, 8000), LogMel()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(mel.magnitude(clip), mel.magnitude(clip.clone()))
        assert mel.magnitude(clip).dtype == torch.float32
    torch.testing.assert_close(mel.magnitude(clip), LogMel().magnitude(clip))


def test_slaney_bands_are_librosas():
    librosa = pytest.importorskip("librosa")
    expected = librosa.filters.mel(sr=16000, n_fft=2048, n_mels=128, fmin=0, fmax=8000, norm=None)
    np.testing.assert_allclose(LogMel(mel_scale="slaney").bands.T, expected, rtol=0, atol=5e-5)


def test_errors_name_the_cure():
    with pytest.raises(UserError, match="shorter than one frame"):
        LogMel()(torch.zeros(1, 1024))
    with pytest.raises(UserError, match="half the sample rate"):
        LogMel(sample_rate=8000)
    with pytest.raises(UserError, match="clamp_db"):
        LogMel(clamp_db=[80.0, -50.0])


def test_no_weights_in_checkpoints():
    assert LogMel().state_dict() == {}
