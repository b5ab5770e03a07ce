"""Folds: a bank in which other recordings of some classes are the test split, so that in turn each is tested once.

For classes of few recordings, of which one split would test a handful (cross-validation). Where the collection says
which fold a recording is in, that one counts; else originals are dealt to folds.
"""

import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from sedsep.data.soundbank import Soundbank
from sedsep.errors import UserError
from sedsep.names import natural


def held_out(bank: Soundbank, directory, classes, number: int, count: int, seed: int = 2021) -> Soundbank:
    """A bank in whose ``test`` split is fold ``number`` of these classes, and in ``train`` all others of them.

    Other classes and backgrounds stay where they are. What shares an original recording with sounds of these that are
    in another split is left out, so that no recording is on both sides.

    Args:
        directory: of the new bank. classes: that are divided. number: of the fold, from 1 to ``count``.
        seed: of the deal, where there are no published folds.

    Raises:
        UserError: no such fold or class, or a class has too few originals or published folds for so many.
    """
    if not 1 <= number <= count or count < 2:
        raise UserError(
            f"fold {number} of {count}: expected a number from 1 to the count of folds, which is at least 2"
        )
    for name in classes:
        bank.classes.index(name, f"{bank.directory / 'classes.txt'}")
    divided = [sound for sound in bank.sounds if sound.role == "foreground" and sound.label in classes]
    fold = _folds(bank, divided, classes, count, seed)
    elsewhere = {}
    for sound in bank.sounds:
        if sound.role != "foreground" or sound.label not in classes:
            elsewhere.setdefault(sound.source, set()).add(sound.split)
    sounds = []
    for sound in bank.sounds:
        if sound.role == "foreground" and sound.label in classes:
            split = "test" if fold[sound.source] == number else "train"
            if elsewhere.get(sound.source, {split}) != {split}:
                continue
            sound = replace(sound, split=split)
        sounds.append(sound)
    lacking = [name for name in classes if not any(s.label == name and s.split == "test" for s in sounds)]
    if lacking:
        raise UserError(f"{bank.directory}: nothing of {', '.join(lacking)} in fold {number} of {count}; ask for fewer")
    return Soundbank(Path(directory), bank.classes, tuple(sounds))


def _folds(bank, sounds, classes, count, seed) -> dict:
    """source -> number of its fold, from 1."""
    published = {sound.source: sound.fold for sound in sounds if sound.fold}
    names = sorted(set(published.values()), key=natural)
    if published and len(names) < count:
        raise UserError(f"{bank.directory}: has {len(names)} folds ({', '.join(names)}), not {count}; ask for as many")
    fold = {source: names.index(name) % count + 1 for source, name in published.items()}
    for label in classes:
        sources = sorted({sound.source for sound in sounds if sound.label == label})
        if len(sources) < count:
            raise UserError(
                f"{bank.directory}: {len(sources)} originals of {label!r} make no {count} folds; ask for fewer"
            )
        rng = np.random.default_rng([seed, zlib.crc32(label.encode())])
        held = dict.fromkeys(range(1, count + 1), 0)
        for source in sources:
            if source in fold:
                held[fold[source]] += 1
        for source in rng.permutation(sources).tolist():
            if source not in fold:
                fold[source] = min(held, key=held.get)
                held[fold[source]] += 1
    return fold
