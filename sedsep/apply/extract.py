"""Extract: a recording of any rate, length and number of channels -> the sounds that were asked for, and the rest.

What is written adds up to the recording. Sounds above half the model's rate stay in the rest.
"""

from contextlib import ExitStack
from pathlib import Path

import numpy as np
import torch

from sedsep import progress
from sedsep.apply.long import Frames, LongExtraction
from sedsep.apply.model import Model
from sedsep.data import audio
from sedsep.data.stream import blocks, check_size, convert, wave_file
from sedsep.errors import UserError
from sedsep.files import writing_directory

REST = "rest"


def extract(model: Model, path, wanted: dict, out, window: float = None) -> Path:
    """Write ``out/<name>.wav`` for each wanted sound and ``out/rest.wav``, at the recording's rate and channels.

    Args:
        model: an extractor. wanted: name -> embedding ``(D,)``. window: seconds around each moment by which the
            network judges what is loud and soft there; None takes the whole recording, as if it ran through at once.

    Raises:
        UserError: the recording cannot be read, or the disk is full; nothing is left behind.
    """
    if REST in wanted:
        raise UserError(f"{REST!r} is the name of what is left over; give the class or the example another name")
    info, system = audio.info(path), model.system
    check_size(Path(out) / f"{REST}.wav", info.n_channels, info.n_samples)  # before hours of work
    frame = system.extractor.stride / system.sample_rate
    window = None if window is None else max(1, round(window / frame))
    with writing_directory(out, "a directory of extracted sounds") as directory:
        total = info.n_samples / info.sample_rate * info.n_channels * len(wanted)
        with progress.bar(round(total), "s", "extract") as bar:  # of audio, so that an hour shows where it stands
            advanced = _Counted(bar, total / (info.n_channels * len(wanted)))
            sounds = {name: [] for name in wanted}
            for channel in range(info.n_channels):
                mono = convert((block[:, channel] for block in blocks(path)), info.sample_rate, model.sample_rate)
                waveform = _store(mono, directory)
                for name, embedding in wanted.items():
                    sound = _run(model, waveform, embedding, directory, window, advanced)
                    sound = convert(sound, model.sample_rate, info.sample_rate)
                    sounds[name].append(_store(sound, directory))
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
