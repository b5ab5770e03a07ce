"""Log-mel front-end: values of the peer, silence, gradients, bad input."""

from pathlib import Path

import numpy as np
import pytest
import scipy.signal
import torch

from sedsep.config import resolve
from sedsep.errors import UserError
from sedsep.nnet.frontends.frontend import Frontend
from sedsep.nnet.frontends.mel import Mel


def frontend(scaling="minmax_signed", **spectrum):
    return Frontend(**resolve(Frontend, {"spectrum": spectrum, "scaling": {"kind": scaling}}))


SHARED = Path(__file__).resolve().parents[3].parent / "shared"


@pytest.mark.parametrize("name, scaling", [("crnn_2021_release", "minmax"), ("crnn_2021", "minmax_signed")])
def test_values_are_those_of_the_baseline(name, scaling):
    path = SHARED / "golden" / f"{name}.npz"
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    golden = np.load(path)

    def agrees(waveform, scaling=scaling, **spectrum):
        level, scaled = frontend("none", **spectrum)(waveform), frontend(scaling, **spectrum)(waveform)
        np.testing.assert_allclose(level.transpose(1, 2), golden["log_mel"], rtol=0, atol=1e-4)  # dB
        np.testing.assert_allclose(scaled.transpose(1, 2), golden["scaled"], rtol=0, atol=1e-5)

    waveform = torch.from_numpy(golden["waveform"])
    agrees(waveform)
    other = {"minmax": "minmax_signed", "minmax_signed": "minmax"}[scaling]
    for wrong in ((waveform.flip(1),), (waveform * 1.001,), (waveform, other)):
        with pytest.raises(AssertionError):
            agrees(*wrong)
    with pytest.raises(AssertionError):
        agrees(waveform, mel_scale="slaney")


def test_the_default_is_the_2021_recipes():
    section = resolve(Frontend, {})
    assert section["scaling"] == {"kind": "minmax"}
    scaled = Frontend(**section)(torch.randn(2, 16000))
    torch.testing.assert_close(scaled.amin((1, 2)), torch.zeros(2))
    torch.testing.assert_close(scaled.amax((1, 2)), torch.ones(2))
    assert (Frontend(**section)(torch.zeros(1, 16000)) == 0).all()


@pytest.mark.parametrize("n_samples, hop, n_frames", [(160000, 256, 626), (160000, 255, 628), (1025, 256, 5)])
def test_shape(n_samples, hop, n_frames):
    assert frontend(hop=hop, n_mels=40)(torch.randn(2, n_samples)).shape == (2, n_frames, 40)


def test_silence_is_minus_one_throughout():
    assert (frontend()(torch.zeros(1, 16000)) == -1).all()
    assert (frontend("none")(torch.zeros(1, 16000)) == -50).all()


def test_each_clip_spans_minus_one_to_one_whatever_its_level():
    clip = torch.randn(1, 16000)
    scaled = frontend()(torch.cat([clip, 0.25 * clip]))
    torch.testing.assert_close(scaled.amin((1, 2)), torch.tensor([-1.0, -1.0]))
    torch.testing.assert_close(scaled.amax((1, 2)), torch.tensor([1.0, 1.0]))


def test_batch_equals_single_clips():
    net, clips = frontend(), torch.randn(4, 8000)
    torch.testing.assert_close(net(clips), torch.cat([net(c[None]) for c in clips]), rtol=0, atol=1e-5)


@pytest.mark.parametrize("clip", [torch.randn(1, 4000), torch.zeros(1, 4000)])
def test_gradient_reaches_the_waveform_and_is_finite(clip):
    clip = torch.cat([clip, torch.zeros(1, 4000)], 1).requires_grad_()  # a silent half: magnitudes of zero
    mel = frontend()
    (mel(clip) * torch.randn(1, 32, 128)).sum().backward()
    assert clip.grad.isfinite().all()
    assert clip.grad.any() == clip.any()


