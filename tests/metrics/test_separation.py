"""SI-SDR and BSSEval's SDR against their definitions and mir_eval; who is who; silence."""

import numpy as np
import pytest
from scipy.signal import lfilter

from sedsep.metrics.separation import active, assign, leakage, pairwise_sdr, pairwise_si_sdr


def signals(seed=0, n=2, length=6000):
    rng = np.random.default_rng(seed)
    references = np.stack([lfilter([1], [1, -0.9 + 0.3 * m], rng.normal(size=length)) for m in range(n)])
    estimates = references + 0.2 * references[::-1] + 0.05 * rng.normal(size=references.shape)
    return np.stack([lfilter([1, 0.4, 0.2], [1], row) for row in estimates]), references


def test_sdr_equals_mir_eval():
    separation = pytest.importorskip("mir_eval.separation", reason="mir_eval is the oracle")
    estimates, references = signals()
    with np.testing.suppress_warnings() as quiet:
        quiet.filter(FutureWarning)
        quiet.filter(DeprecationWarning)
        theirs, *_ = separation.bss_eval_sources(references, estimates, compute_permutation=False)
    assert np.allclose(np.diag(pairwise_sdr(estimates, references)), theirs, atol=1e-6)


def test_sdr_is_the_projection_on_all_delays():
    estimates, references = signals(1, length=400)
    taps = 8
    delays = np.stack([np.pad(references[0], (k, taps - 1 - k)) for k in range(taps)])
    padded = np.pad(estimates[0], (0, taps - 1))
    target = delays.T @ np.linalg.lstsq(delays.T, padded, rcond=None)[0]
    expected = 10 * np.log10(np.sum(target**2) / np.sum((padded - target) ** 2))
    assert pairwise_sdr(estimates[:1], references[:1], taps).item() == pytest.approx(expected, abs=1e-8)


def test_sdr_of_a_tone_whose_delays_are_dependent():
    tone = np.sin(0.05 * np.arange(8000))[None]
    noisy = tone + 0.01 * np.random.default_rng(0).normal(size=tone.shape)
    assert pairwise_sdr(noisy, tone).item() == pytest.approx(10 * np.log10(0.5 / 1e-4), abs=0.5)


def test_si_sdr_is_blind_to_scale_and_mean():
    estimates, references = signals(2)
    value = pairwise_si_sdr(estimates, references)
    assert np.allclose(pairwise_si_sdr(-3 * estimates + 1, 0.1 * references - 2), value)
    e, r = estimates[0] - estimates[0].mean(), references[1] - references[1].mean()
    target = (e @ r) / (r @ r) * r
    assert value[0, 1] == pytest.approx(10 * np.log10(np.sum(target**2) / np.sum((e - target) ** 2)))


def test_values_are_bounded():
    _, references = signals()
    assert (np.diag(pairwise_si_sdr(references, references)) == 120).all()
    assert pairwise_si_sdr(np.zeros((1, 100)), np.random.default_rng(0).normal(size=(1, 100))).item() == -120


def test_assignment_is_the_best_of_all():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(4, 3))
    chosen = assign(values)
    best = max(values[[a, b, c], range(3)].sum() for a, b, c in np.ndindex(4, 4, 4) if len({a, b, c}) == 3)
    assert values[chosen, range(3)].sum() == best
    assert sorted(assign(values[:2])) == [-1, 0, 1]


def test_silence_is_told_apart():
    assert active(np.stack([np.zeros(100), np.full(100, 1e-6), np.full(100, 0.01)])).tolist() == [False, False, True]
    mixture = np.ones(100)
    assert leakage(0.1 * mixture[None], mixture) == pytest.approx(-20)
    assert leakage(np.zeros((1, 100)), mixture) == -120
