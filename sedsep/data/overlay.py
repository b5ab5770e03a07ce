"""Overlay: the clips of one set with those of another set laid over them, whose sounds become sounds without labels.

Source: the DCASE 2020 task 4 separation baseline, which is trained on soundscapes of DESED with mixtures of FUSS over
them (spec 03, E3). Which clip lies over which is drawn once, from the seed.
"""

from pathlib import Path

import numpy as np

from sedsep import progress
from sedsep.data import audio
from sedsep.data.manifest import Clip, ClipSet, write_set
from sedsep.data.tables import Stem
from sedsep.errors import UserError
from sedsep.files import clip_id, writing_directory


def overlay(directory, other, out, seed: int = 0) -> int:
    """Write a set of sums, whole or not at all; labels and classes are those of ``directory``.

    Of the other clip all sounds, the background too, are one stem without a label. A clip is as long as that of
    ``directory``: the other one is cut, or silence follows it.

    Returns:
        how many clips there are.

    Raises:
        UserError: a set cannot be read or has no clips, the first has no stems, or the rates differ.
    """
    base, over = ClipSet.read(directory), ClipSet.read(other)
    for one in (base, over):
        if not len(one):
            raise UserError(f"{one.directory}: no clips")
    lacking = next((clip for clip in base if not clip.stems or any(s.path is None for s in clip.stems)), None)
    if lacking:
        raise UserError(f"{lacking.path}: the set has no stems for this clip, of which the sum is to have one more")
    order = np.random.default_rng(seed).permutation(len(over))
    with (
        writing_directory(Path(out), "an overlaid set") as temporary,
        progress.bar(len(base), "clip", "overlay") as bar,
    ):
        clips = []
        for index, clip in enumerate(base):
            clips.append(_clip(clip, over.clips[order[index % len(over)]], temporary))
            bar.update()
        write_set(temporary, base.classes, clips)
    return len(clips)


def _clip(clip: Clip, over: Clip, directory: Path) -> Clip:
    """One sum, written."""
    rate, _ = audio.form(clip.path)
    name = clip_id(clip.filename)
    waveform, added = audio.read(clip.path, rate), audio.read(over.path, rate)
    added = np.pad(added[: len(waveform)], (0, max(0, len(waveform) - len(added))))
    path = directory / "audio" / f"{name}.wav"
    stems = []
    for number, stem in enumerate(clip.stems):
        place = directory / "stems" / name / f"{number}_{stem.label or stem.role}.wav"
        audio.write(place, audio.read(stem.path, rate), rate)
        stems.append(Stem(place, stem.label, stem.role, stem.source))
    place = directory / "stems" / name / f"{len(stems)}_other.wav"
    audio.write(place, added, rate)
    audio.write(path, waveform + added, rate)
    stems.append(Stem(place, "", "foreground", clip_id(over.filename)))
    return Clip(path.name, path, clip.duration, clip.strong, clip.weak, tuple(stems), clip.domain)
