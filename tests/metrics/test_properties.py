"""What must hold of every metric, whatever it is given: bounds, order, perfect systems, and what may only hurt."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sedsep.labels import events_table
from sedsep.metrics import fuss, separation, tagging
from sedsep.metrics.event_f1 import event_f1
from sedsep.metrics.exact_psds import exact_psds
from sedsep.metrics.intersection import intersection_f1
from sedsep.metrics.psd_roc import PSDS_2021
from sedsep.metrics.segment_f1 import segment_f1

SEEDS = st.integers(0, 10**6)
many = partial(settings, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def of_events(metric, estimated, reference, durations, classes):
    if metric is event_f1:
        return event_f1(estimated, reference, classes)
    return metric(estimated, reference, classes, durations)


@pytest.mark.parametrize("metric", [event_f1, segment_f1, intersection_f1])
@many(max_examples=25)
@given(seed=SEEDS)
def test_f1_of_events(make_events, metric, seed):
    estimated, reference, durations, classes = make_events(seed)
    found = of_events(metric, estimated, reference, durations, classes)
    values = np.array([*found.per_class, found.micro, found.macro])
    assert ((np.isnan(values)) | ((values >= 0) & (values <= 1))).all()
    mixed = [table.sample(frac=1, random_state=seed % 2**32) for table in (estimated, reference)]
    again = of_events(metric, *mixed, durations, classes)
    assert np.allclose(again.per_class, found.per_class, equal_nan=True) and again.micro == pytest.approx(found.micro)
    turned = of_events(metric, estimated, reference, durations, classes[::-1])
    assert np.allclose(turned.per_class[::-1], found.per_class, equal_nan=True)
    if len(reference):
        assert of_events(metric, reference, reference, durations, classes).micro == pytest.approx(1)
    # The first clip has no events: one more there is wrong in any metric.
    wrong = events_table([(next(iter(durations)), 2.0, 3.0, classes[0])])
    worse = of_events(metric, pd.concat([estimated, wrong]), reference, durations, classes)
    assert np.isnan(found.micro) or worse.micro <= found.micro + 1e-12


@many(max_examples=50)
@given(seed=SEEDS)
def test_tags(seed):
    rng = np.random.default_rng(seed)
    truth = (rng.random((20, 3)) < 0.4).astype(float)
    truth[0], truth[1] = 1, 0
    scores = rng.permutation(60).reshape(20, 3) / 60
    order = rng.permutation(20)
    for metric in (tagging.average_precision, tagging.roc_auc):
        values = metric(scores, truth)
        assert ((values >= 0) & (values <= 1)).all()
        assert np.allclose(metric(scores[order], truth[order]), values)
        assert np.allclose(metric(scores**3, truth), values), "the order of the scores alone counts"
        assert np.allclose(metric(0.5 * truth + 0.4 * scores, truth), 1)
    assert np.allclose(tagging.roc_auc(1 - scores, truth), 1 - tagging.roc_auc(scores, truth))
    assert tagging.tagging_f1(truth, truth).micro == 1
    assert 0 <= tagging.tagging_f1(scores, truth).macro <= 1


@many(max_examples=20)
@given(seed=SEEDS, levels=st.sampled_from([None, 3]))
def test_exact_psds(make_scores, seed, levels):
    scores, reference, durations, classes = make_scores(seed, levels=levels)
    if reference.empty:
        return

    def values(given):
        found = exact_psds(given, reference, durations, classes, PSDS_2021)
        return [found[setting.name].value for setting in PSDS_2021]

    found = values(scores)
    assert all(0 <= value <= 1 for value in found)
    assert np.allclose(values(dict(reversed(scores.items()))), found)
    bent = {n: SimpleNamespace(boundaries=c.boundaries, scores=np.sqrt(c.scores)) for n, c in scores.items()}
    assert np.allclose(values(bent), found), "the order of the scores alone counts"


@many(max_examples=30)
@given(seed=SEEDS, gain=st.floats(0.01, 100))
def test_separation(seed, gain):
    rng = np.random.default_rng(seed)
    references = rng.standard_normal((2, 2000))
    estimates = rng.standard_normal((3, 2000)) + rng.standard_normal((3, 2)) @ references
    scale_invariant = separation.pairwise_si_sdr(estimates, references)
    assert np.allclose(separation.pairwise_si_sdr(gain * estimates, references), scale_invariant)
    sdr = separation.pairwise_sdr(estimates, references, taps=8)
    assert np.allclose(separation.pairwise_sdr(gain * estimates, references, taps=8), sdr)
    longer = separation.pairwise_sdr(estimates, references, taps=16)
    assert (longer >= sdr - 1e-6).all(), "more taps explain more"
    order = rng.permutation(3)
    chosen, other = separation.assign(scale_invariant), separation.assign(scale_invariant[order])
    assert (order[other] == chosen).all()


@many(max_examples=30)
@given(seed=SEEDS)
def test_fuss(seed):
    rng = np.random.default_rng(seed)
    references = rng.standard_normal((3, 500))
    estimates = np.concatenate([references + 0.3 * rng.standard_normal((3, 500)), np.zeros((1, 500))])
    mixture, order = references.sum(0), rng.permutation(4)
    found, again = (fuss.measure(e, references, mixture) for e in (estimates, estimates[order]))
    assert (found.n_references, found.n_outputs) == (again.n_references, again.n_outputs) == (3, 3)
    assert np.allclose(found.si_snr, again.si_snr) and (order[again.estimates] == found.estimates).all()
    assert (found.improvement > 0).all()
