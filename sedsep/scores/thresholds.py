"""Thresholds of each class, moved to one half: what was above a class's threshold is above 0.5, in the same order.

Ours: so a threshold per class is a transform of scores like any smoothing, and whatever decides at 0.5 uses it.
"""

import numpy as np

from sedsep.errors import UserError


def to_half(scores: np.ndarray, thresholds) -> np.ndarray:
    """Scores that are above 0.5 where, and only where, they were above the thresholds; straight lines on either side.

    Args:
        scores: ``(..., L', C)`` in [0, 1]. thresholds: one number or C of them, in [0, 1].

    Raises:
        UserError: a threshold lies outside.

    >>> to_half(np.array([[0.1, 0.1], [0.2, 0.2], [0.6, 0.6]]), [0.2, 0.5]).round(2)
    array([[0.25, 0.1 ],
           [0.5 , 0.2 ],
           [0.75, 0.6 ]])
    """
    thresholds = np.broadcast_to(np.asarray(thresholds, float), scores.shape[-1:])
    if (thresholds < 0).any() or (thresholds > 1).any():
        raise UserError("thresholds lie between 0 and 1")
    scores = scores.astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        below = 0.5 * np.where(thresholds > 0, scores / thresholds, 0)
        above = 0.5 + 0.5 * (scores - thresholds) / (1 - thresholds)
    return np.where(scores > thresholds, np.maximum(above, np.nextafter(0.5, 1)), np.minimum(below, 0.5))
