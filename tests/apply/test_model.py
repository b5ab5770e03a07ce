"""The library's face: models on files and arrays of any rate, what each kind can do, and what is said of the rest."""

import subprocess
import sys

import numpy as np
import pytest
import soundfile

import sedsep
from sedsep.apply.model import joined, load
from sedsep.errors import UserError
from sedsep.scores.median import median_filter
from tests.conftest import ROOT

GOLDEN = ROOT / "tests" / "golden"


@pytest.fixture
def noise(tmp_path):
    """A stereo file of 1.5 s at 44.1 kHz, and its samples."""
    samples = 0.1 * np.random.default_rng(0).standard_normal((66150, 2)).astype(np.float32)
    soundfile.write(tmp_path / "noise.wav", samples, 44100, subtype="FLOAT")
    return tmp_path / "noise.wav", samples


def test_it_is_at_hand_without_loading_torch():
    script = "import sys, sedsep; assert 'torch' not in sys.modules; assert callable(sedsep.load); print(sedsep.Model)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False)
    assert "sedsep.apply.model.Model" in done.stdout, done.stderr
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        sedsep.lode


def test_a_detector_on_a_file_and_on_its_samples(noise):
    path, samples = noise
    model = sedsep.load(GOLDEN / "detection.pt", device="cpu")
    assert (model.kind, model.sample_rate, tuple(model.classes)) == ("detection", 8000, ("High", "Low"))
    found = model.detect(path)
    assert found.strong.shape == (len(found.boundaries) - 1, 2) and found.boundaries[-1] <= 1.5 + 1e-9
    np.testing.assert_allclose(model.detect(samples, 44100).strong, found.strong, atol=1e-6)
    mono = model.detect(samples.mean(1), 44100)
    np.testing.assert_allclose(mono.strong, found.strong, atol=1e-6)
    assert np.abs(model.detect(samples[::-1].copy(), 44100).strong - found.strong).max() > 1e-5
    raw = model.detect(path, smoothing=[])
    frame = model.system.grid.frame_seconds
    np.testing.assert_allclose(found.strong, median_filter(raw.strong, round(0.448 / frame)), atol=1e-7)
    assert np.abs(found.strong - raw.strong).max() > 0
    low = float(found.strong.min()) - 0.01
    events = found.events(low)
    assert {name for *_, name in events} == {"High", "Low"} and all(0 <= a < b <= 1.5 for a, b, _ in events)
    assert found.events(1.0) == []


def test_student_and_teacher_of_one_file(noise):
    student, teacher = (load(GOLDEN / "joint.pt", "cpu", variant) for variant in ("student", "teacher"))
    assert np.abs(student.detect(noise[0]).strong - teacher.detect(noise[0]).strong).max() > 1e-7
    with pytest.raises(UserError, match="no variant 'tutor'"):
        load(GOLDEN / "joint.pt", "cpu", "tutor")


@pytest.mark.parametrize("name", ["separation", "joint", "ensemble"])
def test_sources_have_the_recordings_rate_and_channels(name, noise):
    path, samples = noise
    model = load(GOLDEN / f"{name}.pt", "cpu")
    sources = model.separate(path)
    assert sources.shape == (3, 66150, 2) and np.isfinite(sources).all()
    np.testing.assert_allclose(model.separate(samples[:, 1].copy(), 44100), sources[:, :, 1], atol=1e-6)


def test_sounds_add_nothing_to_their_names(noise, tone):
    path, samples = noise
    model = load(GOLDEN / "extraction.pt", "cpu")
    found = model.extract(path, ["High", "bark"], like=[tone("whistle.wav")])
    assert list(found) == ["High", "bark", "whistle"]
    assert all(sound.shape == samples.shape for sound in found.values())
    at_its_rate = model.extract(samples[:8000, 0].copy(), ["High"])["High"]
    assert at_its_rate.shape == (8000,)
    short = model.extract(np.full(5, 0.1, np.float32), ["High"])["High"]
    assert short.shape == (5,)


def test_separator_and_detector_together_without_training(noise):
    model = joined(GOLDEN / "separation.pt", GOLDEN / "detection.pt", "cpu")
    assert model.kind == "joint" and model.variant == "teacher" and model.detects and model.separates
    model.detect(noise[0])


@pytest.mark.parametrize(
    "name, ability, arguments, message",
    [
        ("detection", "separate", (), "detection.pt: holds a detection model, which detects; it cannot separate"),
        ("separation", "detect", (), "holds a separation model, which separates; it cannot detect"),
        ("joint", "extract", (["High"],), "which detects and separates; it cannot extract"),
        ("extraction", "detect", (), "holds an extraction model, which extracts; it cannot detect"),
    ],
)
def test_what_it_cannot_do_is_one_clear_line(name, ability, arguments, message, noise):
    with pytest.raises(UserError, match=message):
        getattr(load(GOLDEN / f"{name}.pt", "cpu"), ability)(noise[0], *arguments)


@pytest.mark.parametrize("samples", [np.zeros(0), np.zeros((2, 2, 2)), np.full(9000, np.nan)])
def test_samples_that_are_no_recording(samples):
    with pytest.raises(UserError, match="a recording must be finite samples"):
        load(GOLDEN / "detection.pt", "cpu").detect(samples)


def test_a_device_that_is_not_there():
    with pytest.raises(UserError, match="device 'cuda:99' cannot be used here"):
        load(GOLDEN / "detection.pt", "cuda:99")


def test_a_recording_shorter_than_a_frame():
    with pytest.raises(UserError, match="5 samples are shorter than one frame"):
        load(GOLDEN / "detection.pt", "cpu").detect(np.full(5, 0.1, np.float32))
