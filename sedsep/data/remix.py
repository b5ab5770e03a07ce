"""Remix: three isolated sounds to a clip on an acoustic scene at one SNR, fold by fold; the same clips at any SNR.

Sources: Kong et al., "Sound event detection and time-frequency segmentation from weakly labelled data", TASLP 2019 (the
generator); Deshmukh et al., Interspeech 2021, section 4.1; spec 04, F.d.
"""

import zlib
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from sedsep import config
from sedsep.config import Count, Seconds, Whole
from sedsep.data import audio
from sedsep.data.activity import rms
from sedsep.data.scene import Placed
from sedsep.data.simulate import Rendered, StemInfo, add_background, total, write_clips
from sedsep.data.soundbank import Sound, Soundbank
from sedsep.data.sources import SourceCache
from sedsep.errors import UserError

N_EVENTS = 3
ONSETS = (0.5, 3.0, 5.5)  # seconds, of the released generator
SILENT = 1e-7
SCENE, EVENT, PLACE = 0, 1, 2  # what a draw is for


@dataclass(frozen=True)
class RemixDescription:
    """What clips to make; the keys of ``sedsep remix --set``.

    Args:
        snr: level of each event over the scene, dB, both of the whole recordings. folds: whose clips, from 1.
        n_folds: into how many the recordings are dealt. per_fold: clips of each fold. sample_rate: Hz. seconds: length.
        event_seconds: longest event; of a longer recording the beginning is taken.
        variant: "fixed" draws onsets (no event touches another), shuffles a fold's list anew for each time through,
            keeps each original and each scene in one fold, and begins where a recording begins to sound. "code" is the
            released generator: onsets of 0.5, 3 and 5.5 s, one order of the list for all times (so that clips repeat),
            recordings dealt one by one, scenes out of all folds, and recordings as they are.
        seed: of everything random; the SNR is no part of it. stems: keep the sources' audio. domain: see ``Clip``.
    """

    snr: float = 0.0
    folds: tuple[int, ...] = (1, 2, 3)
    n_folds: Count = 4
    per_fold: Count = 2000
    sample_rate: Count = 32000
    seconds: Seconds = 10.0
    event_seconds: Seconds = 2.0
    variant: Literal["fixed", "code"] = "fixed"
    seed: Whole = 1234
    stems: bool = False
    domain: Literal["synthetic", "real"] = "synthetic"

    labels = "both"

    def __post_init__(self):
        object.__setattr__(self, "folds", tuple(self.folds))
        if not self.folds or len(set(self.folds)) < len(self.folds) or not set(self.folds) <= self.all_folds:
            raise UserError(
                f"configuration: folds must be some of 1 to {self.n_folds}, each once, not {list(self.folds)}"
            )
        needed = ONSETS[-1] + self.event_seconds if self.variant == "code" else N_EVENTS * (self.event_seconds + 0.001)
        if self.seconds < needed:
            raise UserError(
                f"configuration: seconds must be at least {needed:g} for {N_EVENTS} events of {self.event_seconds:g} s "
                "one after the other"
            )

    @property
    def all_folds(self) -> set:
        """The numbers of all folds."""
        return set(range(1, self.n_folds + 1))

    @property
    def count(self) -> int:
        """Clips of the set."""
        return len(self.folds) * self.per_fold


def describe(section: dict) -> RemixDescription:
    """A description from a mapping of keys. Raises UserError for an unknown key or a value that makes no sense."""
    return RemixDescription(**config.resolve(RemixDescription, section))


@dataclass(frozen=True)
class Recording:
    """A whole recording of a bank: its sound, and the active stretches in it, seconds from the file's beginning."""

    sound: Sound
    stretches: tuple


