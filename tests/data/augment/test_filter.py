"""Filter: -3 dB at the drawn cut-off, what passes passes, and both forms add up to the sound."""

import numpy as np
import pytest

from sedsep.data.augment.filter import Filter

RATE = 16000


def gain_db(form, cutoff, frequency):
    tone = np.sin(2 * np.pi * frequency * np.arange(RATE) / RATE).astype(np.float32)
    heard = Filter.apply(tone, RATE, {"form": form, "cutoff": cutoff})[RATE // 2 :]
    return 20 * np.log10(np.std(heard) / np.std(tone[RATE // 2 :]))


@pytest.mark.parametrize("form, below, above", [("lowpass", 0.0, -20.0), ("highpass", -20.0, 0.0)])
def test_three_decibels_at_the_cutoff_and_six_per_octave(form, below, above):
    assert gain_db(form, 300.0, 300) == pytest.approx(-3.0, abs=0.6)
    assert gain_db(form, 300.0, 30) == pytest.approx(below, abs=0.6)
    assert gain_db(form, 300.0, 3000) == pytest.approx(above, abs=1.5)


@pytest.mark.parametrize("cutoff", [1.0, 500.0, 7999.0, 8000.0, 50000.0])
def test_both_forms_add_up_at_any_cutoff(cutoff):
    sound = np.random.default_rng(0).standard_normal(4000).astype(np.float32)
    low, high = (Filter.apply(sound, RATE, {"form": form, "cutoff": cutoff}) for form in ("lowpass", "highpass"))
    np.testing.assert_allclose(low + high, sound, atol=1e-5)
    assert low.std() > 0 and high.std() > 0


def test_cutoffs_are_drawn_on_a_logarithmic_scale():
    rng, effect = np.random.default_rng(0), Filter("highpass", (100.0, 10000.0))
    drawn = [effect.draw(rng, 1.0) for _ in range(400)]
    cutoffs = [parameters["cutoff"] for parameters in drawn]
    assert {parameters["form"] for parameters in drawn} == {"highpass"}
    assert min(cutoffs) >= 100 and max(cutoffs) <= 10000 and 150 < sum(c < 1000 for c in cutoffs) < 250
