"""Viterbi for the two-state chain at one threshold: the slow reference beside :mod:`sedsep.scores.hmm`.

Source: Cornell et al., DCASE 2020: per class the states {silence, event}, emissions ``(1 - p, p)``, uniform
initial state and prior, log domain.
"""

import math

import numpy as np

from sedsep.scores.hmm import CERTAIN


def viterbi(scores: np.ndarray, stay_silence: float, stay_event: float, threshold: float = 0.5) -> np.ndarray:
    """Most likely states ``(L',)`` (0 silence, 1 event) of one class in one clip; ties go to silence.

    Args:
        scores: ``(L',)``. threshold: the score at which a frame alone speaks for neither state.

    >>> viterbi(np.array([0.1, 0.9, 0.1, 0.8, 0.9, 0.9]), 0.8, 0.8)
    array([0, 0, 0, 1, 1, 1], dtype=int8)
    """
    stay = (math.log(stay_silence), math.log(stay_event))
    change = (math.log1p(-stay_silence), math.log1p(-stay_event))
    bias = math.log(threshold / (1 - threshold))
    best, came_from = None, []
    for p in np.clip(scores, CERTAIN, 1 - CERTAIN).tolist():
        emission = (math.log1p(-p), math.log(p) - bias)
        if best is None:
            best = emission
            continue
        silence = (best[0] + stay[0], best[1] + change[1])
        event = (best[0] + change[0], best[1] + stay[1])
        came_from.append((int(silence[1] > silence[0]), int(event[1] > event[0])))
        best = (max(silence) + emission[0], max(event) + emission[1])
    state = int(best[1] > best[0])
    states = [state]
    for previous in reversed(came_from):
        state = previous[state]
        states.append(state)
    return np.array(states[::-1], np.int8)
