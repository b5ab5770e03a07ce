"""Drawing: one scene of many that a description allows.

Everything random about clip ``index`` of ``epoch`` comes from generators seeded by (seed, epoch, index): the same clip
for any worker, rank, or number of restarts.
"""

from dataclasses import replace

import numpy as np

from sedsep import config
from sedsep.data.augment import SOURCE_EFFECTS
from sedsep.data.augment.source_effect import SOURCE_EFFECT, draw_chain
from sedsep.data.levels import LEVELS
from sedsep.data.rooms import draw_position, draw_room
from sedsep.data.scene import Placed, Rooms, Scene, SceneDescription
from sedsep.data.soundbank import Sound, Sounds
from sedsep.errors import UserError

ATTEMPTS = 20  # tries to place an event before it is given up
VIEW = 4  # the stream of random numbers that draws what views do not share


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
        sounds: from :func:`usable`. view: views of one clip have the same events at the same times; background,
            rooms, levels and effects are drawn anew.
    """
    rng = np.random.default_rng([seed, epoch, index])
    length = round(1000 * description.seconds)
    room, reference, background = _surroundings(rng, description, sounds, length)
    events = []
    for _ in range(rng.integers(description.n_events[0], description.n_events[1] + 1)):
        candidates = _candidates(sounds.events, description, events)
        for _ in range(ATTEMPTS if candidates else 0):
            event = _event(rng, description, candidates, length, reference, room)
            if _fits(event, events, description):
                events.append(event)
                break
    events = sorted(events, key=lambda e: (e.onset, e.sound.label))
    if view:
        rng = np.random.default_rng([seed, epoch, index, VIEW, view])
        room, reference, background = _surroundings(rng, description, sounds, length)
        events = [replace(event, **_hearing(rng, description, reference, room)) for event in events]
    if description.levels is not None:
        rule = config.build(LEVELS, description.levels)
        levels, reference = rule.draw(rng, len(events))
        events = [replace(e, level_db=level, measure=rule.measure) for e, level in zip(events, levels)]
        background = background and replace(background, level_db=reference, measure=rule.measure)
    for place, event in enumerate(events if description.effects else ()):
        rng = np.random.default_rng([seed, epoch, index, SOURCE_EFFECT, view, place])
        chain = draw_chain(SOURCE_EFFECTS, description.effects, description.most_effects, rng, event.duration / 1000)
        events[place] = replace(event, effects=chain)
    return Scene(length, background, tuple(events), None if _rooms_apart(description) else room)


def _surroundings(rng, description, sounds, length) -> tuple:
    """The room or None, the level that events are loud against, and the background or None."""
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
    return room, reference, background


def _rooms_apart(description) -> bool:
    return description.rooms is not None and Rooms(**description.rooms).each == "source"


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
    return Placed(sound, start, onset, duration, **_hearing(rng, description, reference, room))


def _hearing(rng, description, reference, room) -> dict:
    """How an event is heard: its level and its place in the room, if there is one."""
    heard = {"level_db": reference + rng.uniform(*description.level_db), "position": None, "tail": None, "room": None}
    if room is None:
        return heard
    if _rooms_apart(description):
        room = heard["room"] = draw_room(rng, Rooms(**description.rooms).rt60)
    return {**heard, "position": draw_position(rng, room), "tail": int(rng.integers(2**31))}


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
