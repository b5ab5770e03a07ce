"""Shift: a clip rolled in time, its events with it."""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import numpy as np

from sedsep.config import Interval
from sedsep.data.augment.effect import Effect


@dataclass(frozen=True)
class Shift(Effect):
    """A circular shift: what leaves at one end comes in at the other.

    Source: DCASE 2020 systems roll the sound and leave the labels; here events move with their sound, and one that
    is cut by the end of the clip becomes two.

    Args:
        seconds: interval of the shift, uniform; positive is later.
    """

    seconds: Annotated[tuple[float, ...], Interval(-3600, 3600)] = (-1.0, 1.0)
    moves_events: ClassVar[bool] = True

    def draw(self, rng, seconds) -> dict:
        """``{"seconds": shift}``."""
        return {"seconds": float(rng.uniform(*self.seconds))}

    def apply(self, clip, parameters):
        """The clip after the shift, rounded to whole samples; weak labels stay true as they are."""
        shift = round(parameters["seconds"] * clip.sample_rate) % max(1, len(clip.mixture))
        rolled = clip.changed(lambda waveform: np.roll(waveform, shift))
        if clip.strong is None:
            return rolled
        return replace(rolled, strong=_rolled(clip.strong, shift / clip.sample_rate, clip.seconds))


def _rolled(events, shift, end) -> tuple:
    """Events ``shift`` seconds later in a circle of ``end`` seconds, by onset; ``0 <= shift < end``.

    What was labelled beyond the end of the sound is left out.
    """
    moved = []
    for onset, offset, label in events:
        onset, offset = max(onset, 0.0), min(offset, end)
        if offset - onset >= end:
            moved.append((0.0, end, label))  # a circle is whole wherever it begins
            continue
        # Once where the shift puts it and once a round earlier: each copy counts as far as it lies in the clip.
        for start in (onset + shift, onset + shift - end):
            first, last = max(start, 0.0), min(start + offset - onset, end)
            if last - first > 1e-6:  # less is rounding, of an event that ends at the seam
                moved.append((first, last, label))
    return tuple(sorted(moved))
