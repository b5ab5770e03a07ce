"""Model: a trained network with all that its file says of it; the library's face, which the commands use too.

>>> import sedsep
>>> model = sedsep.load("best_teacher.pt")      # doctest: +SKIP
>>> model.detect("street.wav").events(0.5)      # doctest: +SKIP
[(0.512, 2.048, 'Dog')]
"""

import hashlib
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from sedsep.apply import enrolled
from sedsep.apply.detected import Detected
from sedsep.data import audio
from sedsep.data.activity import rms
from sedsep.data.enrolment import read_enrolment
from sedsep.engine import checkpoint
from sedsep.engine.devices import device_named
from sedsep.errors import UserError, a
from sedsep.files import clip_id
from sedsep.scores.steps import smoothed

# A longer recording is detected in overlapping windows, so that memory does not grow with it.
LONGEST_WHOLE = 60.0
# Seconds of an enrolment at most, of a model whose file does not say what it was trained on: as in the paper.
LONGEST_ENROLMENT = 30.0
FAINT = 0.01  # a piece of an enrolment whose level is below this part of the loudest one's holds a pause


class Model:
    """A detector, separator, joint model or extractor, ready to be used.

    What it can do follows from its kind: :attr:`detects`, :attr:`separates`, :attr:`extracts`. Recordings are files, or
    arrays ``(T,)`` or ``(T, channels)`` with their sample rate (the model's own by default), of any rate.

    Args:
        system: in evaluation mode. description: of its file (``checkpoint.describe``). path: of the file, where there
            is one. device: where it computes. variant: the network inside that is used, such as "student"; None takes
            the one that the file was kept for.

    Attributes:
        kind: of the system. classes: what it knows, in order. sample_rate: Hz. seconds: of the clips it was trained
            on. enrolment_seconds: of an enrolment at most; a longer one goes in in pieces. smoothing: the steps that
        belong to it.

    Raises:
        UserError: there is no such variant, or no such device.
    """

    def __init__(self, system, description: dict, path=None, device: str = "auto", variant: str = None):
        self.device = device_named(device)
        self.system, self.path = system.to(self.device).eval(), path
        self.variant = variant or description["selected"]
        if self.variant not in system.variants:
            raise UserError(f"the model has no variant {self.variant!r}; it has: {', '.join(system.variants)}")
        self.kind, self.classes, self.sample_rate = system.kind, system.classes, system.sample_rate
        self.seconds, self.smoothing = description["seconds"], description["smoothing"]
        self.enrolment_seconds = description.get("enrolment_seconds") or LONGEST_ENROLMENT
        self.detects, self.separates = system.grid is not None, hasattr(system, "separate")
        self.extracts = hasattr(system, "extractor")

    @cached_property
    def fingerprint(self) -> str:
        """Of the file that the model is from."""
        return checkpoint.fingerprint(self.path)

    @cached_property
    def identity(self) -> str:
        """Of what the model computes: its kind, variant, classes and weights, whatever file they are from."""
        manner = filter(None, [self.system.manner])
        digest = hashlib.sha256("\n".join((self.kind, self.variant, *self.classes, *manner)).encode())
        for name, value in self.system.state_dict().items():
            digest.update(name.encode() + value.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]

    @cached_property
    def enrolled(self) -> dict:
        """Classes that were enrolled beside the file: name -> ``enrolled.Enrolled``."""
        return enrolled.read(enrolled.beside(self.path), self) if self.path and self.extracts else {}

    def detect(self, recording, sample_rate: int = None, smoothing: list = None) -> Detected:
        """Scores of all classes over time, and of the recording as a whole.

        Args:
            smoothing: steps over the scores of the frames (``scores/steps.py``); None takes the model's own, and an
                empty list leaves them as they are.

        Raises:
            UserError: the model does not detect, or the recording cannot be read or is shorter than a frame.
        """
        self.must("detects", "detect events")
        (waveform,) = self._channels(recording, sample_rate, mono=True)
        strong, weak = self.scores(self.padded([waveform]))
        raw = self.detected(strong[0], weak[0], len(waveform))
        steps = self.smoothing if smoothing is None else smoothing
        (frames,) = smoothed(raw.strong[None], self.system.grid.frame_seconds, steps, self.classes.names)
        return replace(raw, strong=frames)

    def separate(self, recording, sample_rate: int = None) -> np.ndarray:
        """The sources in a recording, at its rate: ``(N, T)``, or ``(N, T, channels)``; channels run one by one.

        Raises:
            UserError: the model does not separate, or the recording cannot be read.
        """
        self.must("separates", "separate sources")
        return self._each_channel(recording, sample_rate, lambda x: self.sources(self.padded([x]))[0, :, : len(x)])

    def extract(self, recording, classes=(), like=(), sample_rate: int = None) -> dict:
        """Sounds by name, each of the recording's shape and rate.

        Args:
            classes: names of trained or enrolled classes. like: files with examples of one sound.

        Raises:
            UserError: the model does not extract, or the recording or what is wanted cannot be used.
        """
        wanted = self.clues(classes, like)
        embeddings = torch.from_numpy(np.stack(list(wanted.values()))).unsqueeze(0).to(self.device)

        @torch.no_grad()
        def sounds(x):
            long_enough = np.pad(x, (0, max(0, self.system.extractor.kernel - len(x))))
            mixture = torch.from_numpy(long_enough).unsqueeze(0).to(self.device)
            return self.system.extractor(mixture, embeddings)[0].cpu().numpy()[:, : len(x)]

        return dict(zip(wanted, self._each_channel(recording, sample_rate, sounds)))

    def clues(self, classes=(), like=(), table: dict = None) -> dict:
        """What to extract: name -> embedding ``(D,)``.

        Args:
            classes: names. like: files with recordings of one sound, known by the first one's name, or where a
                class has that by ``<name>_example``.
            table: enrolled classes; by default those beside the model.

        Raises:
            UserError: the model does not extract, nothing is asked for, a class is unknown, or an example is unusable.
        """
        self.must("extracts", "extract sounds; train one with sedsep train-tse")
        learnt = self.enrolled if table is None else table
        found = {name: enrolled.embedding_of(self.system, learnt, name) for name in classes}
        if like:
            name = clip_id(Path(like[0]).name)
            while name in found:  # dog_bark.wav beside the class dog_bark
                name += "_example"
            found[name] = np.mean([self.example(path) for path in like], 0)
        if not found:
            raise UserError("nothing to extract: give --class NAME, or --like FILE with an example")
        return found

    def example(self, path, onset: float = None, offset: float = None) -> np.ndarray:
        """The embedding ``(D,)`` of a recording of any length, or of its part from ``onset`` to ``offset`` (seconds).

        Raises:
            UserError: the recording is silent or cannot be read, or the model takes no examples.
        """
        return self._embed(read_enrolment(path, self.sample_rate, self.enrolment_seconds, onset, offset))

    def embedding(self, recordings) -> np.ndarray:
        """Mean of the embeddings of recordings ``(T',)``: ``(D,)`` (Delcroix et al. 2021, eq. 8)."""
        longest = round(self.enrolment_seconds * self.sample_rate)
        return np.mean([self._embed(np.array_split(x, max(1, -(-len(x) // longest)))) for x in recordings], 0)

    @torch.no_grad()
    def _embed(self, pieces) -> np.ndarray:
        """The embedding ``(D,)`` of a recording from its pieces ``(T',)``: their mean, without those that hold a pause.

        The norms of the encoder take mean and variance over all that goes in at once, and learnt them on so much.
        """
        kernel, found, levels, sizes = self.system.extractor.kernel, [], [], []
        for piece in pieces:
            levels.append(rms(piece))
            sizes.append(len(piece))
            padded = np.pad(piece, (0, max(0, kernel - len(piece))))
            found.append(self.system.embed(torch.from_numpy(padded).to(self.device)).cpu().numpy())
        weights = np.where(np.array(levels) < FAINT * max(levels), 0, sizes)
        return np.average(found, axis=0, weights=weights).astype(np.float32)

    @torch.no_grad()
    def scores(self, waveforms: torch.Tensor) -> tuple:
        """Strong ``(B, L', C)`` and weak ``(B, C)`` scores of waveforms ``(B, T)`` at the model's rate."""
        waveforms, grid = waveforms.to(self.device), self.system.grid
        if waveforms.shape[-1] <= LONGEST_WHOLE * self.sample_rate:
            found = self.system.detect(waveforms, self.variant)
            return found.strong.cpu().numpy(), found.weak.cpu().numpy()
        frame = grid.hop * grid.pool
        window = grid.n_frames(round(self.seconds * self.sample_rate)) * frame
        step = window // frame // 2 * frame
        n_frames = grid.n_frames(waveforms.shape[-1])
        strong, tags = np.zeros((len(waveforms), n_frames, len(self.classes)), np.float32), []
        for start in range(0, waveforms.shape[-1], step):
            part = waveforms[:, start : start + window]
            part = torch.nn.functional.pad(part, (0, window - part.shape[-1]))
            found = self.system.detect(part, self.variant)
            first = start // frame
            # Of each window the middle is kept: the scores at its edges lack context.
            skip = 0 if start == 0 else step // frame // 2
            kept = found.strong[:, skip:].cpu().numpy()[:, : max(n_frames - first - skip, 0)]
            strong[:, first + skip : first + skip + kept.shape[1]] = kept
            tags.append(found.weak.cpu().numpy())
            if start + window >= waveforms.shape[-1]:
                break
        return strong, np.max(tags, axis=0)

    @torch.no_grad()
    def sources(self, waveforms: torch.Tensor) -> np.ndarray:
        """Sources ``(B, N, T)`` of waveforms ``(B, T)`` at the model's rate."""
        return self.system.separate(waveforms.to(self.device), self.variant).cpu().numpy()

    def padded(self, waveforms) -> torch.Tensor:
        """Waveforms ``(T',)`` -> ``(B, T)``, with zeros up to the longest and to the length of the training clips.

        Raises:
            UserError: one is shorter than a frame.
        """
        for waveform in waveforms:
            self.check_length(len(waveform))
        length = max(round(self.seconds * self.sample_rate), *map(len, waveforms))
        return torch.from_numpy(np.stack([np.pad(x, (0, length - len(x))) for x in waveforms]))

    def check_length(self, n_samples: int) -> None:
        """Raise UserError where so many samples are less than one frame."""
        shortest = self.system.grid.shortest if self.detects else 2
        if n_samples < shortest:
            raise UserError(f"{n_samples} samples are shorter than one frame of {shortest}")

    def detected(self, strong: np.ndarray, weak: np.ndarray, n_samples: int) -> Detected:
        """Scores ``(L', C)`` and ``(C,)`` up to the true end of the clip: frames that begin in the padding go."""
        grid, duration = self.system.grid, n_samples / self.sample_rate
        n_frames = min(len(strong), int(np.ceil(round(duration / grid.frame_seconds, 6))))
        return Detected(tuple(self.classes), grid.boundaries(n_frames, duration), strong[:n_frames], weak)

    def must(self, ability: str, what: str) -> None:
        """Raise UserError unless the model has an ability, such as "detects"."""
        if not getattr(self, ability):
            can = [w for able, w in (("detects", "detects"), ("separates", "separates"), ("extracts", "extracts"))
                   if getattr(self, able)]  # fmt: skip
            place = f"{self.path}: " if self.path else ""
            raise UserError(f"{place}holds {a(f'{self.kind} model')}, which {' and '.join(can)}; it cannot {what}")

    def _channels(self, recording, sample_rate, mono) -> list:
        """The channels of a recording as ``(T',)`` at the model's rate; ``mono``: their mean alone."""
        samples, rate = _samples(recording, sample_rate or self.sample_rate)
        columns = [samples.mean(1) if samples.shape[1] > 1 else samples[:, 0]] if mono else samples.T
        return [audio.resample(np.ascontiguousarray(column), rate, self.sample_rate) for column in columns]

    def _each_channel(self, recording, sample_rate, function) -> np.ndarray:
        """``function`` of every channel, ``(T',) -> (N, T')``, back at the recording's rate and shape."""
        samples, rate = _samples(recording, sample_rate or self.sample_rate)
        found = []
        for channel in self._channels(samples, rate, mono=False):
            signals = [audio.resample(signal, self.sample_rate, rate)[: len(samples)] for signal in function(channel)]
            found.append(np.stack([np.pad(signal, (0, len(samples) - len(signal))) for signal in signals]))
        one = isinstance(recording, np.ndarray) and recording.ndim == 1 or len(found) == 1
        return found[0] if one else np.stack(found, 2)


def _samples(recording, sample_rate) -> tuple:
    """Samples ``(T, channels)`` float32 of a file or an array, and their rate."""
    if not isinstance(recording, np.ndarray):
        return audio.read_all(recording, partial=True)
    samples = np.asarray(recording, np.float32)
    if samples.ndim not in (1, 2) or not samples.size or not np.isfinite(samples).all():
        raise UserError(f"a recording must be finite samples (T,) or (T, channels), not of shape {samples.shape}")
    return samples.reshape(len(samples), -1), sample_rate


def load(path, device: str = "auto", variant: str = None, settings: dict = None) -> Model:
    """The model in a file (``best_<variant>.pt``).

    Args:
        device: "auto", "cpu", "cuda" or "cuda:N". variant: see :class:`Model`. settings: keys of its configuration
            that are to be others than in training, such as ``{"over_sources": "sum"}``.

    Raises:
        UserError: the file is missing, cut off or no model; there is no such variant or device.
    """
    system, description = checkpoint.load_model(path, settings=settings)
    return Model(system, description, path, device, variant)


def joined(separator, detector, device: str = "auto", variant: str = None, keep: list = None) -> Model:
    """A separator, all its outputs or those to ``keep``, and a detector: S0 of the JSS paper. Raises UserError."""
    system, description = checkpoint.assemble(separator, detector, keep=keep)
    return Model(system, description, None, device, variant)
