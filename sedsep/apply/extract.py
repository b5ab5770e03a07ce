"""Extract: a recording of any rate, length and number of channels -> the sounds that were asked for, and the rest.

What is written adds up to the recording. Sounds above half the model's rate stay in the rest.
"""

import os
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import torch

from sedsep import progress
from sedsep.apply.long import Frames, LongExtraction
from sedsep.apply.model import Model
from sedsep.apply.recordings import tell
from sedsep.data import audio
from sedsep.data.stream import blocks, check_size, convert, wave_file
from sedsep.errors import Interrupted, Unwritable, UserError
from sedsep.files import check_kind, read_json, write_json, writing_directory

REST = "rest"
KIND = "a directory of extracted sounds"
NOTE = "extracted.json"  # beside the sounds: the model, the recording, and the names of the sounds


def extract_all(model: Model, places: list, wanted: dict, window=None, strict=False, overwrite=False) -> list:
    """Extract from recordings one after the other; one that cannot be used costs no other.

    Args:
        places: ``(apply.recordings.Recording, directory)`` s. strict: stop at the first that cannot be used.
        wanted, window, overwrite: as in :func:`extract`.

    Returns:
        The directories.

    Raises:
        UserError: no recording can be used, or with ``strict`` one cannot; or the disk is full.
        Incomplete: some recordings cannot be used. Interrupted: Ctrl-C.
    """
    done, bad = [], []
    try:
        for recording, out in places:
            try:
                if recording.problem:
                    raise UserError(recording.problem)
                done.append(extract(model, recording.path, wanted, out, window, overwrite))
            except Unwritable:
                raise
            except UserError as error:
                if strict:
                    raise
                bad.append(str(error))
    except KeyboardInterrupt:
        kept = ", and what came of them is kept" if done else ""
        raise Interrupted(f"{len(done)} of {len(places)} recordings are extracted from{kept}") from None
    tell(bad, len(places), "extracted from")
    return done


def extract(model: Model, path, wanted: dict, out, window: float = None, overwrite: bool = False) -> Path:
    """Write ``out/<name>.wav`` for each wanted sound and ``out/rest.wav``, at the recording's rate and channels.

    Sounds that the same model has extracted from the same recording before stay in ``out``, and leave the rest.

    Args:
        model: an extractor. wanted: name -> embedding ``(D,)``. window: seconds around each moment by which the
            network judges what is loud and soft there; None takes the whole recording, as if it ran through at once.
        overwrite: delete what ``out`` holds of another model or recording, or of earlier.

    Raises:
        UserError: the recording cannot be read, ``out`` holds sounds of another model or recording, or the disk is
            full; what was there before stays as it was.
    """
    if REST in wanted:
        raise UserError(f"{REST!r} is the name of what is left over; give the class or the example another name")
    (rate, n_channels), system = audio.form(path), model.system
    n_samples = sum(map(len, blocks(path)))  # really there, whatever the header says
    check_size(Path(out) / f"{REST}.wav", n_channels, n_samples)  # before hours of work
    note = {"identity": model.identity, "recording": os.path.abspath(path), "bytes": os.path.getsize(path)}
    kept = [] if overwrite else [name for name in _earlier(Path(out), note) if name not in wanted]
    frame = system.extractor.stride / system.sample_rate
    window = None if window is None else max(1, round(window / frame))
    with writing_directory(out, KIND) as directory:
        sounds = {name: [] for name in (*wanted, *kept)}
        seconds = n_samples / rate
        with progress.bar(round(seconds * n_channels * len(wanted)), "s", "extract") as bar:  # of audio
            advanced = _Counted(bar, seconds)
            for channel in range(n_channels):
                mono = convert((block[:, channel] for block in blocks(path)), rate, model.sample_rate)
                waveform = _store(mono, directory)
                for name, embedding in wanted.items():
                    sound = _run(model, waveform, embedding, directory, window, advanced)
                    sound = convert(sound, model.sample_rate, rate)
                    sounds[name].append(_store(sound, directory))
                for name in kept:
                    before = blocks(Path(out) / f"{name}.wav")
                    sounds[name].append(_store((block[:, channel] for block in before), directory))
        with ExitStack() as files:
            shape = (rate, n_channels, n_samples)
            write, first = {}, 0
            for name in (*sounds, REST):
                write[name] = files.enter_context(wave_file(directory / f"{name}.wav", *shape))
            for rest in blocks(path):
                for name, channels in sounds.items():
                    block = np.stack([_read(channel, first, first + len(rest)) for channel in channels], 1)
                    write[name](block)
                    rest = rest - block
                write[REST](rest)
                first += len(rest)
        write_json(directory / NOTE, {**note, "sounds": list(sounds)})
    return Path(out)


def _earlier(out, note) -> list:
    """The sounds that ``out`` holds; none where it is not there. Raises UserError where they are of something else."""
    check_kind(out, KIND)
    if not out.is_dir() or not any(out.iterdir()):
        return []
    found = read_json(out / NOTE) if (out / NOTE).is_file() else {}
    for key, what in (("recording", "recording"), ("bytes", "recording"), ("identity", "model")):
        if found.get(key) != note[key]:
            of = f" ({found[key]})" if key == "recording" and key in found else ""
            raise UserError(
                f"{out}: holds sounds of another {what}{of}; choose another place, or let --overwrite delete them"
            )
    return [name for name in found["sounds"] if (out / f"{name}.wav").is_file()]


class _Counted:
    """Parts of runs over so many seconds of audio, shown by a bar in whole seconds."""

    def __init__(self, bar, seconds: float):
        self.bar, self.seconds, self.done = bar, seconds, 0.0

    def __call__(self, part: float) -> None:
        self.done += part * self.seconds
        self.bar.update(round(self.done) - self.bar.n)


def _run(model, waveform: Frames, embedding, directory, window, advanced):
    """The sound in a stored waveform, in pieces at the model's rate; one shorter than a frame is padded."""
    net = model.system.extractor
    n_samples = max(waveform.n_frames, net.kernel)
    run = LongExtraction(
        net, lambda a, b: torch.from_numpy(_read(waveform, a, b)), n_samples,
        torch.from_numpy(np.asarray(embedding)), directory, window=window, device=model.device, advanced=advanced,
    )  # fmt: skip
    return (piece.cpu().numpy() for piece in run.run())


def _store(pieces, directory) -> Frames:
    """Pieces ``(T',)`` of a waveform, put on disk."""
    stored = Frames(directory, 0, 1)
    for piece in pieces:
        stored.write(stored.n_frames, torch.from_numpy(np.ascontiguousarray(piece)).unsqueeze(1))
        stored.n_frames += len(piece)
    return stored


def _read(stored: Frames, first: int, last: int) -> np.ndarray:
    """Samples of a stored waveform; zeros beyond its end."""
    end = min(last, stored.n_frames)
    found = stored.read(first, end)[:, 0].numpy() if first < end else np.zeros(0, np.float32)
    return np.pad(found, (0, last - first - len(found)))
