"""Repair: a copy of a set without its faults, and ``fixes.tsv``, a log of each change.

What can be mended is (rates, channels, events, durations); clips that cannot be used are left out. Nothing is
guessed: an unknown label is dropped, not replaced by its neighbour.
"""

import shutil
from pathlib import Path

import pandas as pd

from sedsep import progress
from sedsep.data import audio
from sedsep.data.manifest import Clip, write_set
from sedsep.data.missing import TABLE
from sedsep.data.tables import Stem
from sedsep.data.validate import MILLISECOND, TOLERANCE, Checked, check
from sedsep.errors import UserError
from sedsep.files import clip_id, write_table, writing_directory

LOG = "fixes.tsv"
LOG_COLUMNS = ["file", "line", "what", "done"]


def repair(directory, out, sample_rate: int = None) -> dict:
    """Write a repaired copy of a set, whole or not at all.

    Args:
        sample_rate: of the copy, Hz; None: the rate that most of the set's files have.

    Returns:
        ``{"clips": n, "left_out": n, "changes": rows of the log}``.

    Raises:
        UserError: the set cannot be read, no clip is usable, ``out`` would replace something that is no repaired
            copy, or the disk is full.
    """
    directory, out = Path(directory), Path(out)
    if directory.resolve().is_relative_to(out.resolve()):
        raise UserError(f"{out}: holds the set itself; write the repaired copy elsewhere")
    checked = check(directory, sample_rate)
    usable = [clip for clip in checked.clip_set if clip.filename not in checked.unusable]
    if not usable:
        raise UserError(f"{directory}: no clip can be used; 'sedsep validate {directory}' says why")
    log = [(str(fault.file), fault.line or "", fault.what, fault.fix) for fault in checked.faults]
    written = writing_directory(out, "a repaired set")
    with written as temporary, progress.bar(len(usable), "clip", f"repair {directory.name}") as bar:
        clips = []
        for clip in usable:
            clips.append(_clip(clip, checked, temporary))
            bar.update()
        write_set(temporary, checked.clip_set.classes, clips)
        write_table(temporary / LOG, pd.DataFrame(log, columns=LOG_COLUMNS))
        for name in ("simulation.yaml", TABLE):
            if (directory / name).is_file():
                shutil.copyfile(directory / name, temporary / name)
    return {"clips": len(clips), "left_out": len(checked.lines.clips) - len(clips), "changes": len(log)}


def mended(events, seconds: float) -> tuple:
    """Events ``[(onset, offset, label), ...]`` of a clip of ``seconds``: inside it, on the grid of milliseconds.

    Those of one class that overlap become one; of those that end after the clip, the rest is cut.

    >>> mended([(0.5, 2.0, "Dog"), (0.1, 0.6, "Dog"), (0.2, 0.3, "Cat"), (1.5, 1.8, "Cat")], 1.0)
    ((0.1, 1.0, 'Dog'), (0.2, 0.3, 'Cat'))
    """
    merged = []
    for onset, offset, label in sorted(events):
        offset = seconds if offset > seconds + TOLERANCE else offset
        if round(min(offset, seconds) - onset, 6) < MILLISECOND:
            continue
        last = next((m for m in reversed(merged) if m[2] == label), None)
        if last and onset < last[1]:
            last[1] = max(last[1], offset)
        else:
            merged.append([onset, offset, label])
    return tuple((round(onset, 3), round(offset, 3), label) for onset, offset, label in merged)


def _clip(clip: Clip, checked: Checked, out: Path) -> Clip:
    """A repaired clip, its audio copied or converted into ``out``."""
    heard = checked.heard[clip.filename]
    path = _place(clip.path, out / "audio" / clip_id(clip.filename), checked.sample_rate)
    written = audio.info(path)
    strong = None if clip.strong is None else mended(clip.strong, heard.seconds())
    stems = None if clip.stems is None else _stems(clip, checked, out / "stems" / clip_id(clip.filename))
    seconds = written.n_samples / written.sample_rate
    return Clip(clip.filename, path, seconds, strong, clip.weak, stems, clip.domain)


def _stems(clip: Clip, checked: Checked, folder: Path) -> tuple:
    """The clip's stems; those whose audio is missing, broken or unlike the mixture's stay without audio."""
    stems = []
    for number, stem in enumerate(clip.stems):
        path = None
        if stem.path in checked.stems:
            target = folder / f"{number}_{stem.label or stem.role}"
            path = _place(stem.path, target, checked.sample_rate)
        stems.append(Stem(path, stem.label, stem.role, stem.source))
    return tuple(stems)


def _place(source: Path, target: Path, sample_rate: int) -> Path:
    """Copy an audio file to ``target`` with its extension, or convert it to a mono wav file there."""
    header = audio.info(source)
    if header.wrong or (header.sample_rate, header.n_channels) != (sample_rate, 1):
        target = target.with_name(f"{target.name}.wav")
        audio.write(target, audio.read(source, sample_rate, convert=True), sample_rate)
        return target
    target = target.with_name(target.name + source.suffix.lower())
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    return target
