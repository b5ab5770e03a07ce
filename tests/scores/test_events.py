"""Decoding: the golden events, a straightforward loop, and the edges."""

from pathlib import Path
from types import SimpleNamespace as Clip

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedsep.errors import UserError
from sedsep.labels import EVENT_COLUMNS, events_table, runs
from sedsep.scores.events import OPERATING_POINTS, decode
from sedsep.scores.median import median_filter

GOLDEN = Path(__file__).resolve().parents[2].parent / "shared" / "golden"
DESED = [
    *("Alarm_bell_ringing", "Blender", "Cat", "Dishes", "Dog", "Electric_shaver_toothbrush"),
    *("Frying", "Running_water", "Speech", "Vacuum_cleaner"),
]


def slowly(clips, classes, thresholds):
    """The loop over thresholds, clips and classes."""
    return [
        events_table(
            (name, clip.boundaries[first], clip.boundaries[last], label)
            for name, clip in clips.items()
            for label, column, limit in zip(classes, clip.scores.T, np.broadcast_to(threshold, len(classes)))
            for first, last in runs(column > limit)
        )
        for threshold in thresholds
    ]


def same(ours, expected):
    assert len(ours) == len(expected)
    for a, b in zip(ours, expected):
        assert list(a.columns) == EVENT_COLUMNS
        assert a.astype({"filename": object}).values.tolist() == b.values.tolist()


def test_golden_events():
    if not GOLDEN.is_dir():
        pytest.skip("no ../shared/golden beside this checkout")
    scores = np.load(GOLDEN / "decode_2021.npz")["scores"]
    expected = pd.read_csv(GOLDEN / "decode_2021.tsv", sep="\t")
    boundaries = np.minimum(np.round(np.arange(157) * 0.064, 6), 10)

    def found(scores, frames=7, classes=DESED, threshold=0.5):
        clips = {
            f"clip{i}.wav": Clip(boundaries=boundaries, scores=s) for i, s in enumerate(median_filter(scores, frames))
        }
        (events,) = decode(clips, classes, [threshold])
        return events.values.tolist()

    wanted = expected[EVENT_COLUMNS].values.tolist()
    assert len(expected) == 79 and found(scores) == wanted
    for wrong in (scores[::-1], scores[:, ::-1], scores[..., ::-1], 0.99 * scores):
        assert found(wrong) != wanted
    assert all(
        found(scores, **{k: v}) != wanted for k, v in (("frames", 5), ("classes", DESED[::-1]), ("threshold", 0.52))
    )


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 9999), per_class=st.booleans())
def test_equals_the_loop(seed, per_class):
    rng = np.random.default_rng(seed)
    clips = {}
    for i in range(rng.integers(0, 4)):
        n_frames = rng.integers(1, 9)
        # scores on the thresholds themselves: strict '>' matters
        clips[f"{i}.wav"] = Clip(
            boundaries=np.concatenate([[0], np.cumsum(rng.random(n_frames) + 0.1)]),
            scores=rng.choice([0, 0.1, 0.3, 0.30000001, 0.7, 1], (n_frames, 2)).astype(rng.choice(["f4", "f8"])),
        )
    thresholds = np.array([0.1, 0.3, 0.7])
    if per_class:
        thresholds = np.stack([thresholds, thresholds + 0.1], 1)
    same(decode(clips, ["a", "b"], thresholds), slowly(clips, ["a", "b"], thresholds))


def test_fifty_operating_points():
    assert np.allclose(OPERATING_POINTS, np.linspace(0.01, 0.99, 50))
    clips = {"x": Clip(boundaries=np.arange(31.0), scores=np.random.default_rng(0).random((30, 4)))}
    same(decode(clips, "abcd", OPERATING_POINTS), slowly(clips, "abcd", OPERATING_POINTS))


def test_nothing_to_decode_and_edges():
    (events,) = decode({}, ["a"], [0.5])
    assert len(events) == 0 and list(events.columns) == EVENT_COLUMNS
    clip = Clip(boundaries=np.array([0, 1, 1.5]), scores=np.array([[0.5, 0.6], [0.5, 0.6]]))
    (events,) = decode({"x.wav": clip}, ["a", "b"], [0.5])
    assert events.values.tolist() == [["x.wav", 0.0, 1.5, "b"]]


def test_refuses_falling_thresholds():
    with pytest.raises(UserError, match="must increase"):
        decode({}, ["a"], [0.5, 0.3])
