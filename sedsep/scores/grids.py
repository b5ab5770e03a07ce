"""Grids: scores and events brought onto another grid of frames, exactly."""

import numpy as np


def resample(scores: np.ndarray, boundaries: np.ndarray, onto: np.ndarray) -> np.ndarray:
    """Average piecewise constant scores over other windows, each old window weighted by its overlap with the new.

    Beyond their end the scores go on as their last window.

    Args:
        scores: ``(L', C)``. boundaries: ``(L'+1,)`` of its windows. onto: ``(K+1,)`` of the new ones.

    Returns:
        ``(K, C)``.

    >>> resample(np.array([[0.0], [1.0]]), np.array([0, 2, 4]), np.array([0, 1, 3, 4]))[:, 0]
    array([0. , 0.5, 1. ])
    """
    if np.array_equal(boundaries, onto):
        return scores
    ends = boundaries.astype(float).copy()
    ends[-1] = max(ends[-1], onto[-1])
    # The integral from 0 is linear between boundaries; a mean is a difference of integrals over a length.
    integral = np.concatenate([np.zeros((1, scores.shape[1])), np.cumsum(scores * np.diff(ends)[:, None], 0)])
    window = np.clip(np.searchsorted(ends, onto, side="right") - 1, 0, len(scores) - 1)
    at = integral[window] + scores[window] * (onto - ends[window])[:, None]
    # Differences of integrals leave [0, 1] by rounding.
    return np.clip(np.diff(at, axis=0) / np.diff(onto)[:, None], scores.min(0), scores.max(0))


def many_hot(events, boundaries: np.ndarray, classes) -> np.ndarray:
    """``(L', C)`` booleans: the windows that an event overlaps. events: rows (onset, offset, label) in seconds.

    >>> many_hot([(0.5, 1.0, "Dog")], np.array([0, 0.4, 0.8, 1.0, 1.2]), ("Cat", "Dog"))[:, 1]
    array([False,  True,  True, False])
    """
    active = np.zeros((len(boundaries) - 1, len(classes)), bool)
    for onset, offset, label in events:
        active[:, classes.index(label)] |= (boundaries[:-1] < offset) & (boundaries[1:] > onset)
    return active
