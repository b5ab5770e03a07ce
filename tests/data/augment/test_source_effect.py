"""Effects of sources: what every kind keeps to, and chains of them as plain data."""

import json
from collections import Counter

import numpy as np
import pytest

from sedsep.data.augment import SOURCE_EFFECTS
from sedsep.data.augment.source_effect import SourceEffect, chained, draw_chain


class Times(SourceEffect):
    """Multiplies by a number of its own."""

    def __init__(self, factor):
        self.factor = factor

    def draw(self, rng, seconds):
        return {"factor": self.factor, "seconds": seconds}

    @staticmethod
    def apply(waveform, sample_rate, parameters):
        return waveform * parameters["factor"]


class Plus(Times):
    """Adds it."""

    @staticmethod
    def apply(waveform, sample_rate, parameters):
        return waveform + parameters["factor"]


KINDS = {"times": Times, "plus": Plus}
SECTIONS = [{"kind": "times", "factor": 2}, {"kind": "plus", "factor": 3}, {"kind": "times", "factor": 5}]


def chains(most, sections=SECTIONS):
    return [draw_chain(KINDS, sections, most, np.random.default_rng([3, n]), 1.5) for n in range(600)]


@pytest.mark.parametrize("kind", SOURCE_EFFECTS)
def test_every_kind_keeps_to_what_an_effect_is(kind):
    waveform = np.random.default_rng(0).standard_normal(4000).astype(np.float32)
    before = waveform.tobytes()
    for number in range(10):
        chain = draw_chain(SOURCE_EFFECTS, [{"kind": kind}], 1, np.random.default_rng(number), 0.5)
        assert json.loads(json.dumps(chain)) == [list(effect) for effect in chain], "plain data"
        heard = chained(SOURCE_EFFECTS, chain, waveform, 8000)
        assert heard.shape == waveform.shape and heard.dtype == np.float32 and np.isfinite(heard).all()
        assert np.array_equal(heard, waveform) == (not chain)
    assert waveform.tobytes() == before


@pytest.mark.parametrize("most, counts", [(0, 1), (1, 2), (2, 3), (9, 4)])
def test_none_to_most_effects_each_number_as_likely(most, counts):
    found = Counter(map(len, chains(most)))
    assert set(found) == set(range(counts)) and min(found.values()) > 450 / counts


def test_every_effect_at_most_once_in_any_order():
    factors = [tuple(parameters["factor"] for _, parameters in chain) for chain in chains(2)]
    assert {pair for pair in factors if len(pair) == 2} == {(a, b) for a in (2, 3, 5) for b in (2, 3, 5) if a != b}
    assert all(parameters["seconds"] == 1.5 for chain in chains(2) for _, parameters in chain)


def test_effects_act_one_after_the_other():
    chain = (("times", {"factor": 2}), ("plus", {"factor": 3}))
    assert chained(KINDS, chain, np.ones(1), 8000) == 5 and chained(KINDS, chain[::-1], np.ones(1), 8000) == 8
    assert draw_chain(KINDS, [], 2, np.random.default_rng(0), 1.0) == ()
