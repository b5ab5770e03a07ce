"""Median filter over the frames of scores; lengths per class.

Source: DCASE 2021 task 4 baseline (scipy's ``median_filter`` over 7 frames of 64 ms). It filters scores and not
decisions: thresholding commutes with the median, so events come out the same at every threshold.
"""

import numpy as np
from scipy import ndimage

from sedsep.errors import UserError


def median_filter(scores: np.ndarray, frames) -> np.ndarray:
    """Running median over time, as ``scipy.ndimage.median_filter`` with its boundary mode ``reflect``.

    Of an even number of scores the upper of the two middle ones is taken, and the window reaches one frame further
    back than ahead.

    Args:
        scores: ``(..., L', C)``. frames: window length, one number or C of them; 1 leaves scores as they are.

    Raises:
        UserError: a length is less than 1.
    """
    frames = np.broadcast_to(frames, scores.shape[-1:])
    if (frames < 1).any():
        raise UserError(f"median filter lengths must be at least 1 frame, not {frames.min()}")
    smoothed = np.empty_like(scores)
    for size in np.unique(frames):
        columns = frames == size
        smoothed[..., columns] = _median(scores[..., columns], int(size))
    return smoothed


def _median(scores, size):
    if size == 1:
        return scores
    # Mirrored here and not by scipy, whose result is wrong where a window is many times a clip (1.17).
    around = [(0, 0)] * scores.ndim
    around[-2] = (size // 2, (size - 1) // 2)
    window = [1] * scores.ndim
    window[-2] = size
    filtered = ndimage.median_filter(np.pad(scores, around, "symmetric"), window)
    return filtered[..., size // 2 : size // 2 + scores.shape[-2], :]
