"""Single effects of sources: what was drawn is what is heard, every moment where it was."""

import numpy as np
import pytest

from sedsep.data.augment import SOURCE_EFFECTS
from sedsep.data.augment.bursts import NoiseBurst, SineBurst
from sedsep.data.augment.comb import Comb
from sedsep.data.augment.compression import Compression
from sedsep.data.augment.pitch_shift import PitchShift
from sedsep.data.augment.shelf import Shelf

RATE = 16000
TIME = np.arange(RATE) / RATE


def tone(pitch, level=0.1, onset=0.0, offset=1.0):
    return (level * np.sin(2 * np.pi * pitch * TIME) * (onset <= TIME) * (offset > TIME)).astype(np.float32)


def spectrum_peak(sound):
    return np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 16 * len(sound))).argmax() * RATE / 16 / len(sound)


@pytest.mark.parametrize("cents", [-1200, -300, -100, 0, 100, 300, 1200])
def test_pitch_is_shifted_by_what_was_drawn_and_time_is_not(cents):
    sound = tone(880.0, onset=0.3, offset=0.7)
    heard = PitchShift.apply(sound, RATE, {"cents": float(cents)})
    assert spectrum_peak(heard) == pytest.approx(880 * 2 ** (cents / 1200), rel=2e-3)
    loud = np.flatnonzero(np.abs(heard) > 0.03)
    late = 0.008 + 0.082 * abs(1 - 2 ** (-cents / 1200))  # inside a piece time runs as it did: 2 to 20 ms to 300 cents
    assert loud[0] / RATE == pytest.approx(0.3, abs=late) and loud[-1] / RATE == pytest.approx(0.7, abs=late)
    middle = heard[round(0.4 * RATE) : round(0.6 * RATE)]
    assert 20 * np.log10(middle.std() / 0.1 * np.sqrt(2)) == pytest.approx(0, abs=0.3)


def test_no_shift_is_the_sound_itself():
    sound = np.random.default_rng(0).standard_normal(RATE).astype(np.float32)
    np.testing.assert_allclose(PitchShift.apply(sound, RATE, {"cents": 0.0}), sound, atol=1e-6)


@pytest.mark.parametrize("length", [1, 2, 50, 400, 2000])
@pytest.mark.parametrize("kind", SOURCE_EFFECTS)
@pytest.mark.parametrize("sound", ["noise", "silence", "constant"])
def test_short_silent_and_constant_sounds_stay_finite(kind, length, sound):
    noise = np.random.default_rng(0).standard_normal(length)
    waveform = {"noise": noise, "silence": 0 * noise, "constant": 0 * noise + 0.5}[sound].astype(np.float32)
    effect = SOURCE_EFFECTS[kind]()
    for seed in range(3):
        heard = effect.apply(waveform, RATE, effect.draw(np.random.default_rng(seed), length / RATE))
        assert heard.shape == waveform.shape and heard.dtype == np.float32 and np.isfinite(heard).all()


def test_what_is_above_half_the_rate_does_not_fold_back():
    heard = PitchShift.apply(tone(6000.0), RATE, {"cents": 1200.0})
    assert heard[2000:-2000].std() < 0.02 * tone(6000.0).std()


@pytest.mark.parametrize("effect", [NoiseBurst(), NoiseBurst(centred=True), SineBurst(frequency=(500, 3000))])
def test_bursts_have_the_length_place_and_level_that_were_drawn(effect):
    sound = tone(440.0)
    for seed in range(10):
        drawn = effect.draw(np.random.default_rng(seed), 1.0)
        added = effect.apply(sound, RATE, drawn) - sound
        length = int(drawn["magnitude"] * RATE)
        first = int(drawn["position"] * (RATE - length))
        assert not added[:first].any() and not added[first + length :].any()
        burst, unit = added[first : first + length], drawn["magnitude"] * sound.std()
        expected = {NoiseBurst: np.sqrt(1 / 3), SineBurst: np.sqrt(1 / 2)}[type(effect)]
        assert np.sqrt(np.mean(burst**2)) / unit == pytest.approx(expected, rel=0.1)
        if isinstance(effect, NoiseBurst):
            assert burst.mean() / unit == pytest.approx(0 if effect.centred else 0.5, abs=0.05)
        else:
            assert spectrum_peak(burst) == pytest.approx(drawn["frequency"], abs=2 * RATE / length)
    again = [effect.apply(sound, RATE, effect.draw(np.random.default_rng(3), 1.0)).tobytes() for _ in range(2)]
    assert again[0] == again[1]