def test_stft_stays_in_float32_under_autocast():
    clip, mel = torch.randn(1, 8000), Mel()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(mel(clip), mel(clip.clone()))
        assert mel(clip).dtype == torch.float32
    torch.testing.assert_close(mel(clip), Mel()(clip))


def test_slaney_bands_are_librosas():
    librosa = pytest.importorskip("librosa")
    expected = librosa.filters.mel(sr=16000, n_fft=2048, n_mels=128, fmin=0, fmax=8000, norm=None)
    np.testing.assert_allclose(Mel(mel_scale="slaney").bands.T, expected, rtol=0, atol=5e-5)


def test_errors_name_the_cure():
    with pytest.raises(UserError, match="shorter than one frame"):
        frontend()(torch.zeros(1, 1024))
    with pytest.raises(UserError, match="half the sample rate"):
        frontend(sample_rate=8000)
    with pytest.raises(UserError, match="clamp_db"):
        Frontend(**resolve(Frontend, {"compression": {"clamp_db": [80.0, -50.0]}}))


def test_no_weights_in_checkpoints():
    assert frontend().state_dict() == {}


def test_the_unsigned_range_is_zero_to_one():
    clip = torch.randn(2, 16000)
    torch.testing.assert_close(frontend("minmax")(clip) * 2 - 1, frontend()(clip))


def test_frames_without_centring():
    uncentred = frontend(n_fft=2048, hop=1024, sample_rate=32000, f_max=16000.0, centred=False)
    assert uncentred(torch.randn(1, 320000)).shape[1] == 311 == uncentred.spectrum.grid(1).n_frames(320000)
    with pytest.raises(UserError, match="2048 samples"):
        uncentred(torch.zeros(1, 2047))


def test_statistics_of_the_training_set_are_fitted_once_and_kept():
    net, clips = frontend("dataset", n_mels=8), 0.1 * torch.randn(6, 8000)
    plain = frontend("none", n_mels=8)(clips).flatten(0, 1)
    assert net.unfitted and not frontend().unfitted
    net.fit([clips[:2], clips[2:]])
    assert not net.unfitted
    scaled = net(clips).flatten(0, 1)
    torch.testing.assert_close(scaled, (plain - plain.mean(0)) / plain.std(0, correction=0), rtol=1e-4, atol=1e-3)
    other = frontend("dataset", n_mels=8)
    other.load_state_dict(net.state_dict())
    assert not other.unfitted and torch.equal(other(clips), net(clips))


def test_the_front_end_of_weak_detection_is_librosas():
    """311 frames of 10 s at 32 kHz; natural logarithm of scipy's density-scaled magnitudes in librosa's own bands."""
    librosa = pytest.importorskip("librosa")
    rng, spectrum = np.random.default_rng(0), {"kind": "mel", "sample_rate": 32000, "n_fft": 2048, "hop": 1024}
    spectrum |= {"n_mels": 64, "f_min": 50.0, "f_max": 16000.0, "mel_scale": "slaney", "centred": False}
    spectrum |= {"area_norm": True, "density": True}
    section = {"spectrum": spectrum, "compression": {"kind": "ln"}, "scaling": {"kind": "none"}}
    x = 0.1 * rng.standard_normal(320000)
    found = Frontend(**resolve(Frontend, section))(torch.from_numpy(x).float()[None])[0].numpy()
    _, _, magnitudes = scipy.signal.spectrogram(
        x, window=np.hamming(2048), nperseg=2048, noverlap=1024, detrend=False, mode="magnitude"
    )
    bands = librosa.filters.mel(sr=32000, n_fft=2048, n_mels=64, fmin=50, fmax=16000)
    expected = np.log(magnitudes.T @ bands.T + 1e-8)
    assert found.shape == expected.shape == (311, 64)
    np.testing.assert_allclose(found, expected, atol=2e-4)
    wrong = Frontend(**resolve(Frontend, {**section, "spectrum": {**spectrum, "area_norm": False}}))
    assert np.abs(wrong(torch.from_numpy(x).float()[None])[0].numpy() - expected).max() > 1
