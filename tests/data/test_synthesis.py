"""Building blocks of synthetic sounds, each against what it claims in its docstring."""

import numpy as np
import pytest

from sedsep.data import synthesis

RATE = 16000


def power(sound, low, high):
    spectrum = np.abs(np.fft.rfft(sound)) ** 2
    frequency = np.fft.rfftfreq(len(sound), 1 / RATE)
    return spectrum[(frequency >= low) & (frequency < high)].sum()


def test_harmonics_equal_a_sum_of_sines():
    f0 = np.linspace(200, 300, RATE)
    phase = 2 * np.pi * np.cumsum(f0) / RATE
    expected = sum(0.5**k * np.sin(k * phase) for k in range(1, 6))
    sound = synthesis.harmonics(f0, lambda f, p: 0.5 ** np.arange(1, 6) * np.ones_like(f), RATE, 5)
    np.testing.assert_allclose(sound, expected, atol=1e-9)


def test_harmonics_do_not_alias():
    sound = synthesis.harmonics(np.full(RATE, 3000.0), lambda f, p: np.ones_like(f), RATE)
    assert power(sound, 2900, 6100) / power(sound, 0, 8000) > 0.999


def test_formants_move():
    response = synthesis.formants([[500], [1500]], [100], [1.0])
    assert response(np.array([[500.0]]), np.array([[0.0]]))[0, 0] == 1
    assert response(np.array([[1500.0]]), np.array([[1.0]]))[0, 0] == 1
    assert response(np.array([[500.0]]), np.array([[1.0]]))[0, 0] < 0.02


@pytest.mark.parametrize("slope", [0, 1, 2])
def test_noise_falls_as_its_slope_says(slope):
    sound = synthesis.noise(np.random.default_rng(0), 8 * RATE, slope)
    per_octave = 10 * np.log10(power(sound, 500, 1000) / power(sound, 1000, 2000)) + 3.01
    assert np.std(sound) == pytest.approx(1, abs=1e-6) and per_octave == pytest.approx(3.01 * slope, abs=0.3)


def test_band_and_modes_stay_in_their_band():
    sound = synthesis.band(synthesis.noise(np.random.default_rng(0), RATE), 1000, 2000, RATE)
    assert power(sound, 800, 2500) / power(sound, 0, 8000) > 0.95
    struck = synthesis.modes([1000, 9000], [0.5, 0.5], [1, 1], 0.6, RATE)
    level = 20 * np.log10(np.abs(struck[7900:8100]).max() / np.abs(struck[:100]).max())
    assert level == pytest.approx(-60, abs=1.5) and power(struck, 900, 1100) / power(struck, 0, 8000) > 0.98


def test_gestures():
    rng = np.random.default_rng(0)
    line = synthesis.gesture([(0, 0), (0.5, 1), (1, 0)], 101)
    assert line[50] == 1 and line[25] == 0.5
    slow = synthesis.wander(rng, RATE, 5, RATE, 2, 3)
    assert slow.min() >= 2 and slow.max() <= 3 and np.abs(np.diff(slow)).max() < 10 / RATE
    assert synthesis.sway(4, RATE, RATE)[RATE // 16 - 1] == pytest.approx(1)
    faded = synthesis.faded(np.ones(1000), 0.01, 0.01, RATE)
    assert faded[0] == 0 and faded[-1] == pytest.approx(0) and faded[500] == 1
    joined = synthesis.sequence([np.ones(10), np.ones(5)], [0.001, 9], RATE)
    assert joined.tolist() == [1] * 10 + [0] * 16 + [1] * 5
    rain = synthesis.scattered(rng, 10 * RATE, 100, [np.ones(1)], RATE, 0.0)
    assert rain.round().sum() == pytest.approx(1000, abs=150)
