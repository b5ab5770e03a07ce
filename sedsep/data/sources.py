"""Decoded source recordings behind a cache that is bounded in bytes: mixing on the fly reads each file rarely."""

from collections import OrderedDict

import numpy as np

from sedsep.data import audio
from sedsep.data.soundbank import Sound
from sedsep.errors import UserError


class SourceCache:
    """The audio of sounds, decoded, mixed down, resampled and trimmed; the least recently used leave first.

    Args:
        sample_rate: Hz. limit: bytes of audio held at most (one sound larger than that is still served).
    """

    def __init__(self, sample_rate: int, limit: int = 256 * 2**20):
        self.sample_rate = sample_rate
        self.limit = limit
        self.held = 0
        self._sounds = OrderedDict()

    def get(self, sound: Sound) -> np.ndarray:
        """The active stretch of a recording, ``(T,)`` float32. Raises UserError where the file cannot be used."""
        key = (sound.path, sound.onset, sound.offset)
        if key in self._sounds:
            self._sounds.move_to_end(key)
            return self._sounds[key]
        whole = audio.read(sound.path, self.sample_rate, convert=True)
        first, last = (round(seconds * self.sample_rate) for seconds in (sound.onset, sound.offset))
        waveform = whole[first:last].copy()
        if not len(waveform):
            raise UserError(f"{sound.path}: ends before {sound.onset:g} s; build the soundbank again")
        self._sounds[key] = waveform
        self.held += waveform.nbytes
        while self.held > self.limit and len(self._sounds) > 1:
            self.held -= self._sounds.popitem(last=False)[1].nbytes
        return waveform
