"""Simulation: scenes rendered to stems and their sum, on the fly for training or as a set on disk.

A mixture is the float32 sum of its stems, asserted for every clip; room responses act on each source before the
sum; one gain turns down all of a clip that would clip. The files' bytes do not depend on the number of workers.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock

import numpy as np

from sedsep import config, progress
from sedsep.data import audio, drawing, scene
from sedsep.data.activity import active_mask, audible_cut, rms
from sedsep.data.augment import SOURCE_EFFECTS
from sedsep.data.augment.source_effect import chained
from sedsep.data.loop import looped
from sedsep.data.manifest import Clip, write_set
from sedsep.data.parallel import over
from sedsep.data.rooms import response, reverberated
from sedsep.data.scene import Placed, Scene, SceneDescription
from sedsep.data.soundbank import Soundbank
from sedsep.data.sources import SourceCache
from sedsep.data.tables import Stem
from sedsep.errors import UserError
from sedsep.files import writing_directory

FADE_SECONDS = 0.005  # at both ends of an event, against clicks where it was cut
BLOCK = 8192  # samples


@dataclass(frozen=True)
class StemInfo:
    """What a stem is: its event class or background label, role, and original source."""

    label: str
    role: str
    source: str


@dataclass(frozen=True)
class Rendered:
    """One clip: mixture ``(T,)``, stems ``(N, T)`` that add up to it (background first), events in seconds."""

    mixture: np.ndarray
    stems: np.ndarray
    rows: list
    infos: list
    gain: float


def render(drawn: Scene, description: SceneDescription, cache: SourceCache) -> Rendered:
    """Turn a scene into sound; a pure function of its arguments.

    Raises:
        UserError: a recording cannot be read, or is silent where the bank says that it sounds.
    """
    rate = description.sample_rate
    n_samples = _samples(drawn.milliseconds, rate)
    placed = [drawn.background] if drawn.background else []
    stems = np.zeros((len(placed) + len(drawn.events), n_samples), np.float32)
    if placed:
        _add_background(stems[0], drawn.background, cache, rate)
    for stem, event in zip(stems[len(placed) :], drawn.events):
        _add_event(stem, event, drawn.room, cache, rate)
    mixture = total(stems)
    loudest = float(np.abs(mixture).max()) if n_samples else 0.0
    gain = 1.0
    if loudest > description.peak:
        gain = description.peak / loudest
        stems *= np.float32(gain)
        mixture = total(stems)
    assert _adds_up(stems, mixture), "the stems of a clip do not add up to its mixture"
    infos = [
        StemInfo(p.sound.label if p.sound.role == "foreground" else "", p.sound.role, p.sound.source)
        for p in (*placed, *drawn.events)
    ]
    return Rendered(mixture, stems, scene.labels(drawn), infos, gain)


def total(stems: np.ndarray) -> np.ndarray:
    """Sum of stems ``(N, T)`` -> mixture ``(T,)`` float32, in their order; zeros where there are none."""
    mixture = np.zeros(stems.shape[1], np.float32)
    for stem in stems:
        mixture += stem
    return mixture


def _adds_up(stems, mixture) -> bool:
    """Whether the mixture is the exact sum to 1e-6 of full scale; in blocks that stay in the processor's cache."""
    limit = 1e-6 * max(1.0, float(np.abs(mixture).max(initial=0.0)))  # float32 is exact relative to its values
    blocks = (slice(first, first + BLOCK) for first in range(0, len(mixture), BLOCK))
    return all(np.abs(stems[:, b].sum(axis=0, dtype=np.float64) - mixture[b]).max() <= limit for b in blocks)


