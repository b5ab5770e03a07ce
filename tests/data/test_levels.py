"""Levels: the rules of the paper and of its code, as drawn and as rendered."""

import numpy as np
import pytest

from sedsep.data.activity import decibels
from sedsep.data.levels import LEVELS, NormalLevels, UniformLevels
from sedsep.data.scene import describe
from sedsep.data.simulate import SimulatedClips
from sedsep.errors import UserError


def drawn(rule, count=4, times=500):
    return [rule.draw(np.random.default_rng(seed), count) for seed in range(times)]


def test_the_papers_levels():
    for events, background in drawn(UniformLevels()):
        assert len(events) == 4 and min(events) >= -35 and max(events) <= 0
        assert -50 <= background <= min(min(events) + 5, 0)
    assert max(background - min(events) for events, background in drawn(UniformLevels())) > 4
    assert all(-50 <= background <= 0 for _, background in drawn(UniformLevels(), 0))


@pytest.mark.parametrize("follow", [False, True])
def test_the_released_levels(follow):
    found = drawn(NormalLevels(follow=follow))
    events = np.array([levels for levels, _ in found])
    assert events[:, 0].min() >= -45 and events[:, 0].max() <= 0 and events[:, 0].mean() == pytest.approx(-30, abs=1)
    apart = events[:, 1:] - events[:, :1]
    assert apart.mean() == pytest.approx(-4 if follow else 0, abs=0.7)
    assert apart.std() == pytest.approx(3 if follow else 7 * np.sqrt(2), rel=0.1) and np.abs(apart).max() <= 45
    assert all(min(-50, min(levels) + 5) <= background <= min(levels) + 5 for levels, background in found)


@pytest.mark.parametrize("kind", LEVELS)
@pytest.mark.parametrize("measure", ["peak", "rms"])
def test_realised_levels_are_the_drawn_ones(bank, kind, measure):
    scene = {"sample_rate": 8000, "seconds": 3.0, "n_events": [1, 3], "rooms": {"each": "source"}, "peak": 1e6,
             "levels": {"kind": kind, "measure": measure}}  # fmt: skip
    clips, compared = SimulatedClips(describe(scene), bank), 0
    for index in range(5):
        described, made = clips.scene(0, index), clips.item(0, index)
        if measure == "peak":
            for placed, stem in zip((described.background, *described.events), made.stems):
                assert decibels(np.abs(stem).max()) == pytest.approx(placed.level_db, abs=0.01)
                compared += 1
        background = described.background
        assert background.level_db <= min(event.level_db for event in described.events) + 5
        assert background.measure == measure == described.events[0].measure
        np.testing.assert_allclose(made.stems.sum(0), made.mixture, atol=1e-6)
    assert compared >= 10 or measure == "rms"


def test_mistakes_are_refused():
    for section, message in (
        ({"kind": "norml"}, "levels.kind is 'norml' .did you mean 'normal'"),
        ({"event_db": [0, -35]}, r"levels.event_db must be \[lowest, highest\]"),
        ({"event_mean": 1}, "unknown key 'levels.event_mean'"),
        ({"measure": "loud"}, "levels.measure is 'loud'"),
    ):
        with pytest.raises(UserError, match=message):
            describe({"levels": section})
