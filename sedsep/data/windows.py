"""Windows: clips as examples of one length; an example is a function of (seed, epoch, index)."""

from bisect import bisect_right
from itertools import accumulate

import numpy as np
from torch.utils.data import Dataset

from sedsep.batch import Example
from sedsep.data.augment.effect import affected
from sedsep.data.slots import Slots, slotted
from sedsep.errors import UserError
from sedsep.labels import Classes, FrameGrid


class Windows(Dataset):
    """Fixed-length examples.

    A shorter clip is padded with zeros on the right; of a longer one a window is taken: drawn in training, the
    beginning in evaluation. Labels move with the window. Effects change the whole clip before the window is cut.

    Args:
        parts: clip sources (``RecordedClips``, ``MixedClips``), one after the other.
        classes: the order of the label axis. sample_rate: Hz. seconds: length T.
        grid: frames of the strong labels, or None where no labels are wanted.
        n_sources: with a number N, the stems come along as ``(N, T)``. slots: which of them these are
            (``data/slots.py``).
        seed: of the windows and effects. training: draw the windows instead of taking the beginning.
        effects: ``augment.effect.Effect`` s, one after the other; in training only.
        views: 2 gives each example its ``other_view``, with the same events and window; in training only.
    """

    def __init__(
        self,
        parts,
        classes: Classes,
        sample_rate: int,
        seconds: float,
        grid: FrameGrid = None,
        n_sources: int = None,
        seed: int = 0,
        training: bool = True,
        effects=(),
        views: int = 1,
        slots: Slots = "all",
    ):
        self.parts = list(parts)
        for part in self.parts:
            if part.sample_rate != sample_rate:
                raise UserError(
                    f"clips are mixed at {part.sample_rate} Hz, but the model works at {sample_rate} Hz; change "
                    "sample_rate in the scene, or in the configuration"
                )
        self.ends = list(accumulate(len(part) for part in self.parts))
        self.classes, self.sample_rate, self.n_samples = classes, sample_rate, round(seconds * sample_rate)
        self.grid, self.n_sources, self.seed, self.training = grid, n_sources, seed, training
        self.slots = slots
        self.effects, self.n_views = (tuple(effects), views) if training else ((), 1)

    def __len__(self):
        return self.ends[-1] if self.ends else 0

    def __getitem__(self, key) -> Example:
        """The example of ``key = (epoch, index)``.

        Raises:
            UserError: the audio is missing, broken, or shorter than one frame.
        """
        epoch, index = key
        _, views = self.views(epoch, index)
        clip, length = views[0], len(views[0].mixture)
        shortest = self.grid.hop * self.grid.pool if self.grid else 2
        if length < shortest:
            raise UserError(
                f"{clip.id}.wav: {length} samples are shorter than one frame of {shortest}; "
                "remove the clip, or run: sedsep validate DIR --fix OUT"
            )
        start = self._start(length, epoch, index)
        example = self._example(views, start)
        if self.n_sources is not None:
            stems = {name: self._window(waveform, start) for name, waveform in clip.stems.items()}
            example.sources = slotted(stems, self.n_sources, self.n_samples, self.slots)
        if self.grid is not None:
            self._label(example, clip, start / self.sample_rate)
        return example

    def views(self, epoch: int, index: int) -> tuple:
        """The number of the part that has the clip ``index``, and its views: whole clips after the effects."""
        part = bisect_right(self.ends, index)
        loaded = self.parts[part].views(epoch, index - (self.ends[part - 1] if part else 0), self.n_views)
        return part, tuple(
            affected(clip, self.effects, self.seed, epoch, index, view) for view, clip in enumerate(loaded)
        )

    def _start(self, length, epoch, index):
        slack = length - self.n_samples
        if slack <= 0 or not self.training:
            return 0
        return int(np.random.default_rng([self.seed, epoch, index]).integers(slack + 1))

    def _example(self, views, start) -> Example:
        """The example of a clip's views from the sample ``start`` on, without labels and stems."""
        clip, *others = views
        return Example(
            clip.id,
            self._window(clip.mixture, start),
            min(len(clip.mixture) - start, self.n_samples),
            is_synthetic=clip.is_synthetic,
            other_view=self._window(others[0].mixture, start) if others else None,
        )

    def _window(self, waveform, start):
        window = waveform[start : start + self.n_samples]
        return np.pad(window, (0, self.n_samples - len(window)))

    def _label(self, example, clip, shift):
        if clip.strong is not None:
            end = self.n_samples / self.sample_rate
            moved = ((onset - shift, offset - shift, label) for onset, offset, label in clip.strong)
            example.events = tuple((max(a, 0.0), min(b, end), label) for a, b, label in moved if b > 0 and a < end)
            n_frames = self.grid.n_frames(self.n_samples)
            example.strong = self.grid.encode(example.events, n_frames, self.classes, clip.id)
        if clip.weak is not None:
            example.weak = self.classes.many_hot(clip.weak, clip.id)