class RemixedClips:
    """The clips of a description: ``item(epoch, index)``, the same in every epoch, and at every SNR but for the level.

    Raises:
        UserError: a fold has no recording or no scene, or a published fold is missing.
    """

    def __init__(self, description: RemixDescription, bank: Soundbank):
        self.description, self.bank, self.classes = description, bank, bank.classes
        self.cache = SourceCache(description.sample_rate)
        found = _recordings(bank, whole=description.variant == "code")
        events, scenes = ([r for r in found if r.sound.role == role] for role in ("foreground", "background"))
        if not scenes:
            raise UserError(f"{bank.directory}: has no backgrounds to serve as scenes; name some: sedsep soundbank "
                            "--backgrounds")  # fmt: skip
        number = folds(events, scenes, description)
        self.events = {fold: [r for r in events if number[r] == fold] for fold in description.folds}
        self.scenes = {
            fold: [r for r in scenes if description.variant == "code" or number[r] == fold]
            for fold in description.folds
        }
        for what, found in (("recordings", self.events), ("scenes", self.scenes)):
            empty = [str(fold) for fold, inside in found.items() if not inside]
            if empty:
                raise UserError(
                    f"{bank.directory}: no {what} in fold {', '.join(empty)} of {description.n_folds}; give more, or "
                    "ask for fewer folds (n_folds)"
                )

    def __len__(self):
        return self.description.count

    def placed(self, index: int) -> tuple:
        """The scene of a clip, and its events as pairs of an onset in seconds and a :class:`Recording`."""
        d = self.description
        fold, number = d.folds[index // d.per_fold], index % d.per_fold
        chosen = [self._nth(self.events[fold], EVENT, fold, N_EVENTS * number + k) for k in range(N_EVENTS)]
        scene = self._nth(self.scenes[fold], SCENE, fold, number)
        rng = np.random.default_rng([d.seed, PLACE, fold, number])
        start = int(rng.integers(1 + max(0, _milliseconds(scene) - round(1000 * d.seconds))))
        background = Placed(scene.sound, round(1000 * scene.sound.onset) + start, 0, round(1000 * d.seconds), 0.0)
        if d.variant == "code":
            return background, tuple(zip(ONSETS, chosen))
        # Between events without overlap lies what is left of the clip, at places that are uniform and in order.
        lengths = [min(_milliseconds(r), round(1000 * d.event_seconds)) for r in chosen]
        spare = np.sort(rng.integers(round(1000 * d.seconds) - sum(lengths) - N_EVENTS, size=N_EVENTS))
        onsets = spare + np.cumsum([0, *lengths[:-1]]) + np.arange(N_EVENTS)
        return background, tuple(zip((onsets / 1000).tolist(), chosen))

    def item(self, epoch: int, index: int) -> Rendered:
        """The clip ``index``: events and scene as two channels, turned to a peak of 1 together, and their mean."""
        d, (background, placed) = self.description, self.placed(index)
        stems = np.zeros((1 + N_EVENTS, round(d.seconds * d.sample_rate)), np.float32)
        add_background(stems[0], background, self.cache, d.sample_rate)
        rows, infos = [], [StemInfo("", "background", background.sound.source)]
        for stem, (onset, recording) in zip(stems[1:], placed):
            whole = self.cache.get(recording.sound)
            level = rms(whole)
            if level < SILENT:
                raise UserError(f"{recording.sound.path}: silent; build the soundbank again")
            first = round(onset * d.sample_rate)
            piece = whole[: round(d.event_seconds * d.sample_rate)][: len(stem) - first]
            stem[first : first + len(piece)] = piece * np.float32(10 ** (d.snr / 20) / level)
            rows += _labels(onset, onset + len(piece) / d.sample_rate, recording)
            infos.append(StemInfo(recording.sound.label, "foreground", recording.sound.source))
        loudest = max(float(np.abs(total(stems[1:])).max()), float(np.abs(stems[0]).max()))
        stems *= np.float32(0.5 / loudest)
        return Rendered(total(stems), stems, sorted(rows), infos, 1.0)

    def _nth(self, listed, what, fold, n):
        """The entry ``n`` of a list that goes on and on: in one order as released, or in a new one each time."""
        times, place = divmod(n, len(listed))
        again = 0 if self.description.variant == "code" else times
        return listed[np.random.default_rng([self.description.seed, what, fold, again]).permutation(len(listed))[place]]


def remix(description: RemixDescription, bank: Soundbank, out, workers: int = 1) -> dict:
    """Write a set of remixed clips, strongly and weakly labelled; the files are the same for any number of workers.

    Returns:
        ``{"clips": n, "recordings": that were used}``.

    Raises:
        UserError: the bank does not serve the description, a recording is broken, or the disk is full.
    """
    made, _ = write_clips(RemixedClips(description, bank), bank, out, workers)
    return {"clips": len(made), "recordings": len({stem.source for clip in made for stem in clip.stems})}


def folds(events: list, scenes: list, description: RemixDescription) -> dict:
    """Recording -> number of its fold, from 1: the published one, or one that it is dealt to.

    Dealt are the originals, label by label; or, as released, all recordings together.
    """
    n, dealt = description.n_folds, {}
    if description.variant == "code":
        for group in (events, scenes):
            order = np.random.default_rng(description.seed).permutation(len(group))
            dealt |= {group[index]: place * n // len(group) + 1 for place, index in enumerate(order)}
        return dealt
    sounds = [recording.sound for recording in (*events, *scenes)]
    names = sorted({sound.fold for sound in sounds if sound.fold})
    of_source = {sound.source: names.index(sound.fold) % n + 1 for sound in sounds if sound.fold}
    for role, label in dict.fromkeys((sound.role, sound.label) for sound in sounds):
        sources = sorted({sound.source for sound in sounds if (sound.role, sound.label) == (role, label)})
        rng = np.random.default_rng([description.seed, zlib.crc32(f"{role}/{label}".encode())])
        new = [source for source in rng.permutation(sources).tolist() if source not in of_source]
        of_source.update((source, place % n + 1) for place, source in enumerate(new))
    return {recording: of_source[recording.sound.source] for recording in (*events, *scenes)}


def _recordings(bank, whole: bool) -> list:
    """The recordings of a bank, each once: whole files, or from where they begin to where they end to sound."""
    found = {}
    for sound in bank.sounds:
        found.setdefault((sound.path, sound.label, sound.role), []).append(sound)
    recordings = []
    for same in found.values():
        stretches = tuple((sound.onset, sound.offset) for sound in same)
        span = (0.0, _seconds(same[0].path)) if whole else (stretches[0][0], max(off for _, off in stretches))
        recordings.append(Recording(replace(same[0], onset=span[0], offset=span[1]), stretches))
    return recordings


def _milliseconds(recording) -> int:
    return round(1000 * recording.sound.offset) - round(1000 * recording.sound.onset)


def _labels(onset, end, recording) -> list:
    """The active stretches of an event as rows of strong labels; all of it where none is in the part that was taken."""
    shift = onset - recording.sound.onset
    rows = [
        (round(on + shift, 3), round(min(off + shift, end), 3)) for on, off in recording.stretches if on + shift < end
    ]
    rows = [(on, off, recording.sound.label) for on, off in rows if off > on]
    return rows or [(round(onset, 3), round(end, 3), recording.sound.label)]


def _seconds(path) -> float:
    header = audio.info(path)
    return header.n_samples / header.sample_rate
