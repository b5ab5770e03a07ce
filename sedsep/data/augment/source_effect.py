"""SourceEffect: a change of one dry sound of a scene, before the room and before its level is set.

Effects of sources are drawn with the scene, as plain data ``((kind, parameters), ...)``, and never move events.
"""

import numpy as np

from sedsep.config import build

SOURCE_EFFECT = 3  # the stream of random numbers that draws effects of sources; scenes have none, effect.py the others


class SourceEffect:
    """What every effect of a source has; a frozen dataclass of its own, whose fields are its configuration."""

    def draw(self, rng: np.random.Generator, seconds: float) -> dict:
        """What happens to one sound of ``seconds``: parameters as plain data."""
        raise NotImplementedError

    @staticmethod
    def apply(waveform: np.ndarray, sample_rate: int, parameters: dict) -> np.ndarray:
        """Waveform ``(T,)`` -> ``(T,)``, the sound of each moment where it was; a pure function."""
        raise NotImplementedError


def draw_chain(kinds: dict, sections, most: int, rng: np.random.Generator, size) -> tuple:
    """The effects of one sound: none to ``most``, each number as likely, every effect at most once, in any order.

    Args:
        kinds: kind -> :class:`SourceEffect`. sections: configurations of what is drawn from.
        size: what effects are told of the sound: its seconds; of a clip's features, (L, F).

    Returns:
        ``((kind, parameters), ...)`` in the order in which they are applied.
    """
    count = rng.integers(min(most, len(sections)) + 1)
    chosen = [sections[place] for place in rng.permutation(len(sections))[:count]]
    return tuple((section["kind"], build(kinds, section).draw(rng, size)) for section in chosen)


def chained(kinds: dict, chain, waveform: np.ndarray, sample_rate: int) -> np.ndarray:
    """Waveform ``(T,)`` after the effects that :func:`draw_chain` drew."""
    for kind, parameters in chain:
        waveform = kinds[kind].apply(waveform, sample_rate, parameters)
    return waveform
