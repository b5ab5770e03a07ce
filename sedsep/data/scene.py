"""Scenes: what a soundscape is to contain, drawn as plain data; no audio is touched here.

Everything random about clip ``index`` of ``epoch`` comes from one generator seeded by (seed, epoch, index): the
same clip for any worker, rank, or number of restarts. After Scaper (Salamon et al. 2017), but times lie on a grid
of milliseconds, as they are written in label tables.
"""

from dataclasses import asdict, dataclass, replace
from typing import Annotated, Literal

import numpy as np

from sedsep import config
from sedsep.data.augment import SOURCE_EFFECTS
from sedsep.data.augment.source_effect import SOURCE_EFFECT, draw_chain
from sedsep.data.rooms import Room, draw_position, draw_room
from sedsep.data.soundbank import Sound, Sounds
from sedsep.errors import UserError
from sedsep.labels import Classes

ATTEMPTS = 20  # tries to place an event before it is given up


@dataclass(frozen=True)
class Rooms:
    """Room responses: reverberation time from the interval ``rt60`` in seconds, in this share of the clips."""

    rt60: tuple[float, ...] = (0.15, 0.6)
    probability: float = 1.0


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
        background_level_db: background [min, max] dB of full scale. background_probability: clips that have one;
            the others take the drawn level as the reference of their events. background_labels: null for all.
        polyphony: most events at one time, or null. same_class_overlap: let events of one class overlap; their
            labels are merged.
        positions: "inside" keeps events whole; "anywhere" lets the clip's edges cut them.
        rooms: null, or a section (rt60, probability).
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
    return {key: value for key, value in asdict(description).items() if key not in later}


def describe(section: dict) -> SceneDescription:
    """A description from a mapping of keys. Raises UserError for an unknown key or a value that makes no sense."""
    return SceneDescription(**config.resolve(SceneDescription, section))


@dataclass(frozen=True)
class Placed:
    """One sound in a scene, times in milliseconds.

    ``start`` is where in the recording its audio begins; ``level_db`` is of full scale; ``position`` and ``tail``
    (seed of the response's noise) are None without a room; ``effects`` are ``((kind, parameters), ...)``.
    """

    sound: Sound
    start: int
    onset: int
    duration: int
    level_db: float
    position: tuple = None
    tail: int = None
    effects: tuple = ()


@dataclass(frozen=True)
class Scene:
    """One soundscape as data: what sounds where, how loud, in which room."""

    milliseconds: int
    background: Placed | None
    events: tuple
    room: Room | None


def usable(sounds: Sounds, description: SceneDescription) -> Sounds:
    """The sounds without those that are shorter than the description's shortest event.

    Raises:
        UserError: nothing is left, or a background is wanted and there is none.
    """
    shortest = description.event_seconds[0]
    events = {
        label: tuple(s for s in found if s.offset - s.onset >= shortest) for label, found in sounds.events.items()
    }
    events = {label: found for label, found in events.items() if found}
    for names in description.event_classes or ():
        if not any(name in events for name in names):
            raise UserError(
                f"configuration: the bank has no sound of event_classes {', '.join(names)} in split "
                f"{description.split!r} that is as long as event_seconds asks ({shortest:g} s)"
            )
    if not events and description.n_events[1] > 0:
        raise UserError(f"configuration: no sound of the bank is as long as event_seconds asks ({shortest:g} s)")
    wanted = description.background_labels
    backgrounds = {k: v for k, v in sounds.backgrounds.items() if wanted is None or k in wanted}
    if not backgrounds and description.background_probability > 0:
        kind = f" {', '.join(wanted)}" if wanted else ""
        raise UserError(
            f"the bank has no backgrounds{kind} in this split and share; name some (sedsep soundbank "
            "--backgrounds), or set background_probability to 0"
        )
    return Sounds(events, backgrounds)


