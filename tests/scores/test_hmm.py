"""HMM smoothing against brute force over all paths, the Viterbi reference and librosa's golden states."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedsep.errors import UserError
from sedsep.scores.hmm import hmm_smooth
from sedsep.scores.viterbi import viterbi

GOLDEN = Path(__file__).resolve().parents[2].parent / "shared" / "golden" / "viterbi.npz"
THRESHOLDS = np.linspace(0.025, 0.975, 20)
PATHS = {n: np.array(list(itertools.product([0, 1], repeat=n)), np.int8) for n in range(1, 13)}


def best_paths(scores, stay_silence, stay_event):
    """The likeliest of all 2^L' paths at each threshold, ``(20, L')``, from the chain's definition."""
    paths = PATHS[len(scores)]
    log = np.log([[stay_silence, 1 - stay_silence], [1 - stay_event, stay_event]])
    likelihood = log[paths[:, :-1], paths[:, 1:]].sum(1)
    likelihood += np.where(paths, np.log(scores), np.log1p(-scores)).sum(1)
    bias = np.log(THRESHOLDS / (1 - THRESHOLDS))
    return paths[(likelihood - bias[:, None] * paths.sum(1)).argmax(1)]


def chain(rng):
    stay_silence = rng.uniform(0.01, 0.999)
    return stay_silence, rng.uniform(max(1 - stay_silence, 0.01), 0.999)


def test_brute_force_over_all_paths():
    rng = np.random.default_rng(2020)
    for index in range(1000):
        stay = chain(rng)
        scores = rng.random(rng.integers(1, 13)) ** rng.choice([0.3, 1, 3])
        smoothed = hmm_smooth(scores[:, None], *stay)[:, 0]
        assert ((smoothed > THRESHOLDS[:, None]) == best_paths(scores, *stay)).all(), index


def test_golden_states():
    if not GOLDEN.is_file():
        pytest.skip("no ../shared/golden beside this checkout")
    golden = np.load(GOLDEN)
    scores = golden["probability"].transpose(0, 2, 1)
    states = golden["states"].transpose(0, 2, 1)
    stays = golden["stay_silence"], golden["stay_event"]
    smoothed = hmm_smooth(scores, *stays)
    assert ((smoothed > 0.5) == states).all()
    for wrong in (scores[:, ::-1], scores[..., ::-1], scores[::-1], 0.9 * scores):
        assert ((hmm_smooth(wrong, *stays) > 0.5) != states).any(), "the states hear their input"
    for wrong in (stays[::-1], (stays[0][::-1], stays[1]), (stays[0], stays[1][::-1])):
        assert ((hmm_smooth(scores, *wrong) > 0.5) != states).any(), "and the chain"
    for clip, label in itertools.product(range(5), range(10)):
        stay = golden["stay_silence"][label], golden["stay_event"][label]
        assert (viterbi(scores[clip, :, label], *stay) == states[clip, :, label]).all()


@settings(max_examples=40, deadline=None)
@given(n_frames=st.integers(1, 300), seed=st.integers(0, 9999))
def test_equals_viterbi_on_long_clips(n_frames, seed):
    rng = np.random.default_rng(seed)
    stay = chain(rng)
    scores = 1 / (1 + np.exp(-np.cumsum(rng.standard_normal(n_frames))))
    smoothed = hmm_smooth(scores[:, None], *stay)[:, 0]
    for threshold in (0.01, 0.3, 0.5, 0.9):
        assert ((smoothed > threshold) == viterbi(scores, *stay, threshold)).all()


def test_the_denoised_log_odds_are_optimal():
    # A certificate: z = cumsum(v - u') must stay in [-cost, cost], end at 0 and touch the bound at each step of v.
    rng = np.random.default_rng(3)
    for n_frames in (2, 3, 50, 156):
        scores, (a00, a11) = rng.random(n_frames), chain(rng)
        a01, a10 = 1 - a00, 1 - a11
        shifted = np.log(scores / (1 - scores)) + np.log(a11 / a00)
        shifted[0] += 0.5 * np.log(a10 * a11 / (a00 * a01)) - np.log(a11 / a00)
        shifted[-1] += 0.5 * np.log(a01 * a11 / (a00 * a10)) - np.log(a11 / a00)
        cost = 0.5 * np.log(a00 * a11 / (a01 * a10))
        smoothed = hmm_smooth(scores[:, None], a00, a11)[:, 0]
        v = np.log(smoothed / (1 - smoothed))
        dual = np.cumsum(v - shifted)
        assert np.abs(dual).max() <= cost + 1e-9 and abs(dual[-1]) < 1e-9
        steps = np.flatnonzero(np.abs(np.diff(v)) > 1e-9)
        assert np.allclose(dual[steps], cost * np.sign(np.diff(v)[steps]), atol=1e-9)


def test_batches_classes_and_types():
    rng = np.random.default_rng(4)
    scores = rng.random((3, 20, 2)).astype(np.float32)
    smoothed = hmm_smooth(scores, 0.9, [0.8, 0.6])
    assert smoothed.shape == scores.shape and smoothed.dtype == np.float64
    for clip, label in itertools.product(range(3), range(2)):
        alone = hmm_smooth(scores[clip, :, [label]].T, 0.9, [0.8, 0.6][label])
        assert (alone == smoothed[clip, :, [label]].T).all()
    assert hmm_smooth(np.zeros((0, 5, 2)), 0.9, 0.9).shape == (0, 5, 2)


def test_certain_scores_stay_finite():
    scores = np.array([0, 0, 1, 1, 1, 1, 0, 0, 1], float)[:, None]
    smoothed = hmm_smooth(scores, 0.99, 0.99)
    assert np.isfinite(smoothed).all() and smoothed.min() >= 0 and smoothed.max() <= 1
    assert ((smoothed > 0.5) == viterbi(scores[:, 0], 0.99, 0.99)[:, None]).all()


def test_a_chain_without_memory_changes_nothing():
    scores = np.random.default_rng(5).random((30, 1))
    assert np.allclose(hmm_smooth(scores, 0.5, 0.5), scores, atol=1e-12)


@pytest.mark.parametrize("stay, message", [((0.3, 0.4), "changes rather"), ((1, 0.9), "between 0 and 1")])
def test_refuses_chains_that_do_not_smooth(stay, message):
    with pytest.raises(UserError, match=message):
        hmm_smooth(np.full((5, 1), 0.5), *stay)
