"""Slots: which sources the stems of a clip become."""

import numpy as np
import pytest

from sedsep.data.slots import slotted

RNG = np.random.default_rng(0)
STEMS = {
    "": RNG.standard_normal(50).astype(np.float32),
    "Cat": 0.1 * RNG.standard_normal(50).astype(np.float32),
    2: 9 * RNG.standard_normal(50).astype(np.float32),
    "Dog": 0.5 * RNG.standard_normal(50).astype(np.float32),
}


def test_the_background_comes_first_and_then_the_loudest():
    sources = slotted(STEMS, 5, 50)
    for source, name in zip(sources, ("", 2, "Dog", "Cat")):
        np.testing.assert_array_equal(source, STEMS[name])
    assert not sources[4].any()


def test_the_foreground_alone():
    sources = slotted(STEMS, 3, 50, "foreground")
    np.testing.assert_array_equal(sources, [STEMS["Dog"], STEMS["Cat"], np.zeros(50)])
    (folded,) = slotted(STEMS, 1, 50, "foreground")
    np.testing.assert_allclose(folded, STEMS["Dog"] + STEMS["Cat"], rtol=1e-6)


def test_roles():
    sources = slotted(STEMS, 3, 50, "roles")
    np.testing.assert_allclose(sources, [STEMS[""], STEMS["Cat"] + STEMS["Dog"], STEMS[2]], rtol=1e-6)
    assert not slotted({"Cat": STEMS["Cat"]}, 3, 50, "roles")[[0, 2]].any()


@pytest.mark.parametrize("slots", ["all", "roles"])
def test_sources_add_up_to_the_mixture(slots):
    total = sum(stem.astype(float) for stem in STEMS.values())
    np.testing.assert_allclose(slotted(STEMS, 3, 50, slots).sum(0), total, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("slots", ["all", "foreground", "roles"])
def test_no_stems_are_silence(slots):
    assert not slotted({}, 3, 50, slots).any()