def draw(description: SceneDescription, sounds: Sounds, seed: int, epoch: int, index: int, view: int = 0) -> Scene:
    """The scene of one clip.

    Args:
        sounds: from :func:`usable`. view: views of one clip have the same events at the same times; effects are
            drawn anew.
    """
    rng = np.random.default_rng([seed, epoch, index])
    length = round(1000 * description.seconds)
    room = None
    if description.rooms is not None:
        rooms = Rooms(**description.rooms)
        if rng.random() < rooms.probability:
            room = draw_room(rng, rooms.rt60)
    reference = rng.uniform(*description.background_level_db)
    background = None
    if rng.random() < description.background_probability:
        sound = _choose(rng, sounds.backgrounds)
        spare = max(0, _milliseconds(sound) - length)
        background = Placed(sound, round(1000 * sound.onset) + int(rng.integers(spare + 1)), 0, length, reference)
    events = []
    for _ in range(rng.integers(description.n_events[0], description.n_events[1] + 1)):
        candidates = _candidates(sounds.events, description, events)
        for _ in range(ATTEMPTS if candidates else 0):
            event = _event(rng, description, candidates, length, reference, room)
            if _fits(event, events, description):
                events.append(event)
                break
    events = sorted(events, key=lambda e: (e.onset, e.sound.label))
    for place, event in enumerate(events if description.effects else ()):
        rng = np.random.default_rng([seed, epoch, index, SOURCE_EFFECT, view, place])
        chain = draw_chain(SOURCE_EFFECTS, description.effects, description.most_effects, rng, event.duration / 1000)
        events[place] = replace(event, effects=chain)
    return Scene(length, background, tuple(events), room)


def _candidates(by_label, description, events) -> dict:
    """The sounds that the next event may be one of."""
    lists = description.event_classes
    names = by_label if lists is None else lists[min(len(events), len(lists) - 1)]
    used = {event.sound.label for event in events} if description.distinct_classes else ()
    return {label: by_label[label] for label in by_label if label in names and label not in used}


def _event(rng, description, candidates, length, reference, room):
    sound = _choose(rng, candidates)
    shortest, longest = (round(1000 * seconds) for seconds in description.event_seconds)
    if description.cut_seconds is not None:
        longest = min(longest, round(1000 * rng.uniform(*description.cut_seconds)))
    available = _milliseconds(sound)
    duration = min(available, longest, length)
    start = round(1000 * sound.onset) + int(rng.integers(available - duration + 1))
    onset = int(rng.integers(length - duration + 1))
    if description.positions == "anywhere":
        kept = min(shortest, duration)
        onset = int(rng.integers(kept - duration, length - kept + 1))
        start, duration = start - min(0, onset), min(duration + min(0, onset), length - max(0, onset))
        onset = max(0, onset)
    level = reference + rng.uniform(*description.level_db)
    if room is None:
        return Placed(sound, start, onset, duration, level)
    return Placed(sound, start, onset, duration, level, draw_position(rng, room), int(rng.integers(2**31)))


def _choose(rng, by_label) -> Sound:
    """A sound: the label first, then the recording, then one of its active stretches, each uniformly."""
    labels = list(by_label)
    sounds = by_label[labels[rng.integers(len(labels))]]
    paths = list(dict.fromkeys(sound.path for sound in sounds))
    path = paths[rng.integers(len(paths))]
    stretches = [sound for sound in sounds if sound.path == path]
    return stretches[rng.integers(len(stretches))]


def _milliseconds(sound) -> int:
    return round(1000 * sound.offset) - round(1000 * sound.onset)


def _fits(event, events, description) -> bool:
    """Whether an event keeps the rules: no overlap or touch within its class, ``polyphony`` at most."""
    end = event.onset + event.duration
    for other in events:
        apart = end < other.onset or other.onset + other.duration < event.onset
        if other.sound.label == event.sound.label and not apart and not description.same_class_overlap:
            return False
    if description.polyphony is None:
        return True
    moments = [event.onset, *(other.onset for other in events if event.onset <= other.onset < end)]
    sounding = [sum(o.onset <= moment < o.onset + o.duration for o in events) for moment in moments]
    return max(sounding) < description.polyphony


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
