"""Effects: what every kind keeps to, and draws that are functions of (seed, epoch, index, view, place) alone."""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import numpy as np
import pytest

from sedsep import config
from sedsep.data.augment import EFFECTS
from sedsep.data.augment.effect import Effect, affected
from sedsep.data.clip import LoadedClip

RATE = 8000


@pytest.fixture
def clip():
    """Two seconds: a background, a Cat, and a Dog that overlaps it."""
    rng = np.random.default_rng(0)
    stems = {name: rng.standard_normal(2 * RATE).astype(np.float32) for name in ("", "Cat", "Dog")}
    time = np.arange(2 * RATE) / RATE
    stems["Cat"] *= (time >= 0.5) & (time < 1.0)
    stems["Dog"] *= (time >= 0.75) & (time < 1.75)
    strong = ((0.5, 1.0, "Cat"), (0.75, 1.75, "Dog"))
    return LoadedClip("a", sum(stems.values()), RATE, strong, ("Cat", "Dog"), stems, True, {"Cat": {"c"}})


def sounds(effect, clip, epochs=20):
    """What an effect makes of a clip in several epochs."""
    return [affected(clip, (effect,), 1, epoch, 0) for epoch in range(epochs)]


@pytest.mark.parametrize("kind", EFFECTS)
def test_every_kind_keeps_to_what_an_effect_is(kind, clip, bank):
    def target(effects: Annotated[list, EFFECTS] = ()):
        return effects

    needed = {"background": {"bank": str(bank.directory), "strong": True, "probability": 1}}.get(kind, {})
    (section,) = config.resolve(target, {"effects": [{"kind": kind, **needed}]})["effects"]
    effect = config.build(EFFECTS, section)
    before = clip.mixture.tobytes(), *(stem.tobytes() for stem in clip.stems.values())
    for heard in sounds(effect, clip):
        assert heard.mixture.dtype == np.float32 and len(heard.mixture) == len(clip.mixture)
        np.testing.assert_allclose(sum(heard.stems.values()), heard.mixture, atol=1e-5)
        assert set(heard.stems) == set(clip.stems)
        assert (heard.id, heard.weak, heard.origins) == (clip.id, clip.weak, clip.origins)
        assert effect.moves_events or heard.strong == clip.strong
    assert before == (clip.mixture.tobytes(), *(stem.tobytes() for stem in clip.stems.values()))
    bare = affected(replace(clip, stems=None, strong=None, weak=None), (effect,), 1, 0, 0)
    assert bare.stems is None and bare.strong is None and bare.weak is None
    np.testing.assert_array_equal(bare.mixture, sounds(effect, clip)[0].mixture)
    assert effect.draw(np.random.default_rng(3), 2.0) == effect.draw(np.random.default_rng(3), 2.0)


@dataclass(frozen=True)
class Offset(Effect):
    """Adds what it drew, so that draws can be read off the sound."""

    def draw(self, rng, seconds):
        return {"value": float(rng.random()) + 100 * seconds}

    def apply(self, clip, parameters):
        return replace(clip, mixture=clip.mixture + parameters["value"], stems=None)


@dataclass(frozen=True)
class Moving(Offset):
    """The same, and it says that it moves events."""

    moves_events: ClassVar[bool] = True


SILENCE = LoadedClip("silence", np.zeros(2), 1)


def drawn(effects, seed=0, epoch=0, index=0, view=0):
    return float(affected(SILENCE, effects, seed, epoch, index, view).mixture[0])


def test_each_of_seed_epoch_index_view_and_place_gives_another_draw():
    keys = [{}, {"seed": 1}, {"epoch": 1}, {"index": 1}, {"view": 1}]
    values = [drawn([Offset()], **key) for key in keys] + [drawn([Offset(probability=0), Offset()])]
    assert len(set(values)) == 6 and values == [drawn([Offset()], **key) for key in keys] + values[-1:]
    assert all(200 <= value <= 201 for value in values), "effects are told the clip's length"


def test_an_effect_does_not_change_what_another_one_draws():
    first, second = drawn([Offset()]), drawn([Offset(probability=0), Offset()])
    assert drawn([Offset(), Offset()]) == pytest.approx(first + second, abs=1e-9)


def test_effects_that_move_events_are_the_same_in_both_views():
    assert drawn([Moving()], view=0) == drawn([Moving()], view=1) == drawn([Offset()], view=0)
    share = [[drawn([Moving(probability=0.5)], index=i, view=v) > 0 for i in range(200)] for v in (0, 1)]
    assert share[0] == share[1] and 70 < sum(share[0]) < 130


def test_probability_is_the_share_of_clips_that_are_changed():
    for probability in (0.0, 0.25, 1.0):
        changed = sum(drawn([Offset(probability=probability)], index=index) > 0 for index in range(400))
        assert abs(changed - 400 * probability) < 40 * (0 < probability < 1) + 1
