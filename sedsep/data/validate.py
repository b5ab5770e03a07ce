"""Validation: everything that can be wrong in sets of clips, each fault with its file, line and cure.

Mixtures and stems are read to the last sample. Clipped samples are no fault: many real recordings have them. Sets
are of different splits unless their ``simulation.yaml`` names one split for both; different splits share no clip and
no original recording (``source`` in ``stems.tsv``).
"""

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sedsep import config, progress
from sedsep.data import audio
from sedsep.data.manifest import ClipSet, Lines, parse
from sedsep.data.tables import Fault, first_lines
from sedsep.errors import UserError
from sedsep.files import clip_id

TOLERANCE = 0.01  # seconds that tables may be off: the field's are rounded to hundredths
SHORTEST = 0.064  # seconds: one frame of labels and scores
ADDS_UP = 1e-3  # of full scale: some stems of 16 bits, each rounded, still do
SILENCE = 1e-5  # -100 dB of full scale: below half a step of 16 bits
MILLISECOND = 1e-3  # the grid of label tables


@dataclass(frozen=True)
class Heard:
    """What an audio file holds: its header and loudest sample; or why it cannot be used."""

    header: audio.AudioInfo = None
    peak: float = 0.0
    problem: str = ""

    def seconds(self) -> float:
        """Length of a usable file."""
        return self.header.n_samples / self.header.sample_rate


@dataclass(frozen=True)
class Checked:
    """A set and all that is wrong with it.

    ``clip_set`` holds what its tables say, ``heard`` maps filenames to :class:`Heard`, ``stems`` are the paths of
    the stems that fit their mixture, ``unusable`` the filenames that a repaired copy leaves out.
    """

    clip_set: ClipSet
    lines: Lines
    faults: list
    sample_rate: int
    heard: dict
    stems: set
    unusable: set


def check(directory, sample_rate: int = None) -> Checked:
    """Check one set.

    Args:
        sample_rate: what the set is to have, Hz; None: the rate that most of its files have.

    Raises:
        UserError: a table that everything rests on is missing or cannot be parsed.
    """
    clip_set, faults, lines = parse(directory)
    heard, stems, differences = _listen(clip_set)
    rates = Counter(h.header.sample_rate for h in heard.values() if h.header)
    sample_rate = sample_rate or (rates.most_common(1)[0][0] if rates else 0)
    checked = Checked(clip_set, lines, faults, sample_rate, heard, set(), set())
    duration_lines = first_lines(clip_set.directory / "durations.tsv")
    ids = {}
    for clip in clip_set:
        _check_name(clip, ids, checked)
        _check_audio(clip, checked)
        if heard[clip.filename].header:
            _check_duration(clip, duration_lines.get(clip.filename), checked)
            _check_events(clip, checked)
            _check_stems(clip, stems, differences[clip.filename], checked)
    return checked


def faults(directories, sample_rate: int = None):
    """Check sets, each by itself and together; one that is named twice, or is a link to another, once.

    Returns:
        ``([Fault, ...], [Checked, ...])``: all that is wrong, and the sets that could be read.
    """
    found, sets, seen = [], [], set()
    for directory in directories:
        if Path(directory).resolve() in seen:
            continue
        seen.add(Path(directory).resolve())
        try:
            sets.append(check(directory, sample_rate))
            found += sets[-1].faults
        except UserError as error:
            place, _, what = str(error).partition(": ")
            found.append(Fault(Path(place), 0, what, ""))
    return found + _shared_clips(sets) + _shared_sources(sets), sets


def summary(checked: Checked) -> str:
    """One line about a set."""
    clip_set, seconds = checked.clip_set, sum(h.seconds() for h in checked.heard.values() if h.header)
    known = [kind for kind in ("strong", "weak", "stems") if any(getattr(c, kind) is not None for c in clip_set)]
    return (
        f"{clip_set.directory}: {len(clip_set)} clips, {seconds:.0f} s at {checked.sample_rate} Hz, "
        f"{len(clip_set.classes)} classes; known: {', '.join(known) or 'no labels'}"
    )


