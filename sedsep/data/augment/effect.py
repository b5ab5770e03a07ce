"""Effect: a change of a whole clip while training, mixture, stems and events together.

What is drawn for a clip is a function of (seed, epoch, index, view, place of the effect in the list) and of nothing
else: no effect changes what another one draws, nor the windows and pairs.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from sedsep.config import Range
from sedsep.data.clip import LoadedClip

EFFECT = 2  # the stream of random numbers that draws effects; 1 draws pairs, 3 effects of sources, none windows


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What every effect has: fields are its configuration, ``draw`` says what happens, and ``apply`` does it.

    ``moves_events`` says whether events change their times: then both views of a clip get the same.

    Args:
        probability: share of the clips that are changed.
    """

    probability: Annotated[float, Range(0, 1)] = 1.0
    moves_events: ClassVar[bool] = False

    def draw(self, rng: np.random.Generator, seconds: float) -> dict:
        """What happens to one clip of ``seconds``: parameters as plain data."""
        raise NotImplementedError

    def apply(self, clip: LoadedClip, parameters: dict) -> LoadedClip:
        """The clip after the effect, as long as before; a pure function: ``clip`` and its arrays stay as they are."""
        raise NotImplementedError


def affected(clip: LoadedClip, effects, seed: int, epoch: int, index: int, view: int = 0) -> LoadedClip:
    """The clip ``index`` of ``epoch`` after ``effects``, one after the other, as ``view`` hears it."""
    for place, effect in enumerate(effects):
        shared = 0 if effect.moves_events else view
        rng = np.random.default_rng([seed, epoch, index, EFFECT, shared, place])
        if rng.random() < effect.probability:
            clip = effect.apply(clip, effect.draw(rng, clip.seconds))
    return clip
