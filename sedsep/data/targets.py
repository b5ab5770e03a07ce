"""Targets: mixtures with one of their sounds to extract and another recording of its class, the enrolment.

Source: SoundBeam, Delcroix et al. 2021, section 5.1: the enrolment is a random clip of the target's class that
differs from the target; spec 05, G.d. The pairing is a function of (seed, epoch, index).
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from sedsep.batch import Example
from sedsep.data.enrolment import Enrolments, recordings, whole_recordings
from sedsep.data.parts import MixedClips, origins_of
from sedsep.data.soundbank import Sound
from sedsep.data.windows import Windows
from sedsep.errors import UserError
from sedsep.labels import Classes

PAIRING = 1  # the stream of random numbers that draws pairs; that of windows has no fourth number


def recordings_of(part, banks=()) -> dict:
    """class -> one :class:`Sound` per recording of it.

    For clips that are mixed on the fly these are the bank's recordings, in the split and share of the mixtures. For
    clips on disk they are, for each class the first of these that has two of it: the validation split of ``banks``,
    the stems of the set, the banks' training and validation splits together.
    """
    if isinstance(part, MixedClips):
        return {label: whole_recordings(sounds) for label, sounds in part.simulated.sounds.events.items()}
    pools = [recordings(bank, ("validation",)) for bank in banks]
    pools += [_stems_of(part), *(recordings(bank, ("train", "validation")) for bank in banks)]
    found = {}
    for pool in pools:
        for label, sounds in pool.items():
            if len({sound.source for sound in found.get(label, ())}) < 2:
                found[label] = sounds
    return found


def _stems_of(part) -> dict:
    """class -> one :class:`Sound` per stem of the set."""
    found = {}
    for clip in part.clips:
        for stem in clip.stems:
            if stem.role == "foreground" and stem.label:  # without a label it is no example of a class
                sound = Sound(Path(stem.path), stem.label, stem.role, 0.0, clip.duration, "", stem.source)
                found.setdefault(stem.label, []).append(sound)
    return found


def _lacking(part, pool: Enrolments):
    """The classes that an example of a part may ask for and that no recording but its own could enrol."""
    if isinstance(part, MixedClips):
        drawn = part.simulated.classes.names
        sources = {label: {sound.source for sound in sounds} for label, sounds in pool.sounds.items() if label in drawn}
        yield from (label for label, found in sources.items() if len(found) < 2)
        return
    for clip in part.clips:
        for label, origins in origins_of(clip.stems).items():
            if not pool.has_another(label, origins):
                yield label


class Targets(Windows):
    """Examples of target sound extraction.

    Args:
        parts: clip sources with stems. classes: of the targets; sounds of other classes are never asked for.
        longest: seconds of an enrolment at most, or None for no enrolments. banks: soundbanks whose recordings of
            the validation split enrol what sounds in clips on disk. The others are those of :class:`Windows`.

    Raises:
        UserError: a class that may be asked for has no second recording to enrol it with.
    """

    def __init__(
        self, parts, classes: Classes, sample_rate: int, seconds: float, longest: float | None, seed: int = 0,
        training: bool = True, effects=(), views: int = 1, banks=(),
    ):  # fmt: skip
        super().__init__(
            parts, classes, sample_rate, seconds, seed=seed, training=training, effects=effects, views=views
        )
        self.pools = None
        if longest is not None:
            self.pools = [Enrolments(recordings_of(part, banks), sample_rate, longest) for part in self.parts]
            lacking = [
                name for pair in zip(self.parts, self.pools) for name in _lacking(*pair) if name in classes.names
            ]
            if lacking:  # better now than when it is drawn, hours into the training
                raise UserError(
                    f"no second recording to enrol these classes with: {', '.join(dict.fromkeys(lacking))}; add "
                    "recordings, leave the classes out, or mix clips from a soundbank that has more (--mix)"
                )

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
        if self.pools:  # a mixture that has all recordings of a class in it asks for another of its sounds
            can = self.pools[part].has_another
            targets = {name: waveform for name, waveform in targets.items() if can(name, clip.origins[name])} or targets
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