def _listen(clip_set: ClipSet):
    """filename -> :class:`Heard` of each mixture; path -> ``Heard`` of each stem; filename -> how far they differ."""
    heard, stems, differences = {}, {}, {}
    with (
        ThreadPoolExecutor(os.cpu_count()) as pool,
        progress.bar(len(clip_set), "clip", f"validate {clip_set.directory.name}") as bar,
    ):
        for clip, (mixture, of_stems, difference) in zip(clip_set, pool.map(_hear_clip, clip_set)):
            heard[clip.filename], differences[clip.filename] = mixture, difference
            stems.update(of_stems)
            bar.update()
    return heard, stems, differences


def _hear_clip(clip):
    """Mixture and stems of a clip, and the largest sample by which they differ, where all of it is there."""
    heard, mixture = _hear(clip.path)
    found = {stem.path: _hear(stem.path) for stem in clip.stems or () if stem.path}
    difference, waveforms = 0.0, [waveform for _, waveform in found.values()]
    roles = [stem.role for stem in clip.stems or ()]
    whole = len(found) == len(roles) and "background" in roles and mixture is not None
    if whole and all(waveform is not None and len(waveform) == len(mixture) for waveform in waveforms):
        difference = float(np.abs(sum(waveforms) - mixture).max())
    return heard, {path: stem for path, (stem, _) in found.items()}, difference


def _hear(path):
    """:class:`Heard`, and the samples ``(T,)`` or None."""
    try:
        header = audio.info(path)
        samples = audio.read(path, header.sample_rate, convert=True)
    except UserError as error:
        return Heard(problem=str(error)), None
    return Heard(header, float(np.abs(samples).max())), samples


def _note(checked, table, line, what, cure, fix):
    checked.faults.append(Fault(checked.clip_set.directory / table, line or 0, what, cure, fix))


def _check_name(clip, ids, checked):
    """A clip's id names its score table, so it is unique and no path."""
    line, identity = checked.lines.clips[clip.filename], clip_id(clip.filename)
    if "/" in clip.filename:
        what, cure = f"filename {clip.filename!r} is a path", "give the bare name; its place is column path"
        checked.unusable.add(clip.filename)
        _note(checked, "clips.tsv", line, what, cure, "clip left out")
    elif identity in ids:
        what = f"filename {clip.filename!r} has the same id as {ids[identity]!r}"
        checked.unusable.add(clip.filename)
        _note(checked, "clips.tsv", line, what, "rename one of them", "clip left out")
    ids.setdefault(identity, clip.filename)


def _check_audio(clip, checked):
    heard, line = checked.heard[clip.filename], checked.lines.clips[clip.filename]
    if not heard.header:
        # The message ends with its own cure.
        checked.unusable.add(clip.filename)
        _note(checked, "clips.tsv", line, heard.problem, "", "clip left out")
        return
    rate, n_channels, wrong = heard.header.sample_rate, heard.header.n_channels, heard.header.wrong
    if wrong:
        cure = "--fix writes the header anew"
        _note(checked, "clips.tsv", line, f"{clip.path}: {wrong}", cure, "header written anew")
    if (rate, n_channels) != (checked.sample_rate, 1):
        what = f"{clip.path}: {rate} Hz with {n_channels} channel{'s' * (n_channels > 1)}"
        cure = f"expected mono at {checked.sample_rate} Hz; --fix converts it"
        _note(checked, "clips.tsv", line, what, cure, f"converted to mono at {checked.sample_rate} Hz")
    if heard.seconds() < SHORTEST:
        what = f"{clip.path}: {heard.seconds():.3f} s is shorter than one frame ({SHORTEST:g} s)"
        checked.unusable.add(clip.filename)
        _note(checked, "clips.tsv", line, what, "remove the clip", "clip left out")
    elif heard.peak < SILENCE and clip.strong != ():
        what = f"{clip.path}: silent, but not labelled as a clip without events"
        checked.unusable.add(clip.filename)
        _note(checked, "clips.tsv", line, what, "replace the file or remove the clip", "clip left out")


def _check_duration(clip, line, checked):
    seconds = checked.heard[clip.filename].seconds()
    if abs(clip.duration - seconds) > TOLERANCE:
        what = f"duration {clip.duration:g} s of {clip.filename!r}, whose audio has {seconds:.3f} s"
        _note(checked, "durations.tsv", line, what, "correct it, or delete the table", f"set to {seconds:.3f}")


