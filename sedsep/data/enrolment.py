"""Enrolments: recordings that show a class to a model; drawn for training, listed in tables for tests.

``SET/enrolments.tsv`` (filename, event_label, path, onset, offset) says what is to be extracted from each clip of
a set and with which recording: one row per class that sounds in the clip, and one for a class that does not. A
table of shots (event_label, path, onset, offset) lists recordings of new classes, the first K of which are K shots.

Source: Delcroix et al. 2021, section 5.1; spec 05, G.d.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from sedsep.data import activity, audio
from sedsep.data.manifest import ClipSet
from sedsep.data.reader import BLOCK_SECONDS
from sedsep.data.soundbank import Sound, Soundbank, active_sounds
from sedsep.data.sources import SourceCache
from sedsep.data.splits import SPLITS
from sedsep.data.stream import convert, mono
from sedsep.errors import UserError
from sedsep.files import read_table, write_table

PAIRS = "enrolments.tsv"
SPAN = ["path", "onset", "offset"]


class Enrolments:
    """Recordings to draw enrolments from.

    Args:
        sounds: class -> its :class:`Sound` s, one per recording. sample_rate: Hz.
        longest: seconds; of a longer recording a drawn part is taken.
    """

    def __init__(self, sounds: dict, sample_rate: int, longest: float):
        self.sounds, self.longest = sounds, round(longest * sample_rate)
        self.cache = SourceCache(sample_rate)

    def has_another(self, label: str, origins) -> bool:
        """Whether the class has a recording that is none of the original recordings ``origins``."""
        return any(sound.source not in origins for sound in self.sounds.get(label, ()))

    def draw(self, rng, label: str, origins=()) -> np.ndarray:
        """A recording of ``label`` that is none of ``origins``, ``(T',)``.

        Raises:
            UserError: the class has no other recording, or the recording cannot be used.
        """
        sound = another(self.sounds.get(label, ()), rng, label, origins)
        whole = self.cache.get(sound)
        sounding = np.flatnonzero(whole)  # a stem is silent around its event
        if not len(sounding):
            raise UserError(f"{sound.path}: silent; it cannot enrol {sound.label!r}")
        whole = whole[sounding[0] : sounding[-1] + 1]
        start = int(rng.integers(max(0, len(whole) - self.longest) + 1))
        return whole[start : start + self.longest]


def another(sounds, rng, label: str, origins) -> Sound:
    """One of ``sounds`` that is of none of the original recordings ``origins``. Raises UserError without any."""
    others = [sound for sound in sounds if sound.source not in origins]
    if not others:
        raise UserError(f"class {label!r} has no second recording to enrol it with; add one, or leave it out")
    return others[rng.integers(len(others))]


def whole_recordings(sounds) -> tuple:
    """Active stretches -> one :class:`Sound` per recording, from its first onset to its last offset."""
    wholes = {}
    for sound in sounds:
        known = wholes.get(sound.path, sound)
        onset, offset = min(known.onset, sound.onset), max(known.offset, sound.offset)
        wholes[sound.path] = replace(known, onset=onset, offset=offset)
    return tuple(wholes.values())


def stretches(sound: Sound) -> list:
    """The active stretches of a recording, or of the part of it that ``sound`` names, as they are in a soundbank.

    Raises:
        UserError: it is silent there, or the file cannot be read.
    """
    every = ((max(s.onset, sound.onset), min(s.offset, sound.offset)) for s in active_sounds(sound.path, sound.label))
    found = [(onset, offset) for onset, offset in every if onset < offset]
    if not found:  # what is quiet beside the rest of the recording
        rate = audio.form(sound.path)[0]
        part = read_enrolment(sound.path, rate, BLOCK_SECONDS, sound.onset, sound.offset)
        inside = activity.stretches(*activity.levels_of(part, rate), rate, shortest=0.0)
        found = [(sound.onset + onset, sound.onset + offset) for onset, offset in inside]
    if not found:
        raise UserError(f"{sound.path}: silent from {sound.onset:g} s to {sound.offset:g} s")
    return [replace(sound, onset=onset, offset=offset) for onset, offset in found]


def read_enrolment(path, sample_rate: int, longest: float, onset: float = None, offset: float = None):
    """Yield a recording of any rate and length without the silence around its sound, in pieces of equal length.

    Args:
        longest: seconds of a piece at most. onset, offset: where the sound is, in seconds; by default what
            :mod:`sedsep.data.activity` finds.

    Yields:
        pieces ``(T',)`` at ``sample_rate``; memory does not grow with the recording.

    Raises:
        UserError: the file cannot be read, is silent, or ends before ``onset``.
    """
    if onset is None:
        sounds = active_sounds(Path(path), "")
        onset, offset = sounds[0].onset, sounds[-1].offset
    first, last = round(onset * sample_rate), max(round(offset * sample_rate), round(onset * sample_rate) + 1)
    count = -(-(last - first) // round(longest * sample_rate))
    ends = [first + (last - first) * (number + 1) // count for number in range(count)]
    held, at, begin = np.zeros(0, np.float32), 0, first  # held begins at the sample `at`, the next piece at `begin`
    for block in convert(mono(path), audio.form(path)[0], sample_rate):
        held = np.concatenate([held, block])
        while ends and at + len(held) >= ends[0]:
            yield held[begin - at : ends[0] - at]
            begin = ends.pop(0)
        if not ends:
            return
        gone = min(begin - at, len(held))
        held, at = held[gone:], at + gone
    if len(held) > begin - at:  # times have three digits, so that the last may lie behind the end
        yield held[begin - at :]
    elif begin == first:
        raise UserError(f"{path}: ends before {onset:g} s, where a sound is said to begin")


def pair(bank: Soundbank, clip_set: ClipSet, split: str = "test", seed: int = 2021) -> int:
    """Write ``enrolments.tsv`` of a set with stems: the same recordings for every model; returns its rows.

    Args:
        bank, split: where the recordings come from; the one in the mixture is never its own enrolment. A class
            without a second recording in the split is enrolled from any other.

    Raises:
        UserError: a class has no second recording, or the set has no stems.
    """
    pools, rows = [recordings(bank, (split,)), recordings(bank, SPLITS)], []
    for index, clip in enumerate(clip_set):
        if not clip.stems:
            raise UserError(f"{clip.path}: the set has no stems for this clip, so that nothing can be asked for")
        rng = np.random.default_rng([seed, index])
        origins = {}
        for stem in clip.stems:
            if stem.role == "foreground" and stem.label:
                origins.setdefault(stem.label, set()).add(stem.source)
        absent = [name for name in clip_set.classes if name not in origins and name in pools[1]]
        if absent:
            origins[absent[rng.integers(len(absent))]] = set()
        for label, sources in origins.items():
            enough = [pool for pool in pools if {s.source for s in pool.get(label, ())} - sources]
            sound = another((enough or pools)[0].get(label, ()), rng, label, sources)
            rows.append((clip.filename, label, sound.path, f"{sound.onset:.3f}", f"{sound.offset:.3f}"))
    write_table(clip_set.directory / PAIRS, pd.DataFrame(rows, columns=["filename", "event_label", *SPAN]))
    return len(rows)


def recordings(bank: Soundbank, splits) -> dict:
    """class -> one :class:`Sound` for each of its recordings in these splits."""
    found = {}
    for sound in bank.sounds:
        if sound.role == "foreground" and sound.split in splits:
            found.setdefault(sound.label, []).append(sound)
    return {label: whole_recordings(sounds) for label, sounds in found.items()}


def read_pairs(clip_set: ClipSet) -> dict:
    """filename -> [(class, path, onset, offset), ...] of a set's ``enrolments.tsv``, in the order of the set.

    Raises:
        UserError: the table is missing or broken, or names a clip or class that the set has not.
    """
    path = clip_set.directory / PAIRS
    if not path.is_file():
        raise UserError(f"{path}: no such file; it says what to extract; make it: sedsep pair BANK {path.parent}")
    table = read_table(path, ("filename", "event_label", *SPAN), numeric=("onset", "offset"))
    asked = {clip.filename: [] for clip in clip_set}
    for line, row in zip(table.index, table.itertuples(index=False)):
        clip_set.classes.index(row.event_label, f"{path}:{line}")
        if row.filename not in asked:
            raise UserError(f"{path}:{line}: clip {row.filename!r} is not in clips.tsv; run sedsep pair again")
        asked[row.filename].append((row.event_label, row.path, row.onset, row.offset))
    return asked


def draw_shots(bank: Soundbank, out, classes, count: int, split: str = "train", seed: int = 2021) -> None:
    """Write a table of ``count`` recordings of each class, in random order.

    Raises:
        UserError: a class is unknown or has too few recordings in the split.
    """
    every, rows = recordings(bank, (split,)), []
    for label in classes:
        bank.classes.index(label)
        found = every.get(label, ())
        if len(found) < count:
            there = f"{len(found)} recordings of {label!r} in split {split!r}"
            raise UserError(f"{bank.directory}: {there}, not {count}; add some, or ask for fewer")
        rng = np.random.default_rng([seed, bank.classes.index(label)])
        for index in rng.permutation(len(found))[:count]:
            sound = found[index]
            rows.append((label, sound.path, f"{sound.onset:.3f}", f"{sound.offset:.3f}"))
    write_table(out, pd.DataFrame(rows, columns=["event_label", *SPAN]))


def read_shots(path) -> dict:
    """class -> [:class:`Sound`, ...] of a table of shots, in its order. Raises UserError for a broken table."""
    table = read_table(path, ("event_label", *SPAN), numeric=("onset", "offset"))
    shots = {}
    for row in table.itertuples(index=False):
        sound = Sound(Path(row.path), row.event_label, "foreground", row.onset, row.offset, "train", row.path)
        shots.setdefault(row.event_label, []).append(sound)
    return shots
