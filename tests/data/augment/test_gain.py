"""Gain: the level that was drawn is the level that sounds."""

import numpy as np

from sedsep.data.augment.effect import affected
from sedsep.data.augment.gain import Gain
from sedsep.data.clip import LoadedClip


def test_the_realised_gain_is_the_drawn_one_for_all_of_the_clip():
    rng = np.random.default_rng(0)
    stems = {name: rng.standard_normal(1000).astype(np.float32) for name in ("", "Cat", 3)}
    clip = LoadedClip("a", sum(stems.values()), 8000, ((0.0, 0.1, "Cat"),), stems=stems)
    gain, levels = Gain((-20.0, 10.0)), []
    for _ in range(20):
        parameters = gain.draw(rng, clip.seconds)
        levels.append(parameters["level_db"])
        louder = gain.apply(clip, parameters)
        for after, before in ((louder.mixture, clip.mixture), *((louder.stems[name], stems[name]) for name in stems)):
            assert abs(20 * np.log10(np.std(after) / np.std(before)) - levels[-1]) < 1e-4
        np.testing.assert_allclose(sum(louder.stems.values()), louder.mixture, atol=1e-5)
        assert louder.strong == clip.strong
    assert -20 <= min(levels) < -10 < 0 < max(levels) <= 10
    same = affected(clip, (Gain((0.0, 0.0)),), 0, 0, 0)
    np.testing.assert_array_equal(same.mixture, clip.mixture)
