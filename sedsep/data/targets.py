"""Targets: mixtures with one of their sounds to extract and another recording of its class, the enrolment.

Source: SoundBeam, Delcroix et al. 2021, section 5.1: the enrolment is a random clip of the target's class that
differs from the target; spec 05, G.d. The pairing is a function of (seed, epoch, index).
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from sedsep.batch import Example
from sedsep.data.enrolment import Enrolments, whole_recordings
from sedsep.data.parts import MixedClips
from sedsep.data.soundbank import Sound
from sedsep.data.windows import Windows
from sedsep.errors import UserError
from sedsep.labels import Classes

PAIRING = 1  # the stream of random numbers that draws pairs; that of windows has no fourth number


def recordings_of(part) -> dict:
    """class -> one :class:`Sound` per recording of it.

    For clips that are mixed on the fly these are the bank's recordings, in the split and share of the mixtures;
    for clips on disk the stems of the set.
    """
    if isinstance(part, MixedClips):
        return {label: whole_recordings(sounds) for label, sounds in part.simulated.sounds.events.items()}
    found = {}
    for clip in part.clips:
        for stem in clip.stems:
            if stem.role == "foreground" and stem.label:  # without a label it is no example of a class
                sound = Sound(Path(stem.path), stem.label, stem.role, 0.0, clip.duration, "", stem.source)
                found.setdefault(stem.label, []).append(sound)
    return found


class Targets(Windows):
    """Examples of target sound extraction.

    Args:
        parts: clip sources with stems. classes: of the targets; sounds of other classes are never asked for.
        longest: seconds of an enrolment at most, or None for no enrolments. The others are those of
            :class:`Windows`.
    """

    def __init__(
        self, parts, classes: Classes, sample_rate: int, seconds: float, longest: float | None, seed: int = 0,
        training: bool = True, effects=(), views: int = 1,
    ):  # fmt: skip
        super().__init__(
            parts, classes, sample_rate, seconds, seed=seed, training=training, effects=effects, views=views
        )
        self.pools = None
        if longest is not None:
            self.pools = [Enrolments(recordings_of(part), sample_rate, longest) for part in self.parts]

    def __getitem__(self, key) -> Example:
        """The example of ``key = (epoch, index)``: a class of the mixture is drawn, and an enrolment for it.

        Raises:
            UserError: audio is missing or broken, or no wanted class with a second recording sounds in the clip.
        """
        epoch, index = key
        part, views = self.views(epoch, index)
        clip = views[0]
        start = self._start(len(clip.mixture), epoch, index)
        rng = np.random.default_rng([self.seed, epoch, index, PAIRING])
        targets = {name: self._window(clip.stems[name], start) for name in self.classes if name in clip.stems}
        targets = {name: waveform for name, waveform in targets.items() if waveform.any()}
        if not targets:
            raise UserError(f"{clip.id}: no sound to extract in it; leave it out, or make data.seconds longer")
        label = list(targets)[rng.integers(len(targets))]
        enrolment = self.pools[part].draw(rng, label, clip.origins[label]) if self.pools else None
        return replace(
            self._example(views, start),
            target=targets[label],
            target_class=self.classes.index(label),
            enrolment=enrolment,
        )
