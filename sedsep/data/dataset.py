"""Examples: clips from files or the simulator as windows of one length; item = function of (seed, epoch, index)."""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from torch.utils.data import Dataset

from sedsep.batch import Example
from sedsep.data import audio
from sedsep.data.simulate import SimulatedClips
from sedsep.errors import UserError
from sedsep.files import clip_id
from sedsep.labels import Classes, FrameGrid


@dataclass(frozen=True)
class Sound:
    """One whole clip: mixture ``(T,)``, labels in seconds, stems; None: not known.

    Keys of ``stems`` are classes, "" for the background, and numbers for sounds without a label; ``origins`` are
    the original recordings in the stem of each class.
    """

    id: str
    mixture: np.ndarray
    strong: tuple = None
    weak: tuple = None
    stems: dict = None
    is_synthetic: bool = False
    origins: dict = None


class RecordedClips:
    """Clips of sets on disk.

    Args:
        clips: ``manifest.Clip`` s. sample_rate: Hz; audio at another rate is an error. stems: read the stems too.

    Raises:
        UserError: stems are wanted and a clip has none.
    """

    def __init__(self, clips, sample_rate: int, stems: bool = False):
        self.clips, self.sample_rate, self.stems = tuple(clips), sample_rate, stems
        for clip in self.clips if stems else ():
            if not clip.stems or any(stem.path is None for stem in clip.stems):
                raise UserError(
                    f"{clip.path}: the set has no stems for this clip, and the loss needs them; "
                    "simulate it with stems, or train with --loss mixit"
                )

    def __len__(self):
        return len(self.clips)

    def sound(self, epoch: int, index: int) -> Sound:
        """The clip ``index``, the same in every epoch. Raises UserError for audio that is missing or broken."""
        clip = self.clips[index]
        mixture = audio.read(clip.path, self.sample_rate)
        stems = origins = None
        if self.stems:
            stems = _by_class((s, audio.read(s.path, self.sample_rate)) for s in clip.stems)
            origins = _origins(clip.stems)
        is_synthetic = clip.domain == "synthetic"
        return Sound(clip_id(clip.filename), mixture, clip.strong, clip.weak, stems, is_synthetic, origins)


class MixedClips:
    """Clips that are mixed anew in every epoch.

    Args:
        simulated: the simulator. stems: hand over the stems too.
    """

    def __init__(self, simulated: SimulatedClips, stems: bool = False):
        self.simulated, self.stems = simulated, stems

    def __len__(self):
        return len(self.simulated)

    def sound(self, epoch: int, index: int) -> Sound:
        """The clip ``index`` of ``epoch``."""
        made, description = self.simulated.item(epoch, index), self.simulated.description
        found = {label for _, _, label in made.rows}
        stems = origins = None
        if self.stems:
            stems, origins = _by_class(zip(made.infos, made.stems)), _origins(made.infos)
        return Sound(
            f"epoch{epoch}_{index}",
            made.mixture,
            tuple(made.rows) if description.labels == "strong" else None,
            tuple(sorted(found)) if description.labels == "weak" else None,
            stems,
            description.domain == "synthetic",
            origins,
        )


def _by_class(stems) -> dict:
    """``(what it is, waveform)`` pairs -> one waveform per class, "" for the background.

    A sound without a label is a source of its own (FUSS knows no classes); its key, a number, is no class's name.
    """
    sums = {}
    for number, (info, waveform) in enumerate(stems):
        name = "" if info.role == "background" else info.label or number
        sums[name] = sums[name] + waveform if name in sums else waveform
    return sums


def _origins(infos) -> dict:
    """What stems are -> class -> the original recordings of its events."""
    origins = {}
    for info in infos:
        if info.role == "foreground" and info.label:
            origins.setdefault(info.label, set()).add(info.source)
    return origins


class Windows(Dataset):
    """Fixed-length examples.

    A shorter clip is padded with zeros on the right; of a longer one a window is taken: drawn in training, the
    beginning in evaluation. Labels move with the window.

    Args:
        parts: clip sources (``RecordedClips``, ``MixedClips``), one after the other.
        classes: the order of the label axis. sample_rate: Hz. seconds: length T.
        grid: frames of the strong labels, or None where no labels are wanted.
        n_sources: with a number N, the stems come along as ``(N, T)``: the background first, then one slot per
            event class and per sound without a label, the loudest first; what does not fit is added to the last.
        seed: of the windows. training: draw the windows instead of taking the beginning.
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
    ):
        self.parts = list(parts)
        self.ends = list(accumulate(len(part) for part in self.parts))
        self.classes, self.sample_rate, self.n_samples = classes, sample_rate, round(seconds * sample_rate)
        self.grid, self.n_sources, self.seed, self.training = grid, n_sources, seed, training

    def __len__(self):
        return self.ends[-1] if self.ends else 0

    def __getitem__(self, key) -> Example:
        """The example of ``key = (epoch, index)``.

        Raises:
            UserError: the audio is missing, broken, or shorter than one frame.
        """
        epoch, index = key
        _, sound = self.sound(epoch, index)
        length = len(sound.mixture)
        shortest = self.grid.hop * self.grid.pool if self.grid else 2
        if length < shortest:
            raise UserError(
                f"{sound.id}.wav: {length} samples are shorter than one frame of {shortest}; "
                "remove the clip, or run: sedsep validate DIR --fix OUT"
            )
        start = self._start(length, epoch, index)
        example = Example(
            sound.id, self._window(sound.mixture, start), min(length - start, self.n_samples),
            is_synthetic=sound.is_synthetic,
        )  # fmt: skip
        if self.n_sources is not None:
            example.sources = self._sources(sound.stems, start)
        if self.grid is not None:
            self._label(example, sound, start / self.sample_rate)
        return example

    def sound(self, epoch: int, index: int) -> tuple:
        """The number of the part that has the clip ``index``, and the clip as a whole."""
        part = bisect_right(self.ends, index)
        return part, self.parts[part].sound(epoch, index - (self.ends[part - 1] if part else 0))

    def _start(self, length, epoch, index):
        slack = length - self.n_samples
        if slack <= 0 or not self.training:
            return 0
        return int(np.random.default_rng([self.seed, epoch, index]).integers(slack + 1))

    def _window(self, waveform, start):
        window = waveform[start : start + self.n_samples]
        return np.pad(window, (0, self.n_samples - len(window)))

    def _label(self, example, sound, shift):
        if sound.strong is not None:
            end = self.n_samples / self.sample_rate
            moved = ((onset - shift, offset - shift, label) for onset, offset, label in sound.strong)
            example.events = tuple((max(a, 0.0), min(b, end), label) for a, b, label in moved if b > 0 and a < end)
            n_frames = self.grid.n_frames(self.n_samples)
            example.strong = self.grid.encode(example.events, n_frames, self.classes, sound.id)
        if sound.weak is not None:
            example.weak = self.classes.many_hot(sound.weak, sound.id)

    def _sources(self, stems, start):
        slots = {name: self._window(waveform, start) for name, waveform in stems.items()}
        sources = np.zeros((self.n_sources, self.n_samples), np.float32)
        sources[0] = slots.pop("", 0)
        events = sorted(slots.values(), key=lambda s: -float(np.dot(s, s)))
        for slot, waveform in enumerate(events, start=1):
            sources[min(slot, self.n_sources - 1)] += waveform
        return sources

