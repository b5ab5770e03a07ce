"""Small random systems: scores and events of a few clips, with ties, empty clips and events at the clip's edge."""

from types import SimpleNamespace

import numpy as np
import pytest

from sedsep.labels import events_table


@pytest.fixture
def make_events():
    """``make_events(seed, ...)`` -> (estimated, reference, durations, classes) on a grid of 0.05 s.

    Same-class events of a clip do not overlap; every fifth clip has none at all.
    """

    def draw(rng, names, classes, density):
        rows = []
        for index, name in enumerate(names):
            for label in classes if index % 5 else ():
                edges = np.unique(rng.integers(0, 201, size=2 * rng.integers(0, 1 + density)))
                spans = edges[: len(edges) // 2 * 2].reshape(-1, 2) / 20
                rows += [(name, onset, offset, label) for onset, offset in spans]
        return rows

    def make(seed, n_clips=8, n_classes=3, density=4):
        rng = np.random.default_rng(seed)
        names = [f"clip_{i}.000_{i}.wav" for i in range(n_clips)]
        classes = [f"Class_{c}" for c in range(n_classes)]
        reference = draw(rng, names, classes, density)
        # Estimates: references moved by up to 0.3 s, some lost, and some events of their own.
        moved = [
            (name, round(max(0, onset + a / 20), 2), round(min(10, offset + b / 20), 2), label)
            for (name, onset, offset, label), (a, b) in zip(reference, rng.integers(-6, 7, (len(reference), 2)))
            if rng.random() < 0.8
        ]
        extra = draw(rng, names, classes, 1)
        kept, ends = [], {}
        for row in sorted(moved + extra, key=lambda row: (row[0], row[3], row[1])):
            if row[1] < row[2] and ends.get((row[0], row[3]), -1) < row[1]:
                ends[row[0], row[3]] = row[2]
                kept.append(row)
        return events_table(kept), events_table(reference), dict.fromkeys(names, 10.0), classes

    return make


@pytest.fixture
def make_scores():
    """``make_scores(seed, levels=None, ...)`` -> (scores, reference, durations, classes); levels make ties."""

    def make(seed, n_clips=6, n_frames=16, n_classes=3, levels=None, step=0.125):
        rng = np.random.default_rng(seed)
        classes = [f"Class_{c}" for c in range(n_classes)]
        rows, scores = [], {}
        for index in range(n_clips):
            name, active = f"clip_{index}.wav", np.zeros((n_frames, n_classes))
            for c, label in enumerate(classes):
                if index and rng.random() < 0.6:
                    first = int(rng.integers(0, n_frames))
                    last = int(rng.integers(first + 1, n_frames + 1))
                    rows.append((name, first * step, last * step, label))
                    active[first:last, c] = 2
            values = active + rng.normal(size=active.shape)
            values = 1 / (1 + np.exp(1 - values))
            values = np.round(values * levels) / levels if levels else values
            scores[name] = SimpleNamespace(boundaries=np.arange(n_frames + 1) * step, scores=values)
        return scores, events_table(rows), dict.fromkeys(scores, n_frames * step), classes

    return make
