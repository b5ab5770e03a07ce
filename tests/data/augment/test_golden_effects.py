"""Effects against the released chain of 2020 (golden/effects_2020.npz), each with a perturbed one that must fail."""

import numpy as np
import pytest

from sedsep.data.augment import SOURCE_EFFECTS
from sedsep.data.augment.bursts import with_burst
from sedsep.data.augment.comb import combed
from sedsep.data.augment.pitch_shift import OVERLAP, SEARCH, SEGMENT, shifted
from sedsep.data.augment.shift import Shift
from sedsep.data.clip import LoadedClip
from tests.conftest import ROOT

GOLDEN = ROOT.parent / "shared" / "golden" / "effects_2020.npz"
RATE, TOLD = 16000, 44100  # the peer tells sox another rate than the sound has

pytestmark = pytest.mark.skipif(not GOLDEN.exists(), reason=f"{GOLDEN} is not there")


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN) as found:
        return {name: found[name] for name in found}


def farthest(kind, golden, name, **parameters):
    """The largest difference between an effect of ours and the peer's output."""
    heard = SOURCE_EFFECTS[kind].apply(golden["waveform"], RATE, parameters)
    assert heard.dtype == np.float32
    return float(np.abs(np.clip(heard, -1, 1) - golden[name]).max())  # sox clips


SHAPES = {
    "contrast": ("contrast", {"amount": 60.0}, {"amount": 55.0}),
    "overdrive": ("overdrive", {"gain_db": 20.0, "colour": 40.0}, {"gain_db": 20.0, "colour": 42.0}),
    "highshelf": ("shelf", {"form": "high", "gain_db": 9.0, "frequency": 2000.0, "rate": TOLD}, {"rate": None}),
    "lowshelf": ("shelf", {"form": "low", "gain_db": -8.0, "frequency": 200.0, "rate": TOLD}, {"rate": None}),
}


@pytest.mark.parametrize("name", SHAPES)
def test_wave_shapers_and_shelves_are_the_peers(golden, name):
    kind, parameters, wrong = SHAPES[name]
    assert farthest(kind, golden, f"sox/{name}/output", **parameters) < 2e-6
    assert farthest(kind, golden, f"sox/{name}/output", **{**parameters, **wrong}) > 1e-3


def test_bursts_are_the_peers(golden):
    waveform, noise = golden["waveform"], golden["noise_burst/drawn/0"]
    drawn = {"magnitude": float(golden["noise_burst/magnitude"]), "position": float(golden["noise_burst/drawn/1"])}
    np.testing.assert_allclose(with_burst(waveform, noise, drawn), golden["noise_burst/output"], atol=1e-7)
    assert np.abs(with_burst(waveform, 2 * noise - 1, drawn) - golden["noise_burst/output"]).max() > 1e-2
    drawn = {"magnitude": float(golden["sine_burst/magnitude"]), "position": float(golden["sine_burst/drawn/1"])}
    length = int(drawn["magnitude"] * len(waveform))
    pitch = (
        4000 * float(golden["sine_burst/drawn/0"]) * length / (length - 1)
    )  # its time reaches the end with n samples
    assert farthest("sine_burst", golden, "sine_burst/output", **drawn, frequency=pitch) < 1e-6
    assert farthest("sine_burst", golden, "sine_burst/output", **drawn, frequency=pitch + 5) > 1e-2


def test_the_sweep_of_the_comb_is_the_peers(golden):
    """Its code counts from 1, and its second ends with the last sample: a sample and a little beside ours."""
    waveform, magnitude = golden["waveform"], float(golden["comb/magnitude"])
    place, second = np.arange(RATE), np.linspace(0, 1, RATE)
    delay = RATE * (0.19 + 0.09 * np.sin(np.pi * second))
    theirs = combed(waveform, place + delay - 1, magnitude**2)
    assert np.flatnonzero(np.abs(theirs - golden["comb/output"]) > 1e-6).size <= 1, "the last sample that it reaches"
    assert np.abs(combed(waveform, place - delay, magnitude**2) - golden["comb/output"]).max() > 1e-2
    drawn = {"magnitude": magnitude, "delay": [0.1, 0.28], "speed": 0.5, "phase": 0.0, "ahead": True}
    swept = place + RATE * (0.19 + 0.09 * np.sin(np.pi * place / RATE))
    ours = SOURCE_EFFECTS["comb"].apply(waveform, RATE, drawn)
    np.testing.assert_allclose(ours, combed(waveform, swept, magnitude**2), atol=1e-6)


def test_the_pitch_is_shifted_as_sox_does(golden):
    def alike(cents, segment=SEGMENT):
        lengths = (round(seconds * TOLD) for seconds in (segment, 0.01468))
        ours = shifted(golden["waveform"], 2 ** (cents / 1200), *lengths, round(OVERLAP * TOLD) // 8 * 8)
        theirs = golden["sox/pitch/output"]
        return float(ours @ theirs / np.sqrt((ours @ ours) * (theirs @ theirs)))

    assert pytest.approx(0.01468, abs=1e-4) == SEARCH
    assert alike(150) > 0.9999
    assert alike(-150) < 0.3 and alike(140) < 0.7 and alike(150, 0.07) < 0.9


def test_levels_are_peaks_as_soxs_norm(golden):
    waveform = golden["waveform"]
    np.testing.assert_allclose(waveform / np.abs(waveform).max() * 10 ** (-12 / 20), golden["sox/norm/output"],
                               atol=1e-6)  # fmt: skip


def test_a_roll_is_the_peers(golden):
    clip = LoadedClip("a", golden["waveform"], RATE, ((0.5, 0.75, "Cat"),))
    shift = int(golden["roll/shift"])
    rolled = Shift().apply(clip, {"seconds": shift / RATE})
    np.testing.assert_array_equal(rolled.mixture, golden["roll/output"])
    assert rolled.strong[0][0] == pytest.approx(0.5 + shift / RATE), "the peer leaves its labels where they were"
    assert not np.array_equal(Shift().apply(clip, {"seconds": (shift + 1) / RATE}).mixture, golden["roll/output"])