def test_a_tone_that_the_rate_cannot_hold_is_left_out():
    drawn = {"magnitude": 0.5, "position": 0.1, "frequency": 3900.0}
    assert np.array_equal(SineBurst.apply(tone(440.0), 4000, drawn), tone(440.0))


@pytest.mark.parametrize("ahead", [False, True])
def test_the_comb_repeats_a_click_within_its_delays_on_its_side(ahead):
    click = np.zeros(2 * RATE, np.float32)
    click[RATE] = 1
    effect = Comb(magnitude=(0.8, 0.8), ahead=ahead)
    places = []
    for seed in range(20):
        heard = effect.apply(click, RATE, effect.draw(np.random.default_rng(seed), 2.0)) - click
        assert 0.3 < heard.sum() < 1.2
        places.append((np.abs(heard).argmax() - RATE) / RATE)
    places = -np.array(places) if ahead else np.array(places)
    assert places.min() >= 0.1 - 1e-3 and places.max() <= 0.28 + 1e-3 and np.ptp(places) > 0.05


@pytest.mark.parametrize("ratio", [2.0, 8.0])
def test_a_compressor_lowers_what_is_above_its_threshold_by_its_ratio(ratio):
    """Constant levels, so that the detector rests: 6 dB above the threshold become 6 / ratio."""
    drawn = {"threshold_db": -6.0, "ratio": ratio, "attack": 0.005, "release": 0.1}
    sound = np.full(RATE, 0.1, np.float32)
    heard = Compression.apply(sound, RATE, drawn)
    reduction = 20 * np.log10(heard[-1] / sound[-1])
    assert reduction == pytest.approx(-6 * (1 - 1 / ratio), abs=0.05)
    assert heard[0] > 0.98 * sound[0], "the attack takes its time"
    quiet = np.concatenate([sound, 0.001 * sound])
    assert Compression.apply(quiet, RATE, drawn)[-1] == pytest.approx(quiet[-1], rel=1e-3), "and lets go again"
    scaled = Compression.apply(10 * quiet, RATE, drawn)
    np.testing.assert_allclose(scaled, 10 * Compression.apply(quiet, RATE, drawn), rtol=1e-4)


@pytest.mark.parametrize("form, changed, kept", [("high", 7000, 100), ("low", 60, 3000)])
def test_a_shelf_changes_its_side_by_what_was_drawn(form, changed, kept):
    for rate, shift in ((None, 1.0), (44100, RATE / 44100)):
        drawn = {"form": form, "frequency": {"high": 1500.0, "low": 400.0}[form] / shift, "gain_db": 9.0, "rate": rate}
        for pitch, gain in ((changed, 9.0), (kept, 0.0)):
            heard = Shelf.apply(tone(pitch), RATE, drawn)[RATE // 2 :]
            assert 20 * np.log10(heard.std() / tone(pitch)[RATE // 2 :].std()) == pytest.approx(gain, abs=1.2)
    intervals = [Shelf(form).draw(np.random.default_rng(seed), 1.0) for seed in range(200)]
    low, high = {"high": (1000, 4000), "low": (20, 400)}[form]
    assert all(low <= one["frequency"] <= high and one["rate"] == 44100 for one in intervals)
