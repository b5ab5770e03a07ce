"""Scenes: how soundscapes are to be drawn, and what one contains, as plain data; no audio is touched here.

After Scaper (Salamon et al. 2017), but times lie on a grid of milliseconds, as they are written in label tables.
"""

from dataclasses import asdict, dataclass
from typing import Annotated, Literal

from sedsep import config
from sedsep.data.augment import SOURCE_EFFECTS
from sedsep.data.levels import LEVELS
from sedsep.data.rooms import Room
from sedsep.data.soundbank import Sound
from sedsep.errors import UserError
from sedsep.labels import Classes


@dataclass(frozen=True)
class Rooms:
    """Room responses: reverberation time from the interval ``rt60`` in seconds, in this share of the clips.

    All events of a clip are in one room, or ``each`` source is in a room of its own.
    """

    rt60: tuple[float, ...] = (0.15, 0.6)
    probability: float = 1.0
    each: Literal["clip", "source"] = "clip"


@dataclass(frozen=True)
class SceneDescription:
    """How to draw soundscapes; the keys of a simulation's YAML file.

    Args:
        sample_rate: Hz. seconds: length of a clip. count: clips of a set. seed: of everything random.
        split: part of the bank. share: interval of the split's sources; disjoint intervals share no source.
        n_events: events per clip [min, max], uniform; fewer where no free place is found.
        event_seconds: [min, max]; shorter sounds are not used, of longer ones a drawn part is.
        cut_seconds: [min, max] of the drawn parts, uniform; null: as long as event_seconds allows.
        event_classes: null (all), or lists of classes: the first event is of the first list, and so on; the last
            list serves all further events. distinct_classes: no class twice in a clip.
        level_db: events over background [min, max] dB, RMS of the active parts, measured after reverberation.
        levels: null, or a section with a ``kind`` (``data/levels.py``): every sound has a level of its own, and that
            of the background goes by the quietest event; then ``level_db`` and ``background_level_db`` are idle.
        background_level_db: background [min, max] dB of full scale. background_probability: clips that have one;
            the others take the drawn level as the reference of their events. background_labels: null for all.
        polyphony: most events at one time, or null. same_class_overlap: let events of one class overlap; their
            labels are merged.
        positions: "inside" keeps events whole; "anywhere" lets the clip's edges cut them.
        rooms: null, or a section (rt60, probability, each).
        labels: which table is written. stems: keep the sources' audio. domain: synthetic, or real for a stand-in.
        fixed: draw the same clips in every epoch where they are mixed while training.
        peak: where a mixture would exceed this, all of the clip is turned down by one gain.
        effects: list of sections, each with its ``kind``: what changes an event's sound before room and level.
        most_effects: of one event; none to so many, each number as likely.
    """

    sample_rate: int = 16000
    seconds: float = 10.0
    count: int = 100
    seed: int = 2021
    split: Literal["train", "validation", "test"] = "train"
    share: tuple[float, ...] = (0.0, 1.0)
    n_events: tuple[int, ...] = (1, 5)
    event_seconds: tuple[float, ...] = (0.1, 10.0)
    cut_seconds: tuple[float, ...] | None = None
    event_classes: tuple[tuple[str, ...], ...] | None = None
    distinct_classes: bool = False
    level_db: tuple[float, ...] = (6.0, 30.0)
    levels: Annotated[dict | None, LEVELS] = None
    background_level_db: tuple[float, ...] = (-50.0, -50.0)
    background_probability: float = 1.0
    background_labels: tuple[str, ...] | None = None
    polyphony: int | None = None
    same_class_overlap: bool = False
    positions: Literal["inside", "anywhere"] = "inside"
    rooms: Annotated[dict | None, Rooms] = None
    labels: Literal["strong", "weak", "none"] = "strong"
    stems: bool = True
    domain: Literal["synthetic", "real"] = "synthetic"
    fixed: bool = False
    peak: float = 0.99
    effects: Annotated[list, SOURCE_EFFECTS] = ()
    most_effects: config.Whole = 2

    def __post_init__(self):
        for name in ("share", "n_events", "event_seconds", "cut_seconds", "level_db", "background_level_db"):
            value = getattr(self, name)
            if value is None:
                continue
            if len(value) != 2 or value[0] > value[1]:
                raise UserError(f"configuration: {name} must be [lowest, highest], not {list(value)}")
            object.__setattr__(self, name, tuple(value))  # YAML has lists only
        object.__setattr__(self, "effects", tuple(self.effects))
        if self.event_classes is not None and not (self.event_classes and all(self.event_classes)):
            raise UserError("configuration: event_classes must be lists of classes, such as [[Cat, Dog]], or null")
        for name in ("sample_rate", "seconds", "peak"):
            if not getattr(self, name) > 0:
                raise UserError(f"configuration: {name} must be positive, not {getattr(self, name)}")
        lowest = {"count": 0, "n_events": 0, "seed": 0, "event_seconds": 1e-3, "polyphony": 1}
        for name, least in lowest.items():
            value = getattr(self, name)
            value = value[0] if isinstance(value, (list, tuple)) else value
            if value is not None and value < least:
                raise UserError(f"configuration: {name} must be at least {least}, not {value}")


def scene_classes(description: SceneDescription, classes: Classes) -> Classes:
    """The classes that can occur in the scenes, in the bank's order. Raises UserError for an unknown one."""
    if description.event_classes is None:
        return classes
    named = dict.fromkeys(name for part in description.event_classes for name in part)
    return Classes(tuple(sorted(named, key=lambda name: classes.index(name, "configuration: event_classes"))))


def as_fingerprinted(description: SceneDescription) -> dict:
    """What tells one description from another: keys that came later count only where they change something."""
    later = {} if description.effects else {"effects", "most_effects"}
    later |= {"levels"} if description.levels is None else set()
    said = {key: value for key, value in asdict(description).items() if key not in later}
    if said["rooms"] is not None and said["rooms"].get("each") == "clip":
        said["rooms"] = {key: value for key, value in said["rooms"].items() if key != "each"}
    return said


def describe(section: dict) -> SceneDescription:
    """A description from a mapping of keys. Raises UserError for an unknown key or a value that makes no sense."""
    return SceneDescription(**config.resolve(SceneDescription, section))


@dataclass(frozen=True)
class Placed:
    """One sound in a scene, times in milliseconds.

    ``start`` is where in the recording its audio begins; ``level_db`` is of full scale; ``position`` and ``tail``
    (seed of the response's noise) are None without a room; ``effects`` are ``((kind, parameters), ...)``; ``room``
    is its own, where it is not the scene's; ``measure`` is what ``level_db`` is the level of.
    """

    sound: Sound
    start: int
    onset: int
    duration: int
    level_db: float
    position: tuple = None
    tail: int = None
    effects: tuple = ()
    room: Room = None
    measure: Literal["rms", "peak"] = "rms"


@dataclass(frozen=True)
class Scene:
    """One soundscape as data: what sounds where, how loud, in which room."""

    milliseconds: int
    background: Placed | None
    events: tuple
    room: Room | None


def labels(scene: Scene) -> list:
    """Strong events ``[(onset, offset, label), ...]`` in seconds, by onset; overlaps within a class are merged."""
    merged = []
    for event in scene.events:
        onset, offset, label = event.onset, event.onset + event.duration, event.sound.label
        last = next((m for m in reversed(merged) if m[2] == label), None)
        if last and onset <= last[1]:
            last[1] = max(last[1], offset)
        else:
            merged.append([onset, offset, label])
    return [(onset / 1000, offset / 1000, label) for onset, offset, label in merged]
