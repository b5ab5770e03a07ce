"""Background: the level that was drawn, on the clips that are meant, on mixture and stems together."""

import numpy as np
import pytest

from sedsep.data.activity import decibels, rms
from sedsep.data.augment.background import Background
from sedsep.data.augment.effect import affected
from sedsep.data.clip import LoadedClip
from sedsep.errors import UserError

RATE = 8000


@pytest.fixture
def clip():
    sound = np.random.default_rng(0).standard_normal(5 * RATE).astype(np.float32)
    return LoadedClip("a", 0.1 * sound, RATE, weak=("Cat",), stems={"Cat": 0.1 * sound})


def test_a_background_comes_at_its_level_and_stems_add_up(bank, clip):
    effect, starts = Background(bank=str(bank.directory), probability=1.0), set()
    for seed in range(6):
        drawn = effect.draw(np.random.default_rng(seed), clip.seconds)
        heard = effect.apply(clip, drawn)
        added = heard.mixture - clip.mixture
        assert decibels(rms(added) / rms(clip.mixture)) == pytest.approx(drawn["level_db"], abs=0.05)
        np.testing.assert_allclose(sum(heard.stems.values()), heard.mixture, atol=1e-6)
        np.testing.assert_array_equal(heard.stems["Cat"], clip.stems["Cat"])
        assert heard.weak == clip.weak and rms(added[-RATE:]) > 0.5 * rms(added), "it lasts as long as the clip"
        starts.add(added[:100].tobytes())
    assert len(starts) == 6


def test_strongly_labelled_clips_have_their_own(bank, clip):
    strong = LoadedClip("b", clip.mixture, RATE, ((0.0, 1.0, "Cat"),))
    plain, all_of_them = (Background(bank=str(bank.directory), strong=which) for which in (False, True))
    assert affected(strong, [plain] * 4, 0, 0, 0) is strong
    changed = [affected(strong, [all_of_them], 0, 0, index) is not strong for index in range(100)]
    assert 30 < sum(changed) < 70, "half of the clips"
    assert affected(strong, [all_of_them], 0, 0, 0).strong == strong.strong


def test_the_views_of_a_clip_get_different_ones(bank, clip):
    effect = Background(bank=str(bank.directory), probability=1.0)
    first, again, other = (affected(clip, [effect], 1, 2, 3, view).mixture for view in (0, 0, 1))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_a_bank_without_such_backgrounds_is_one_clear_line(bank, tmp_path):
    with pytest.raises(UserError, match="no backgrounds street in split 'train' for data.effects"):
        Background(bank=str(bank.directory), labels=("street",))
    with pytest.raises(UserError, match="no such soundbank"):
        Background(bank=str(tmp_path / "nowhere"))
