"""Gather: what a corpus lists, and the folder that should hold it -> a set, and a list of what is missing.

Recordings that are mono at the set's rate are used where they lie; others are converted into the set. The folder of
the user's recordings is never written to.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from sedsep import progress
from sedsep.data import audio
from sedsep.data.corpora.folder import Folder
from sedsep.data.corpora.listings import Entry
from sedsep.data.manifest import Clip, ClipSet, write_set
from sedsep.data.missing import write_missing
from sedsep.data.parallel import over
from sedsep.data.repair import LOG, LOG_COLUMNS, mended
from sedsep.data.tables import Stem
from sedsep.data.validate import SHORTEST, SILENCE
from sedsep.errors import UserError
from sedsep.files import clip_id, write_table
from sedsep.labels import Classes


def gather(out, folders, entries, classes: Classes, sample_rate, domain="real", seconds=10.0, faults=(), workers=1):
    """Write the set ``out``; audio that was converted by an earlier run is kept, and a set that stays the same.

    Args:
        folders: where the recordings are, searched in order. entries: :class:`sedsep.data.corpora.listings.Entry` s.
        sample_rate: of the set, Hz. domain: "real" or "synthetic". seconds: of clips that are spans of recordings.
        faults: of the list, for the log.

    Returns:
        ``{"listed": n, "clips": n, "missing": [(filename, reason), ...]}``.

    Raises:
        UserError: a folder does not exist, not a single clip can be used, or the disk is full.
    """
    out = Path(out)
    taker = Taker(tuple(_placed(folders, entries)), out.absolute(), sample_rate, domain, seconds)
    taken = [None] * len(entries)
    with progress.bar(len(entries), "clip", f"gather {out.name}") as bar:
        for index, found in over(taker, len(entries), workers):
            taken[index] = found
            bar.update()
    clips = [found for found in taken if isinstance(found, Clip)]
    missing = [(e.filename, found) for e, found in zip(entries, taken) if not isinstance(found, Clip)]
    if not clips:
        where = ", ".join(map(str, folders))
        raise UserError(f"{where}: none of the {len(entries)} clips can be used; the first: {': '.join(missing[0])}")
    if _unchanged(out, classes, clips, missing):
        return {"listed": len(entries), "clips": len(clips), "missing": missing}
    log = [(str(fault.file), fault.line or "", fault.what, fault.fix) for fault in faults]
    for entry, clip in zip(entries, taken):
        if isinstance(clip, Clip) and _changed(entry.strong or (), clip.strong or ()):
            what = f"{entry.filename}: events that overlap in a class, or end after the clip"
            log.append((str(out / "strong.tsv"), "", what, "merged or cut"))
    write_table(out / LOG, pd.DataFrame(log, columns=LOG_COLUMNS))
    write_missing(out, missing)
    write_set(out, classes, clips)
    return {"listed": len(entries), "clips": len(clips), "missing": missing}


def _unchanged(out, classes, clips, missing) -> bool:
    """Whether the set is there already, so that what was made from it is not made again."""
    try:
        found = ClipSet.read(out)
    except UserError:
        return False
    alike = [replace(clip, duration=round(clip.duration, 6)) for clip in clips]
    there = [replace(clip, duration=round(clip.duration, 6)) for clip in found]
    return (found.classes, there, list(found.missing)) == (classes, alike, missing)


def _changed(before, after) -> bool:
    """Whether events are others than they were, by more than the rounding to milliseconds."""
    pairs = zip(sorted(before), sorted(after))
    return len(before) != len(after) or any(abs(a - b) > 1e-3 for one, two in pairs for a, b in zip(one[:2], two[:2]))


def _placed(folders, entries):
    """Entries with the paths of their recordings, or None for one that is in no folder."""
    folders = [Folder(folder) for folder in folders]

    def find(place):
        return next((path for path in (folder.find(place) for folder in folders) if path), None)

    for entry in entries:
        yield entry._replace(place=find(entry.place)), tuple((place, find(place)) for place in entry.stems or ())


@dataclass(frozen=True)
class Taker:
    """Takes clips into a set: a range of indices -> ``(index, Clip)``, or the reason why it cannot be used."""

    placed: tuple
    out: Path
    sample_rate: int
    domain: str
    seconds: float

    def __call__(self, indices):
        for index in indices:
            try:
                yield index, self.take(*self.placed[index])
            except Unusable as error:
                yield index, str(error)

    def take(self, entry: Entry, stems: tuple) -> Clip:
        """One clip. Raises Unusable, or UserError where the disk is full."""
        name = clip_id(entry.filename)
        if entry.place is None:
            raise Unusable("not there")
        lacking = [place for place, path in stems if path is None]
        if lacking:
            raise Unusable(f"source not there: {lacking[0]}")
        path, waveform = self._sound(entry.place, self.out / "audio" / f"{name}.wav", entry.span)
        duration = len(waveform) / self.sample_rate
        if duration < SHORTEST:
            raise Unusable(f"too short: {duration:.3f} s")
        if entry.strong != () and np.abs(waveform).max() < SILENCE:
            raise Unusable("silent")
        sources = []
        for place, original in stems:
            part, sound = self._sound(original, self.out / "stems" / name / f"{len(sources)}.wav")
            if len(sound) != len(waveform):
                raise Unusable(f"source of another length: {place}")
            sources.append(Stem(part, "", "background" if "background" in Path(place).name else "foreground", ""))
        return Clip(
            entry.filename, path, duration, None if entry.strong is None else mended(entry.strong, duration),
            entry.weak, None if entry.stems is None else tuple(sources), self.domain,
        )  # fmt: skip

    def _sound(self, original: Path, converted: Path, span=None) -> tuple:
        """Where the samples are that the set uses, and the samples ``(T,)``."""
        try:
            if span is None and audio.form(original) == (self.sample_rate, 1):
                return original.absolute(), audio.read(original, self.sample_rate)
            if self._serves(converted, original):
                return converted, audio.read(converted, self.sample_rate)
            waveform = audio.read(original, self.sample_rate, convert=True)
        except UserError as error:
            raise Unusable(f"unreadable: {str(error).removeprefix(f'{original}: ')}") from None
        waveform = waveform if span is None else self._cut(waveform, span)
        audio.write(converted, waveform, self.sample_rate, "PCM_16")
        return converted, waveform

    def _serves(self, converted, original) -> bool:
        """Whether an earlier run has converted the recording as it is now, to the rate of the set."""
        if not converted.is_file() or converted.stat().st_mtime < original.stat().st_mtime:
            return False
        return audio.form(converted)[0] == self.sample_rate

    def _cut(self, waveform, span):
        """The span in a clip of the set's length, with silence before and after."""
        first, last, at = (round(value * self.sample_rate) for value in span)
        n_samples = round(self.seconds * self.sample_rate)
        if first >= len(waveform) or at >= n_samples:
            raise Unusable("too short: the recording ends before the part")
        found = waveform[first:last][: n_samples - at]
        return np.pad(found, (at, n_samples - at - len(found)))


class Unusable(Exception):
    """Why a clip cannot be taken: a kind of reason, and after a colon the details."""
