"""Decode: a model and clips -> score tables, and the separated sources as audio on request."""

from dataclasses import dataclass
from pathlib import Path

from sedsep import progress
from sedsep.apply.model import Model
from sedsep.data import audio
from sedsep.data.manifest import ClipSet
from sedsep.errors import UserError
from sedsep.files import clip_id, writing_directory
from sedsep.scores.directory import KIND, ClipScores, ScoreSet


@dataclass(frozen=True)
class Recording:
    """What is to be decoded. ``convert``: a person's own file may have any rate and any number of channels."""

    id: str
    path: Path
    convert: bool


def recordings(data=None, files=()) -> list:
    """The clips of a data directory and loose audio files. Raises UserError where two have the same id."""
    found = [Recording(clip_id(c.filename), c.path, False) for c in (ClipSet.read(data) if data else ())]
    found += [Recording(clip_id(Path(f).name), Path(f), True) for f in files]
    if not found:
        raise UserError("nothing to decode: give --data DIR or audio files")
    ids = set()
    for recording in found:
        if recording.id in ids:
            raise UserError(f"{recording.path}: a second recording with the id {recording.id!r}; rename one of them")
        ids.add(recording.id)
    return found


def decode(model: Model, found: list, out, sources=False, batch=8) -> Path:
    """Run a model over recordings and write the score directory ``out``, whole or not at all.

    Args:
        found: :class:`Recording` s. sources: also write ``separated/<id>/source<k>.wav``.
        batch: recordings of equal length at a time.

    Raises:
        UserError: audio cannot be read or is shorter than a frame, or the model neither detects nor separates.
    """
    if not (model.detects or model.separates):
        model.must("detects", "decode clips; sedsep extract and decode-tse are for it")
    if sources:
        model.must("separates", "write sources: drop --sources, or give a separator or a joint model")
    clips, weak = {}, {}
    with writing_directory(out, KIND) as directory, progress.bar(len(found), "clip", "decode") as bar:
        for group in _groups(model, found, batch):
            waveforms = model.padded([waveform for _, waveform in group])
            if model.detects:
                for (recording, waveform), strong, tags in zip(group, *model.scores(waveforms)):
                    detected = model.detected(strong, tags, len(waveform))
                    clips[recording.id] = ClipScores(detected.boundaries, detected.strong)
                    weak[recording.id] = tags
            if sources or not model.detects:
                for (recording, waveform), slots in zip(group, model.sources(waveforms)):
                    for slot, source in enumerate(slots):
                        path = directory / "separated" / recording.id / f"source{slot}.wav"
                        audio.write(path, source[: len(waveform)], model.sample_rate)
            bar.update(len(group))
        if model.detects:
            info = {
                "model": model.kind,
                "variant": model.variant,
                "frame_seconds": model.system.grid.frame_seconds,
                "model_steps": model.smoothing,
            }
            ScoreSet(tuple(model.classes), clips, weak, info).write_into(directory)
    return Path(out)


def _groups(model, found, batch):
    """Recordings ``(recording, waveform (T',))`` in lists of at most ``batch`` of one padded length."""
    least, group, length = round(model.seconds * model.sample_rate), [], 0
    for recording in found:
        waveform = audio.read(recording.path, model.sample_rate, recording.convert)
        try:
            model.check_length(len(waveform))
        except UserError as error:
            raise UserError(f"{recording.path}: {error}") from None
        if group and (len(group) == batch or length != max(least, len(waveform))):
            yield group
            group = []
        group.append((recording, waveform))
        length = max(least, len(waveform))
    if group:
        yield group
