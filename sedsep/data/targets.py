"""Targets: mixtures with one of their sounds to extract and another recording of its class, the enrolment.

Source: SoundBeam, Delcroix et al. 2021, section 5.1: the enrolment is a random clip of the target's class that
differs from the target; spec 05, G.d. The pairing is a function of (seed, epoch, index).
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from sedsep.batch import Example
from sedsep.data.dataset import MixedClips, Windows
from sedsep.data.soundbank import Sound
from sedsep.data.sources import SourceCache
from sedsep.errors import UserError
from sedsep.labels import Classes

PAIRING = 1  # the stream of random numbers that draws pairs; that of windows has no fourth number


class Enrolments:
    """Recordings to draw enrolments from.

    Args:
        sounds: class -> its :class:`Sound` s, one per recording. sample_rate: Hz.
        longest: seconds; of a longer recording a drawn part is taken.
    """

    def __init__(self, sounds: dict, sample_rate: int, longest: float):
        self.sounds, self.longest = sounds, round(longest * sample_rate)
        self.cache = SourceCache(sample_rate)

    def draw(self, rng, label: str, origins=()) -> np.ndarray:
        """A recording of ``label`` that is none of ``origins``, ``(T',)``.

        Raises:
            UserError: the class has no other recording, or the recording cannot be used.
        """
        others = [sound for sound in self.sounds.get(label, ()) if sound.source not in origins]
        if not others:
            raise UserError(f"class {label!r} has no second recording to enrol it with; add one, or leave it out")
        return self.waveform(others[rng.integers(len(others))], rng)

    def waveform(self, sound: Sound, rng) -> np.ndarray:
        """The sound without the silence around it, ``(T',)``."""
        whole = self.cache.get(sound)
        sounding = np.flatnonzero(whole)
        if not len(sounding):
            raise UserError(f"{sound.path}: silent; it cannot enrol {sound.label!r}")
        whole = whole[sounding[0] : sounding[-1] + 1]
        start = int(rng.integers(max(0, len(whole) - self.longest) + 1))
        return whole[start : start + self.longest]


def recordings_of(part) -> dict:
    """class -> one :class:`Sound` per recording of it.

    For clips that are mixed on the fly these are the bank's recordings, in the split and share of the mixtures;
    for clips on disk the stems of the set.
    """
    if isinstance(part, MixedClips):
        return {label: whole_recordings(sounds) for label, sounds in part.simulated.selection.events.items()}
    found = {}
    for clip in part.clips:
        for stem in clip.stems:
            if stem.role == "foreground":
                sound = Sound(Path(stem.path), stem.label, stem.role, 0.0, clip.duration, "", stem.source)
                found.setdefault(stem.label, []).append(sound)
    return found


def whole_recordings(sounds) -> tuple:
    """Active stretches -> one :class:`Sound` per recording, from its first onset to its last offset."""
    wholes = {}
    for sound in sounds:
        known = wholes.get(sound.path, sound)
        onset, offset = min(known.onset, sound.onset), max(known.offset, sound.offset)
        wholes[sound.path] = replace(known, onset=onset, offset=offset)
    return tuple(wholes.values())


class Targets(Windows):
    """Examples of target sound extraction.

    Args:
        parts: clip sources with stems. classes: of the targets; sounds of other classes are never asked for.
        longest: seconds of an enrolment at most. The others are those of :class:`Windows`.
    """

    def __init__(
        self, parts, classes: Classes, sample_rate: int, seconds: float, longest: float, seed: int = 0,
        training: bool = True,
    ):  # fmt: skip
        super().__init__(parts, classes, sample_rate, seconds, seed=seed, training=training)
        self.pools = [Enrolments(recordings_of(part), sample_rate, longest) for part in self.parts]

    def __getitem__(self, key) -> Example:
        """The example of ``key = (epoch, index)``: a class of the mixture is drawn, and an enrolment for it.

        Raises:
            UserError: audio is missing or broken, or no wanted class with a second recording sounds in the clip.
        """
        epoch, index = key
        part, sound = self.sound(epoch, index)
        start = self._start(len(sound.mixture), epoch, index)
        rng = np.random.default_rng([self.seed, epoch, index, PAIRING])
        targets = {name: self._window(sound.stems[name], start) for name in self.classes if name in sound.stems}
        targets = {name: waveform for name, waveform in targets.items() if waveform.any()}
        if not targets:
            raise UserError(f"{sound.id}: no sound to extract in it; leave it out, or make data.seconds longer")
        label = list(targets)[rng.integers(len(targets))]
        return Example(
            sound.id,
            self._window(sound.mixture, start),
            min(len(sound.mixture) - start, self.n_samples),
            is_synthetic=sound.is_synthetic,
            target=targets[label],
            target_class=self.classes.index(label),
            enrolment=self.pools[part].draw(rng, label, sound.origins[label]),
        )
