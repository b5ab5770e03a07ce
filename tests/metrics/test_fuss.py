"""The FUSS measures against all permutations, written out in another way; counts, silence and scale."""

from itertools import permutations

import numpy as np
import pytest

from sedsep.metrics.fuss import measure, pairwise_si_snr


def si_snr(estimate, target):
    """By projection and residual, as Le Roux et al. 2019 write it, with the baseline's epsilon added to both."""
    projected = (estimate @ target) / (target @ target) * target
    error, energy = estimate - projected, estimate @ estimate
    return 10 * np.log10(((projected @ projected) / energy + 1e-8) / ((error @ error) / energy + 1e-8))


def every_permutation(estimates, references, mixture):
    """What ``measure`` returns, as the baseline does it: references padded with silence, all permutations tried.

    Returns:
        active references, active outputs, and {(estimate, reference): (SI-SNR, improvement)}.
    """
    n = max(len(estimates), len(references))
    outputs = [*estimates, *[np.zeros_like(mixture)] * (n - len(estimates))]
    targets = [*references, *[np.zeros_like(mixture)] * (n - len(references))]
    audible = [m for m in range(n) if np.sqrt(np.mean(targets[m] ** 2)) > 1e-8]

    def value(i, m):
        return si_snr(outputs[i], targets[m]) if np.any(outputs[i]) else -80.0

    best = max(permutations(range(n)), key=lambda order: sum(value(order[m], m) for m in audible))
    threshold = 0.01 * min(np.mean(targets[m] ** 2) for m in audible)
    active = [np.mean(output**2) > threshold for output in outputs]
    pairs = {
        (best[m], m): (value(best[m], m), value(best[m], m) - si_snr(mixture, targets[m]))
        for m in audible
        if active[best[m]]
    }
    return len(audible), sum(active), pairs


def clip(seed, n_references, n_outputs, silent_references=0):
    """References of other levels, outputs that are mixtures of them with noise, and the mixture."""
    rng = np.random.default_rng(seed)
    references = rng.normal(size=(n_references, 500)) * rng.uniform(0.1, 1, (n_references, 1))
    references[:silent_references] = 0
    blend = rng.uniform(0, 0.3, (n_outputs, n_references))
    for output, reference in enumerate(rng.permutation(max(n_outputs, n_references))[:n_outputs]):
        if reference < n_references:
            blend[output, reference] = 1
    estimates = blend @ references + 0.1 * rng.normal(size=(n_outputs, 500))
    return estimates * rng.choice([1, 0.02, 0], (n_outputs, 1), p=[0.6, 0.3, 0.1]), references, references.sum(0)


@pytest.mark.parametrize("n_references, n_outputs, silent", [
    (1, 1, 0), (1, 4, 0), (2, 4, 0), (3, 3, 0), (4, 4, 0), (4, 2, 0), (3, 1, 0), (4, 4, 2), (4, 4, 3), (2, 5, 1),
])  # fmt: skip
def test_against_every_permutation(n_references, n_outputs, silent):
    kept = lost = 0
    for seed in range(20):
        estimates, references, mixture = clip(seed, n_references, n_outputs, silent)
        n_audible, n_active, pairs = every_permutation(estimates, references, mixture)
        found = measure(estimates, references, mixture)
        assert (found.n_references, found.n_outputs) == (n_audible, n_active)
        assert list(zip(found.estimates.tolist(), found.references.tolist())) == sorted(pairs, key=lambda p: p[1])
        values = np.array([pairs[pair] for pair in zip(found.estimates, found.references)]).reshape(-1, 2)
        np.testing.assert_allclose(found.si_snr, values[:, 0], atol=1e-6)
        np.testing.assert_allclose(found.improvement, values[:, 1], atol=1e-6)
        kept, lost = kept + len(pairs), lost + n_audible - len(pairs)
    assert kept and lost


def test_one_source_that_is_passed_on():
    source = np.random.default_rng(0).normal(size=400)
    found = measure(np.stack([0 * source, source]), source[None], source)
    assert (found.n_references, found.n_outputs, found.estimates.tolist()) == (1, 1, [1])
    assert found.si_snr == pytest.approx(80, abs=1e-3) and found.improvement == pytest.approx(0, abs=1e-5)


def test_an_output_is_active_above_20_db_below_the_smallest_reference():
    rng = np.random.default_rng(0)
    references = np.stack([np.ones(400), 0.1 * rng.choice([-1.0, 1.0], 400)])
    for level, n_outputs, left in ((0.1001, 2, 2), (0.0999, 1, 1)):
        found = measure(references * [[1], [level]], references, references.sum(0))
        assert found.n_outputs == n_outputs and len(found.si_snr) == left, "a quiet output has no pair"
    over = measure(np.stack([*references, references[0], references[1]]), references, references.sum(0))
    assert over.n_outputs == 4 and over.n_references == 2


def test_silence():
    references = np.random.default_rng(0).normal(size=(2, 400))
    found = measure(np.zeros((3, 400)), references, references.sum(0))
    assert (found.n_references, found.n_outputs, len(found.si_snr)) == (2, 0, 0)
    assert measure(references, np.zeros((2, 400)), references.sum(0)) is None
    assert measure(references, np.full((1, 400), 1e-9), references.sum(0)) is None
    # One step of 16 bits in one sample of ten seconds is a sound, and not below the threshold of silence.
    click = np.zeros((1, 160000))
    click[0, 7] = 2**-15
    assert measure(click, click, click[0]).n_references == 1


def test_scale_changes_no_value():
    estimates, references, mixture = clip(3, 3, 3)
    estimates = np.where(np.any(estimates, 1, keepdims=True), estimates, references)
    values = pairwise_si_snr(estimates, references)
    factors = np.array([[1e-3], [-5.0], [100.0]])
    np.testing.assert_allclose(pairwise_si_snr(factors * estimates, factors[::-1] * references), values)
    one = measure(estimates, references, mixture)
    other = measure(0.01 * estimates, 0.01 * references, 0.01 * mixture)
    assert (one.n_references, one.n_outputs) == (other.n_references, other.n_outputs)
    np.testing.assert_allclose(other.si_snr, one.si_snr)
    np.testing.assert_allclose(other.improvement, one.improvement)


def test_the_mean_is_not_removed():
    rng = np.random.default_rng(0)
    target = rng.normal(size=(1, 400))
    assert pairwise_si_snr(target + 1, target).item() == pytest.approx(si_snr(target[0] + 1, target[0]))
    assert abs(pairwise_si_snr(target + 1, target).item()) < 3


def test_single_precision_is_measured_in_double():
    source = np.random.default_rng(0).normal(size=(1, 160000)).astype(np.float32)
    assert pairwise_si_snr(source, source).item() == pytest.approx(80, abs=1e-3)
