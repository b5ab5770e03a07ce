"""The source cache: right samples, bounded memory."""

from dataclasses import replace

import numpy as np
import pytest

from sedsep.data import audio
from sedsep.data.sources import SourceCache
from sedsep.errors import UserError


def test_trimmed_sounds_are_served_again_without_reading(bank, monkeypatch):
    cache = SourceCache(8000)
    sound = bank.sounds[0]
    first = cache.get(sound)
    whole = audio.read(sound.path, 8000)
    np.testing.assert_array_equal(first, whole[round(sound.onset * 8000) : round(sound.offset * 8000)])
    monkeypatch.setattr(audio, "read", None)
    assert cache.get(sound) is first


def test_memory_is_bounded_over_a_thousand_requests(bank):
    cache = SourceCache(8000, limit=100_000)
    events = [sound for sound in bank.sounds if sound.role == "foreground"]
    for step in range(1000):
        cache.get(events[step * 7 % len(events)])
        assert cache.held <= 100_000
    assert cache.held == sum(waveform.nbytes for waveform in cache._sounds.values())


def test_a_sound_that_its_file_no_longer_holds_is_an_error(bank):
    with pytest.raises(UserError, match="ends before 99 s; build the soundbank again"):
        SourceCache(8000).get(replace(bank.sounds[0], onset=99.0, offset=100.0))
