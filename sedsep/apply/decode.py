"""Decode: a model and clips -> score tables, and the separated sources as audio on request."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from sedsep import progress
from sedsep.data import audio
from sedsep.data.manifest import ClipSet
from sedsep.engine import checkpoint
from sedsep.errors import UserError
from sedsep.scores.directory import KIND, ClipScores, ScoreSet
from sedsep.files import clip_id, writing_directory

# A longer recording is detected in overlapping windows, so that memory does not grow with it.
LONGEST_WHOLE = 60.0


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


def load(model=None, separator=None, detector=None, device="cpu"):
    """A model file, or the joint system of a separator and a detector (S0)."""
    if model:
        return checkpoint.load_model(model, device)
    return checkpoint.assemble(separator, detector, device)


@torch.no_grad()
def decode(system, description: dict, found: list, out, variant=None, sources=False, batch=8) -> Path:
    """Run ``system`` over recordings and write the score directory ``out``, whole or not at all.

    Args:
        system, description: as :func:`load` gives them. found: :class:`Recording` s.
        variant: "student", "teacher" or "separator"; None takes the one that the model file was kept for.
        sources: also write ``separated/<id>/source<k>.wav``. batch: recordings of equal length at a time.

    Raises:
        UserError: audio cannot be read or is shorter than a frame, or the model has no such variant.
    """
    variant = variant or description["selected"]
    if variant not in system.variants:
        raise UserError(f"the model has no variant {variant!r}; it has: {', '.join(system.variants)}")
    if sources and not hasattr(system, "separate"):
        raise UserError("the model does not separate; drop --sources, or give a separator or a joint model")
    detects = system.grid is not None
    clips, weak = {}, {}
    with writing_directory(out, KIND) as directory, progress.bar(len(found), "clip", "decode") as bar:
        for group in _groups(system, description["seconds"], found, batch):
            waveforms = torch.from_numpy(np.stack([padded for _, padded, _ in group]))
            if detects:
                strong, tags = _detect(system, variant, waveforms, description["seconds"])
                for (recording, _, n_samples), frames, tag in zip(group, strong, tags):
                    clips[recording.id] = _clip_scores(system, frames, n_samples)
                    weak[recording.id] = tag
            if sources or not detects:
                estimates = system.separate(waveforms, variant).numpy()
                for (recording, _, n_samples), slots in zip(group, estimates):
                    for slot, waveform in enumerate(slots):
                        path = directory / "separated" / recording.id / f"source{slot}.wav"
                        audio.write(path, waveform[:n_samples], system.sample_rate)
            bar.update(len(group))
        if detects:
            info = {
                "model": description["system"],
                "variant": variant,
                "frame_seconds": system.grid.frame_seconds,
                "model_steps": description["postprocess"],
            }
            ScoreSet(tuple(system.classes), clips, weak, info).write_into(directory)
    return Path(out)


def _groups(system, seconds, found, batch):
    """Recordings in lists of at most ``batch`` with one padded length: ``(recording, padded, n_samples)``."""
    shortest = system.grid.hop * system.grid.pool if system.grid else 2
    group = []
    for recording in found:
        waveform = audio.read(recording.path, system.sample_rate, recording.convert)
        if len(waveform) < shortest:
            raise UserError(f"{recording.path}: {len(waveform)} samples are shorter than one frame of {shortest}")
        padded = np.pad(waveform, (0, max(0, round(seconds * system.sample_rate) - len(waveform))))
        if group and (len(group) == batch or len(group[0][1]) != len(padded)):
            yield group
            group = []
        group.append((recording, padded, len(waveform)))
    if group:
        yield group


def _detect(system, variant, waveforms, seconds):
    """Strong ``(B, L', C)`` and weak ``(B, C)`` scores of waveforms ``(B, T)`` of any length."""
    if waveforms.shape[-1] <= LONGEST_WHOLE * system.sample_rate:
        found = system.detect(waveforms, variant)
        return found.strong.numpy(), found.weak.numpy()
    frame = system.grid.hop * system.grid.pool
    window = system.grid.n_frames(round(seconds * system.sample_rate)) * frame
    step = window // frame // 2 * frame
    n_frames = system.grid.n_frames(waveforms.shape[-1])
    strong = np.zeros((len(waveforms), n_frames, len(system.classes)), np.float32)
    tags = []
    for start in range(0, waveforms.shape[-1], step):
        part = waveforms[:, start : start + window]
        part = torch.nn.functional.pad(part, (0, window - part.shape[-1]))
        found = system.detect(part, variant)
        first = start // frame
        # Of each window the middle is kept: the scores at its edges lack context.
        skip = 0 if start == 0 else step // frame // 2
        kept = found.strong[:, skip:].numpy()[:, : max(n_frames - first - skip, 0)]
        strong[:, first + skip : first + skip + kept.shape[1]] = kept
        tags.append(found.weak.numpy())
        if start + window >= waveforms.shape[-1]:
            break
    return strong, np.max(tags, axis=0)


def _clip_scores(system, frames, n_samples):
    """Scores up to the true end of the clip: frames that begin in the padding are dropped."""
    duration = n_samples / system.sample_rate
    n_frames = min(len(frames), int(np.ceil(round(duration / system.grid.frame_seconds, 6))))
    return ClipScores(system.grid.boundaries(n_frames, duration), frames[:n_frames])
