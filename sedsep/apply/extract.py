"""Extract: a recording of any rate, length and number of channels -> the sounds that were asked for, and the rest.

What is written adds up to the recording. Sounds above half the model's rate stay in the rest.
"""

from contextlib import ExitStack
from pathlib import Path

import numpy as np
import torch

from sedsep import progress
from sedsep.data import audio
from sedsep.data.enrolment import read_enrolment
from sedsep.data.stream import blocks, convert, wave_file
from sedsep.engine import checkpoint
from sedsep.errors import UserError
from sedsep.apply import enrolled as registry
from sedsep.files import clip_id, writing_directory
from sedsep.apply.long import Frames, LongExtraction

REST = "rest"


def load(model):
    """The extraction system in a model file. Raises UserError for a model of another kind."""
    system, description = checkpoint.load_model(model)
    if description["system"] != "extraction":
        raise UserError(f"{model}: holds a {description['system']} model; train one with sedsep train-tse")
    return system


@torch.no_grad()
def mean_embedding(system, recordings) -> np.ndarray:
    """Mean of the embeddings of recordings ``(T',)``: ``(D,)`` (Delcroix et al. 2021, eq. 8)."""
    found = [system.embed(torch.from_numpy(padded(waveform, system))) for waveform in recordings]
    return torch.stack(found).mean(0).numpy()


def padded(waveform: np.ndarray, system) -> np.ndarray:
    """A waveform ``(T,)`` with zeros up to one frame of the system's, where it is shorter."""
    return np.pad(waveform, (0, max(0, system.extractor.kernel - len(waveform))))


def clues(system, model, classes=(), examples=(), table=None) -> dict:
    """What to extract: name -> embedding ``(D,)``.

    Args:
        classes: names of classes. examples: files with recordings of one sound, known by the first one's name.
        table: registry; by default the one beside the model.

    Raises:
        UserError: nothing is asked for, a class is unknown, or an example cannot be used.
    """
    learnt = registry.read(table or registry.beside(model), model, system.extractor.width)
    found = {name: registry.embedding_of(system, learnt, name) for name in classes}
    if examples:
        recordings = [read_enrolment(path, system.sample_rate) for path in examples]
        found[clip_id(Path(examples[0]).name)] = mean_embedding(system, recordings)
    if not found:
        raise UserError("nothing to extract: give --class NAME, or --like FILE with an example")
    if REST in found:
        raise UserError(f"{REST!r} is the name of what is left over; give the class or the example another name")
    return found


def extract(system, path, wanted: dict, out, window: float = None) -> Path:
    """Write ``out/<name>.wav`` for each wanted sound and ``out/rest.wav``, at the recording's rate and channels.

    Args:
        wanted: name -> embedding ``(D,)``. window: seconds around each moment by which the network judges what is
            loud and soft there; None takes the whole recording, as if it ran through the network at once.

    Raises:
        UserError: the recording cannot be read, or the disk is full; nothing is left behind.
    """
    info, frame = audio.info(path), system.extractor.stride / system.sample_rate
    window = None if window is None else max(1, round(window / frame))
    with writing_directory(out, "a directory of extracted sounds") as directory:
        with progress.bar(info.n_channels * len(wanted), "channel", "extract") as bar:
            sounds = {name: [] for name in wanted}
            for channel in range(info.n_channels):
                mono = convert((block[:, channel] for block in blocks(path)), info.sample_rate, system.sample_rate)
                waveform = _store(mono, directory)
                for name, embedding in wanted.items():
                    sound = _run(system, waveform, embedding, directory, window)
                    sound = convert(sound, system.sample_rate, info.sample_rate)
                    sounds[name].append(_store(sound, directory))
                    bar.update()
        with ExitStack() as files:
            shape = (info.sample_rate, info.n_channels, info.n_samples)
            write, first = {}, 0
            for name in (*wanted, REST):
                write[name] = files.enter_context(wave_file(directory / f"{name}.wav", *shape))
            for rest in blocks(path):
                for name, channels in sounds.items():
                    block = np.stack([_read(channel, first, first + len(rest)) for channel in channels], 1)
                    write[name](block)
                    rest = rest - block
                write[REST](rest)
                first += len(rest)
    return Path(out)


def _run(system, waveform: Frames, embedding, directory, window):
    """The sound in a stored waveform, in pieces at the model's rate; one shorter than a frame is padded."""
    n_samples = max(waveform.n_frames, system.extractor.kernel)
    run = LongExtraction(
        system.extractor, lambda a, b: torch.from_numpy(_read(waveform, a, b)), n_samples,
        torch.from_numpy(np.asarray(embedding)), directory, window=window,
    )  # fmt: skip
    return (piece.numpy() for piece in run.run())


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
