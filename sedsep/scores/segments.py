"""Minimum length of events and merging of gaps, at every threshold at once.

Source: flat morphology (Serra, 1982). Thresholding commutes with running minima and maxima, so opening the scores
of a class drops, at each threshold, the runs that are too short, and closing fills the gaps that are too short.
"""

import numpy as np
from scipy import ndimage

from sedsep.errors import UserError


def drop_short(scores: np.ndarray, frames) -> np.ndarray:
    """At every threshold remove runs of fewer than ``frames`` frames, at the clip's edges too.

    Args:
        scores: ``(..., L', C)`` in [0, 1]. frames: one number or C of them; 1 leaves scores as they are.

    Raises:
        UserError: a length is less than 1.

    >>> drop_short(np.array([[0.9], [0.1], [0.8], [0.7], [0.1]]), 2)[:, 0]
    array([0.1, 0.1, 0.7, 0.7, 0.1])
    """
    return _apply(ndimage.grey_opening, scores, frames)


def fill_gaps(scores: np.ndarray, frames) -> np.ndarray:
    """At every threshold fill gaps of fewer than ``frames`` frames between two runs.

    Silence before the first run and after the last is no gap. Arguments as in :func:`drop_short`.

    >>> fill_gaps(np.array([[0.1], [0.8], [0.2], [0.7], [0.1]]), 2)[:, 0]
    array([0.1, 0.8, 0.7, 0.7, 0.1])
    """
    return _apply(ndimage.grey_closing, scores, frames)


def _apply(operation, scores, frames):
    frames = np.broadcast_to(frames, scores.shape[-1:])
    if (frames < 1).any():
        raise UserError(f"lengths of events and gaps must be at least 1 frame, not {frames.min()}")
    result = scores.copy()
    for size in np.unique(frames[frames > 1]).tolist():
        columns = frames == size
        around, window = [(0, 0)] * scores.ndim, [1] * scores.ndim
        around[-2], window[-2] = (size, size), size
        # Beyond its edges a clip is silent: no run goes on there, and every gap does.
        silent = np.pad(scores[..., columns], around)
        result[..., columns] = operation(silent, window)[..., size:-size, :]
    return result