def _add_event(stem, event: Placed, room, cache, rate):
    """Write an event into its stem at the level it was drawn with, measured over its active part."""
    first = _samples(event.onset, rate)
    n = _samples(event.onset + event.duration, rate) - first
    inside = _samples(event.start, rate) - round(event.sound.onset * rate)
    dry = np.zeros(n, np.float32)
    whole = cache.get(event.sound)
    piece = whole[audible_cut(whole, max(0, inside), n, rate) :][:n]
    dry[: len(piece)] = piece
    dry = chained(SOURCE_EFFECTS, event.effects, dry, rate)
    fade = np.linspace(0, 1, max(2, int(FADE_SECONDS * rate)), dtype=np.float32)[: n // 2]
    dry[: len(fade)] *= fade
    dry[n - len(fade) :] *= fade[::-1]
    mask, room = active_mask(dry, rate), event.room or room
    wet = dry
    if room is not None:
        impulse = response(room, event.position, rate, np.random.default_rng(event.tail))
        wet = reverberated(dry, impulse)[: len(stem) - first]
    stem[first : first + len(wet)] = wet * _gain(event, wet if event.measure == "peak" else wet[:n][mask])


def _add_background(stem, background: Placed, cache, rate):
    """Fill a stem with a background; one that is shorter than the clip repeats, with a cross-fade at each seam."""
    whole = cache.get(background.sound)
    inside = _samples(background.start, rate) - round(background.sound.onset * rate)
    piece = whole[max(0, inside) :][: len(stem)]
    if len(piece) < len(stem):
        piece = whole
    stem[:] = looped(piece, len(stem), rate)
    stem *= _gain(background, stem)


def _gain(placed: Placed, heard: np.ndarray) -> np.float32:
    """What brings a sound, ``(T,)`` of it by which its level goes, to the level that was drawn."""
    level = rms(heard) if placed.measure == "rms" else float(np.abs(heard).max(initial=0.0))
    if level < 1e-7:
        raise UserError(f"{placed.sound.path}: silent where the bank says it sounds; build the soundbank again")
    return np.float32(10 ** (placed.level_db / 20) / level)


def _samples(milliseconds: int, rate: int) -> int:
    return round(milliseconds * rate / 1000)


class SimulatedClips:
    """Clips that are mixed when they are asked for: ``item(epoch, index)``, the same anywhere, any time.

    The views of a clip share events and timing, and nothing else.

    Args:
        description: what to draw. bank: the sounds.
    """

    def __init__(self, description: SceneDescription, bank: Soundbank):
        self.description, self.bank = description, bank
        self.sounds = drawing.usable(bank.select(description.split, description.share), description)
        self.classes = scene.scene_classes(description, bank.classes)
        self.cache = SourceCache(description.sample_rate)

    def __len__(self):
        return self.description.count

    def scene(self, epoch: int, index: int, view: int = 0) -> Scene:
        """The scene of one clip, without its sound, as ``view`` hears it."""
        epoch = 0 if self.description.fixed else epoch
        return drawing.draw(self.description, self.sounds, self.description.seed, epoch, index, view)

    def item(self, epoch: int, index: int, view: int = 0) -> Rendered:
        """The clip ``index`` of ``epoch`` as ``view`` hears it."""
        return render(self.scene(epoch, index, view), self.description, self.cache)


@dataclass(frozen=True)
class ClipWriter:
    """Renders clips of epoch 0 into a directory; what a worker process runs."""

    clips: SimulatedClips
    directory: Path
    prefix: str

    def __call__(self, indices: range):
        """Write the audio of clips and yield ``(index, (Clip, gain))``; in two threads: writing is mostly waiting."""
        rendering = Lock()  # the cache serves one at a time

        def make(index):
            with rendering:
                rendered = self.clips.item(0, index)
            return self.write(index, rendered), rendered.gain

        with ThreadPoolExecutor(2) as threads:
            yield from zip(indices, threads.map(make, indices))

    def write(self, index: int, rendered: Rendered) -> Clip:
        """Write the audio of one clip."""
        description = self.clips.description
        name = f"{self.prefix}_{index:0{max(4, len(str(description.count)))}d}"
        path = self.directory / "audio" / f"{name}.wav"
        audio.write(path, rendered.mixture, description.sample_rate)
        stems = []
        for number, (stem, info) in enumerate(zip(rendered.stems, rendered.infos)):
            place = None
            if description.stems:
                place = self.directory / "stems" / name / f"{number}_{info.label or info.role}.wav"
                audio.write(place, stem, description.sample_rate)
            stems.append(Stem(place, info.label, info.role, info.source))
        strong = tuple(rendered.rows) if description.labels == "strong" else None
        found = {label for _, _, label in rendered.rows}
        weak = tuple(c for c in self.clips.classes if c in found) if description.labels == "weak" else None
        seconds = len(rendered.mixture) / description.sample_rate
        return Clip(path.name, path, seconds, strong, weak, tuple(stems), description.domain)


def simulate(description: SceneDescription, bank: Soundbank, out, workers: int = 1) -> dict:
    """Write a set of simulated clips: audio, stems, tables and ``simulation.yaml``, whole or not at all.

    Args:
        workers: processes; the files are the same for any number.

    Returns:
        ``{"clips": n, "events": n, "turned_down": clips whose gain is below 1, "unused": [class, ...]}``; unused
        classes have no sound in the split and share.

    Raises:
        UserError: the bank does not serve the description, a recording is broken, or the disk is full.
    """
    out = Path(out)
    clips = SimulatedClips(description, bank)
    with writing_directory(out, "a simulated set") as temporary:
        writer = ClipWriter(clips, temporary, out.name)
        made = {}
        with progress.bar(description.count, "clip", f"simulate {out.name}") as bar:
            for index, result in over(writer, description.count, workers):
                made[index] = result
                bar.update()
        ordered = [made[index][0] for index in range(description.count)]
        write_set(temporary, clips.classes, ordered)
        bank_path = str(Path(bank.directory).absolute())
        config.write(temporary / "simulation.yaml", {"bank": bank_path, **asdict(description)})
    return {
        "clips": len(ordered),
        "events": sum(stem.role == "foreground" for clip in ordered for stem in clip.stems),
        "turned_down": sum(gain < 1 for _, gain in made.values()),
        "unused": [name for name in clips.classes if name not in clips.sounds.events],
    }
