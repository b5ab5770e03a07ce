"""Levels: how loud each sound of a scene is on its own, and the background next to the quietest of them.

Source: Cornell et al. 2020, section 3.2, and what their code does instead (spec 02, D.d). Scenes whose events have
levels over their background need none of this (``level_db`` of a scene).
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np

from sedsep.config import Interval, Range

Measure = Literal["peak", "rms"]
Level = Annotated[tuple[float, ...], Interval(-200, 0)]


@dataclass(frozen=True)
class UniformLevels:
    """The paper: every event between two levels, the background at most so much over the quietest event.

    Args:
        event_db: interval, uniform. background_db: interval, uniform; the paper states no lowest level.
        over_db: of the background over the quietest event, at most.
        measure: what a level is: the peak, as in the released code, or RMS (of events over their active parts).
    """

    event_db: Level = (-35.0, 0.0)
    background_db: Level = (-50.0, 0.0)
    over_db: Annotated[float, Range(-200, 200)] = 5.0
    measure: Measure = "peak"

    def draw(self, rng: np.random.Generator, count: int) -> tuple:
        """Levels of ``count`` events, a list, and of the background, in dB of full scale."""
        events = [float(rng.uniform(*self.event_db)) for _ in range(count)]
        low, high = self.background_db
        return events, float(rng.uniform(min(low, most := highest(events, self.over_db, high)), most))


@dataclass(frozen=True)
class NormalLevels:
    """The released code: every level from a normal distribution, cut at its limits.

    Args:
        event_mean, event_deviation, event_db: of events. background_mean, background_deviation, background_db: of
            the background. over_db: of the background over the quietest event, at most.
        follow: what the code was meant to do: events after the first around 4 dB below it, deviation 3 dB, within
            20 dB of it. Its first level is never stored, so that all events are drawn alike.
        measure: as of the uniform levels.
    """

    event_mean: float = -30.0
    event_deviation: Annotated[float, Range(0)] = 7.0
    event_db: Level = (-45.0, 0.0)
    background_mean: float = -30.0
    background_deviation: Annotated[float, Range(0)] = 12.0
    background_db: Level = (-50.0, 0.0)
    over_db: Annotated[float, Range(-200, 200)] = 5.0
    follow: bool = False
    measure: Measure = "peak"

    def draw(self, rng: np.random.Generator, count: int) -> tuple:
        """Levels of ``count`` events, a list, and of the background, in dB of full scale."""
        events = []
        for _ in range(count):
            if events and self.follow:
                events.append(float(np.clip(rng.normal(events[0] - 4, 3), events[0] - 20, events[0] + 20)))
            else:
                events.append(float(np.clip(rng.normal(self.event_mean, self.event_deviation), *self.event_db)))
        low, high = self.background_db
        drawn = max(low, rng.normal(self.background_mean, self.background_deviation))
        return events, float(min(drawn, highest(events, self.over_db, high)))


def highest(events, over_db: float, limit: float) -> float:
    """The highest level that a background may have beside ``events``."""
    return min(limit, min(events, default=limit) + over_db)


LEVELS = {"uniform": UniformLevels, "normal": NormalLevels}
