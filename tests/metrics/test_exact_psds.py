"""Exact PSDS against brute force over all thresholds through psds_eval, and against sed_scores_eval."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from sedsep.errors import UserError
from sedsep.labels import events_table
from sedsep.metrics.bootstrap import resamples
from sedsep.metrics.exact_psds import ExactPsds, exact_psds
from sedsep.metrics.operating_points import PointCounts
from sedsep.metrics.psd_roc import PSDS_2020, PSDS_2021
from sedsep.metrics.psds import psds
from sedsep.scores.events import decode

# Clips of two seconds have one false positive every half hour and more: look as far as that.
SETTINGS = [replace(setting, max_efpr=5000.0) for setting in PSDS_2021 + PSDS_2020]
SETTINGS.append(replace(SETTINGS[1], name="psds2-all", triggered="all"))


def every_threshold(scores, classes):
    """Events between all neighbouring distinct scores, and below the lowest."""
    values = np.unique(np.concatenate([clip.scores.ravel() for clip in scores.values()]))
    return decode(scores, classes, np.append(-1, (values[1:] + values[:-1]) / 2))


@pytest.mark.parametrize(("seed", "levels", "n_classes"), [(0, 5, 3), (1, 5, 2), (2, 9, 2), (3, 4, 1), (4, 1, 3)])
def test_equals_brute_force_through_psds_eval(make_scores, seed, levels, n_classes):
    scores, reference, durations, classes = make_scores(seed, 5, 10, n_classes, levels)
    ours = exact_psds(scores, reference, durations, classes, SETTINGS)
    theirs = psds(every_threshold(scores, classes), reference, durations, classes, SETTINGS)
    for setting in SETTINGS:
        assert ours[setting.name].value == pytest.approx(theirs[setting.name].value, abs=1e-9)
        known = ~np.isnan(theirs[setting.name].per_class)
        assert np.allclose(ours[setting.name].per_class[known], theirs[setting.name].per_class[known])


@pytest.mark.parametrize("seed", range(25))
def test_equals_brute_force_through_counts(make_scores, seed):
    levels = (None, 3, 12)[seed % 3]
    scores, reference, durations, classes = make_scores(seed, 8, 14, 1 + seed % 4, levels)
    if seed % 5 == 0 and len(classes) > 1:
        # A class without references, and a clip without scores.
        reference = reference[reference["event_label"] != classes[0]]
        scores.pop("clip_2.wav")
    points = every_threshold(scores, classes)
    ours = exact_psds(scores, reference, durations, classes, SETTINGS)
    for setting in SETTINGS:
        counts = PointCounts(points, reference, durations, classes, setting.dtc, setting.gtc, setting.cttc)
        assert ours[setting.name].value == pytest.approx(counts.psds(setting).item(), abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_equals_sed_scores_eval(make_scores, seed):
    peer = pytest.importorskip("sed_scores_eval", reason="sed_scores_eval is the oracle")
    frame = pytest.importorskip("sed_scores_eval.base_modules.scores").create_score_dataframe
    scores, reference, durations, classes = make_scores(seed, 20, 40, 3, levels=None if seed % 2 else 20, step=0.064)
    assert set(reference["event_label"]) == set(classes)
    frames = {name: frame(clip.scores, clip.boundaries, classes) for name, clip in scores.items()}
    truth = {name: [] for name in scores}
    for name, onset, offset, label in reference.itertuples(index=False):
        truth[name].append((onset, offset, label))
    for setting in SETTINGS[:2]:
        theirs = peer.intersection_based.psds(
            frames,
            truth,
            durations,
            dtc_threshold=setting.dtc,
            gtc_threshold=setting.gtc,
            cttc_threshold=setting.cttc if setting.alpha_ct else None,
            alpha_ct=setting.alpha_ct,
            alpha_st=setting.alpha_st,
            max_efpr=setting.max_efpr,
        )[0]
        ours = exact_psds(scores, reference, durations, classes, [setting])
        assert ours[setting.name].value == pytest.approx(theirs, abs=1e-9)


def test_replicates_are_those_of_the_operating_points(make_scores):
    scores, reference, durations, classes = make_scores(7, 8, 14, 3)
    weights = resamples(len(durations), 6, seed=1)
    points = every_threshold(scores, classes)
    replicates = ExactPsds(scores, reference, durations, classes).replicates(SETTINGS, weights)
    for setting in SETTINGS:
        counts = PointCounts(points, reference, durations, classes, setting.dtc, setting.gtc, setting.cttc)
        assert np.allclose(replicates[setting.name], counts.psds(setting, weights), atol=1e-9, equal_nan=True)


def test_not_below_the_published_on_the_same_scores(make_scores):
    scores, reference, durations, classes = make_scores(3, levels=None)
    exact = exact_psds(scores, reference, durations, classes, SETTINGS[2:3])["psds"].value
    points = decode(scores, classes, np.arange(0.01, 1, 0.02))
    assert exact >= psds(points, reference, durations, classes, SETTINGS[2:3])["psds"].value


def test_the_longer_silence_the_better_and_clips_without_events_count(make_scores):
    scores, reference, durations, classes = make_scores(5)
    longer = durations | {"silence.wav": 600.0}
    values = [exact_psds(scores, reference, d, classes, SETTINGS[2:3])["psds"].value for d in (durations, longer)]
    assert values[1] > values[0]


def test_any_rising_transform_of_the_scores_changes_nothing(make_scores):
    scores, reference, durations, classes = make_scores(6, levels=9)
    bent = {name: type(clip)(boundaries=clip.boundaries, scores=clip.scores**3) for name, clip in scores.items()}
    first, second = (exact_psds(s, reference, durations, classes, SETTINGS) for s in (scores, bent))
    assert all(first[name].value == second[name].value for name in first)


def test_no_scores_at_all(make_scores):
    _, reference, durations, classes = make_scores(0)
    assert exact_psds({}, reference, durations, classes, SETTINGS)["psds"].value == 0


def test_bad_input(make_scores):
    scores, reference, durations, classes = make_scores(0)
    with pytest.raises(UserError, match="ground truth has none"):
        exact_psds(scores, events_table([]), durations, classes, SETTINGS)
    with pytest.raises(UserError, match="unknown clip 'x.wav'"):
        exact_psds({"x.wav": scores["clip_1.wav"]}, reference, durations, classes, SETTINGS)


def test_memory_is_that_of_one_class(make_scores):
    scores, reference, durations, classes = make_scores(0, 20, 60, 60)
    peaks = []
    for n in (6, 60):
        clips = {
            name: type(clip)(boundaries=clip.boundaries, scores=clip.scores[:, :n]) for name, clip in scores.items()
        }
        chosen = reference[reference["event_label"].isin(classes[:n])]
        tracemalloc.start()
        exact_psds(clips, chosen, durations, classes[:n], SETTINGS[1:2])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # Ten times the classes and references: a table of pairs of classes at all thresholds takes 100 times as much.
    assert peaks[1] < 15 * peaks[0]
