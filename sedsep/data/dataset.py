"""ClipDataset: clips of a set as fixed-length examples; item = a pure function of (seed, epoch, index)."""

import numpy as np
from torch.utils.data import Dataset

from sedsep.batch import Example
from sedsep.data import audio
from sedsep.errors import UserError
from sedsep.files import clip_id
from sedsep.labels import Classes, FrameGrid


class ClipDataset(Dataset):
    """Fixed-length examples of a set of clips.

    A shorter clip is padded with zeros on the right; of a longer one a window is taken: drawn in training, the
    beginning in evaluation. Labels move with the window.

    Args:
        clips: ``manifest.Clip`` s. classes: the order of the label axis. sample_rate: Hz. seconds: length T.
        grid: frames of the strong labels, or None where no labels are wanted.
        n_sources: with a number N, the stems come along as ``(N, T)``: the background first, then one slot per
            event class with the loudest classes first; what does not fit is added to the last slot.
        seed: of the windows. training: draw the windows instead of taking the beginning.
    """

    def __init__(
        self,
        clips,
        classes: Classes,
        sample_rate: int,
        seconds: float,
        grid: FrameGrid = None,
        n_sources: int = None,
        seed: int = 0,
        training: bool = True,
    ):
        self.clips = tuple(clips)
        self.classes = classes
        self.sample_rate = sample_rate
        self.n_samples = round(seconds * sample_rate)
        self.grid = grid
        self.n_sources = n_sources
        self.seed = seed
        self.training = training
        if n_sources is not None:
            for clip in self.clips:
                if not clip.stems or any(stem.path is None for stem in clip.stems):
                    raise UserError(
                        f"{clip.path}: the set has no stems for this clip, and the loss needs them; "
                        "simulate it with stems, or train with --loss mixit"
                    )

    def __len__(self):
        return len(self.clips)

    def __getitem__(self, key) -> Example:
        """The example of ``key = (epoch, index)``.

        Raises:
            UserError: the audio is missing, broken, or shorter than one frame.
        """
        epoch, index = key
        clip = self.clips[index]
        waveform = audio.read(clip.path, self.sample_rate)
        shortest = self.grid.hop * self.grid.pool if self.grid else 2
        if len(waveform) < shortest:
            raise UserError(
                f"{clip.path}: {len(waveform)} samples are shorter than one frame of {shortest}; "
                "remove the clip, or run: sedsep validate DIR --fix OUT"
            )
        start = self._start(len(waveform), epoch, index)
        example = Example(
            id=clip_id(clip.filename),
            mixture=self._window(waveform, start),
            n_samples=min(len(waveform) - start, self.n_samples),
            is_synthetic=clip.domain == "synthetic",
        )
        if self.n_sources is not None:
            example.sources = self._sources(clip, start)
        if self.grid is not None:
            self._label(example, clip, start / self.sample_rate)
        return example

    def _start(self, length, epoch, index):
        slack = length - self.n_samples
        if slack <= 0 or not self.training:
            return 0
        return int(np.random.default_rng([self.seed, epoch, index]).integers(slack + 1))

    def _window(self, waveform, start):
        window = waveform[start : start + self.n_samples]
        return np.pad(window, (0, self.n_samples - len(window)))

    def _label(self, example, clip, shift):
        if clip.strong is not None:
            end = self.n_samples / self.sample_rate
            moved = ((onset - shift, offset - shift, label) for onset, offset, label in clip.strong)
            example.events = tuple((max(a, 0.0), min(b, end), label) for a, b, label in moved if b > 0 and a < end)
            n_frames = self.grid.n_frames(self.n_samples)
            example.strong = self.grid.encode(example.events, n_frames, self.classes, clip.filename)
        if clip.weak is not None:
            example.weak = self.classes.many_hot(clip.weak, clip.filename)

    def _sources(self, clip, start):
        slots = {}
        for stem in clip.stems:
            waveform = self._window(audio.read(stem.path, self.sample_rate), start)
            name = "" if stem.role == "background" else stem.label
            slots[name] = slots[name] + waveform if name in slots else waveform
        background = slots.pop("", np.zeros(self.n_samples, np.float32))
        events = sorted(slots.values(), key=lambda s: -float(np.dot(s, s)))
        sources = np.zeros((self.n_sources, self.n_samples), np.float32)
        sources[0] = background
        for slot, waveform in enumerate(events, start=1):
            sources[min(slot, self.n_sources - 1)] += waveform
        return sources


class Streams(Dataset):
    """Several data sets under names; ``streams[(name, epoch, index)]`` is an example. Read through a StreamSampler."""

    def __init__(self, datasets: dict):
        self.datasets = datasets

    def __getitem__(self, key) -> Example:
        name, epoch, index = key
        return self.datasets[name][epoch, index]
