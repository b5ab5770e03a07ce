"""Median filter over the frames of scores; lengths per class.

Source: DCASE 2021 task 4 baseline (scipy's ``median_filter`` over 7 frames of 64 ms). It filters scores and not
decisions: thresholding commutes with the median, so events come out the same at every threshold.
"""

import numpy as np

from sedsep.compiled import compiled
from sedsep.errors import UserError


def median_filter(scores: np.ndarray, frames) -> np.ndarray:
    """Running median over time, as ``scipy.ndimage.median_filter`` with its boundary mode ``reflect``.

    Of an even number of scores the upper of the two middle ones is taken, and the window reaches one frame further
    back than ahead.

    Args:
        scores: ``(..., L', C)``. frames: window length, one number or C of them; 1 leaves scores as they are.

    Raises:
        UserError: a length is less than 1.

    >>> median_filter(np.array([[0.1], [0.9], [0.2], [0.8], [0.7]]), 3)[:, 0]
    array([0.1, 0.2, 0.8, 0.7, 0.7])
    """
    frames = np.broadcast_to(np.asarray(frames, int), scores.shape[-1:])
    if (frames < 1).any():
        raise UserError(f"median filter lengths must be at least 1 frame, not {frames.min()}")
    # One type for all callers: each other one would be compiled on its own.
    batch = np.ascontiguousarray(scores, np.float64).reshape(-1, *scores.shape[-2:])
    return _running_median(batch, np.array(frames, np.int64)).reshape(scores.shape).astype(scores.dtype)


@compiled()
def _running_median(scores, sizes):
    """``(B, L', C)``; the window is kept sorted, and each step moves only what lies between leaver and joiner."""
    n_clips, n_frames, n_classes = scores.shape
    smoothed = np.empty_like(scores)
    sorted_window = np.empty(sizes.max())
    for clip in range(n_clips):
        for label in range(n_classes):
            size = sizes[label]
            window, back = sorted_window[:size], size // 2
            for k in range(size):  # insertion: numba's own sort takes many seconds to compile
                value = scores[clip, _mirrored(k - back, n_frames), label]
                while k > 0 and window[k - 1] > value:
                    window[k] = window[k - 1]
                    k -= 1
                window[k] = value
            smoothed[clip, 0, label] = window[back]
            for frame in range(1, n_frames):
                old = scores[clip, _mirrored(frame - 1 - back, n_frames), label]
                new = scores[clip, _mirrored(frame - 1 - back + size, n_frames), label]
                if new > old:
                    k = 0
                    while window[k] < old:
                        k += 1
                    while k < size - 1 and window[k + 1] < new:
                        window[k] = window[k + 1]
                        k += 1
                    window[k] = new
                elif new < old:
                    k = size - 1
                    while window[k] > old:
                        k -= 1
                    while k > 0 and window[k - 1] > new:
                        window[k] = window[k - 1]
                        k -= 1
                    window[k] = new
                smoothed[clip, frame, label] = window[back]
    return smoothed


@compiled()
def _mirrored(frame, n_frames):
    """The frame that stands at ``frame`` when a clip is mirrored at its edges again and again."""
    if 0 <= frame < n_frames:
        return frame
    frame %= 2 * n_frames
    return min(frame, 2 * n_frames - 1 - frame)