def _check_events(clip, checked):
    """Events lie inside the clip, last a millisecond, and do not overlap within a class."""
    seconds = checked.heard[clip.filename].seconds()
    lines = checked.lines.strong.get(clip.filename, ())
    until = {}
    for line, (onset, offset, label) in sorted(zip(lines, clip.strong or ()), key=lambda pair: pair[1]):
        place = f"of {clip.filename!r} ({seconds:.3f} s)"
        if onset >= seconds:
            what = f"onset {onset:g} s is after the end {place}"
            _note(checked, "strong.tsv", line, what, "remove the event", "event left out")
            continue
        if offset > seconds + TOLERANCE:
            what = f"offset {offset:g} s is after the end {place}"
            _note(checked, "strong.tsv", line, what, "cut the event", f"offset set to {seconds:.3f}")
        if round(min(offset, seconds) - onset, 6) < MILLISECOND:
            what = f"the event lasts less than a millisecond ({onset:g} to {offset:g} s)"
            _note(checked, "strong.tsv", line, what, "remove it", "event left out")
            continue
        last, last_line = until.get(label, (0.0, 0))
        if onset < last:
            what = f"{label} from {onset:g} s overlaps {label} of line {last_line} until {last:g} s"
            _note(checked, "strong.tsv", line, what, "merge the two", f"merged with line {last_line}")
        until[label] = max((offset, line), (last, last_line))


def _check_stems(clip, stems, difference, checked):
    """Stems can be read, are as their mixture (rate, channels, length), and add up to it."""
    mixture = checked.heard[clip.filename].header
    lines = checked.lines.stems.get(clip.filename, ())
    if clip.stems == ():
        checked.unusable.add(clip.filename)
    for line, stem in zip(lines, clip.stems or ()):
        if stem.path is None:
            continue
        header = stems[stem.path].header
        if header is None:
            _note(checked, "stems.tsv", line, stems[stem.path].problem, "", "path left empty")
        elif header[:3] != mixture[:3]:
            what = f"{stem.path}: {_form(header)}; its mixture has {_form(mixture)}"
            _note(checked, "stems.tsv", line, what, "replace it, or leave path empty", "path left empty")
        elif header.wrong:
            cure, fix = "--fix writes the header anew", "header written anew"
            _note(checked, "stems.tsv", line, f"{stem.path}: {header.wrong}", cure, fix)
        if header and header[:3] == mixture[:3] and difference <= ADDS_UP:
            checked.stems.add(stem.path)
    if difference > ADDS_UP:
        what = f"the stems of {clip.filename!r} do not add up to it: they miss it by {difference:.3g} of full scale"
        cure = "replace what is wrong, or leave the paths empty"
        _note(checked, "stems.tsv", min(lines), what, cure, "paths left empty")


def _form(header) -> str:
    return f"{header.n_samples} samples, {header.n_channels} channel(s), {header.sample_rate} Hz"


def _shared_clips(sets) -> list:
    """A clip belongs to one set."""
    found, owner = [], {}
    for checked in sets:
        directory = checked.clip_set.directory
        for clip in checked.clip_set:
            other = owner.setdefault(clip_id(clip.filename), directory)
            if other != directory:
                line = checked.lines.clips[clip.filename]
                what = f"clip {clip.filename!r} is also in {other}"
                found.append(Fault(directory / "clips.tsv", line, what, "keep it in one of the sets"))
    return found


def _shared_sources(sets) -> list:
    """An original recording is heard in one split only."""
    found, owner = [], {}
    for checked in sets:
        directory, seen = checked.clip_set.directory, set()
        split = _split(directory)
        for clip in checked.clip_set:
            for line, stem in zip(checked.lines.stems.get(clip.filename, ()), clip.stems or ()):
                other_split, other = owner.setdefault(stem.source, (split, directory))
                if stem.source and other_split != split and stem.source not in seen:
                    seen.add(stem.source)
                    what = f"source {stem.source!r} is also in {other}, which is of another split"
                    found.append(Fault(directory / "stems.tsv", line, what, "keep it in one of the splits"))
    return found


def _split(directory) -> str:
    """The split that a simulated set was drawn from; any other set is a split of its own."""
    path = directory / "simulation.yaml"
    return config.read(path).get("split", str(directory)) if path.is_file() else str(directory)
