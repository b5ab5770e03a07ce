"""HMM smoothing for every threshold at once: scores in, scores out.

Source: the two-state chain per class of Cornell et al., DCASE 2020 (silence stays with probability a00, an event
with a11), whose Viterbi path at one threshold is the answer at that threshold alone. With the log-odds ``u = logit
p``, ``a01 = 1 - a00`` and ``a10 = 1 - a11`` Viterbi maximises over ``x`` in {0, 1}^L'

    sum_t u'_t x_t - lambda sum_t |x_t - x_{t+1}|,    lambda = 1/2 log(a00 a11 / (a01 a10)),

    u'_t = u_t + log(a11 / a00) inside the clip,
    u'_1 = u_1 + 1/2 log(a10 a11 / (a00 a01)),    u'_L' = u_L' + 1/2 log(a01 a11 / (a00 a10)).

Another threshold is another constant taken from ``u'``; the maximisers for all constants are the level sets of the
total-variation denoising ``v = argmin 1/2 |v - u'|^2 + lambda TV(v)`` (Chambolle and Darbon, 2009; Hochbaum,
2001). So ``sigmoid(v)`` is a score: above any threshold where, and only where, Viterbi with that threshold says
event.
"""

import numpy as np

from sedsep.compiled import compiled
from sedsep.errors import UserError

# Scores of exactly 0 and 1 have no finite log-odds; the nearest double below 1 has 36.7.
CERTAIN = 2.0**-53


def hmm_smooth(scores: np.ndarray, stay_silence, stay_event) -> np.ndarray:
    """Smooth scores by the chain, exactly, at all thresholds.

    Where two paths are equally good the one with fewer active frames is taken (``score > threshold`` is strict);
    paths whose likelihoods differ by no more than rounding are taken as it falls.

    Args:
        scores: ``(B, L', C)`` or ``(L', C)`` in [0, 1].
        stay_silence, stay_event: a00 and a11, one number or C of them, in (0, 1).

    Returns:
        float64 scores of the same shape.

    Raises:
        UserError: a probability is not inside (0, 1), or a chain would rather change than stay (a00 + a11 < 1):
            it has no answer for all thresholds at once.

    >>> scores = np.array([[0.1], [0.6], [0.1], [0.8], [0.9], [0.9]])
    >>> hmm_smooth(scores, 0.8, 0.8).round(2)[:, 0]
    array([0.3 , 0.3 , 0.3 , 0.8 , 0.82, 0.82])
    """
    shape, n_classes = scores.shape, scores.shape[-1]
    silence = np.broadcast_to(np.asarray(stay_silence, float), n_classes)
    event = np.broadcast_to(np.asarray(stay_event, float), n_classes)
    check(silence, event)
    odds = np.log(event / silence)
    edge = 0.5 * np.log((1 - event) / (1 - silence))
    cost = 0.5 * np.log(silence * event / ((1 - silence) * (1 - event)))
    scores = np.ascontiguousarray(scores, float).reshape(-1, *shape[-2:])
    return _smooth(scores, odds, 0.5 * odds + edge, 0.5 * odds - edge, np.maximum(cost, 0)).reshape(shape)


def check(silence, event) -> None:
    """Raise UserError where chains are not legal for smoothing."""
    inside = (silence > 0) & (silence < 1) & (event > 0) & (event < 1)
    if not inside.all():
        raise UserError("HMM smoothing: the probabilities to stay must lie between 0 and 1, without 0 and 1")
    # 1e-12: 0.7 + 0.3 is a chain without memory, whatever the rounding says
    changing = np.flatnonzero(silence + event < 1 - 1e-12)
    if len(changing):
        a00, a11 = silence[changing[0]], event[changing[0]]
        raise UserError(
            f"HMM smoothing: a chain that stays silent with {a00:g} and active with {a11:g} changes rather than "
            "stays (their sum is below 1) and does not smooth; raise one of them"
        )


@compiled(error_model="numpy")
def _smooth(scores, inner, first, last, costs):
    """``sigmoid(v)`` of ``scores (B, L', C)``; shifts from ``u`` to ``u'`` and costs ``(C,)``."""
    n_clips, n_frames, n_classes = scores.shape
    smoothed = np.empty(scores.shape)
    u = np.empty(n_frames)
    low, high = np.empty(n_frames), np.empty(n_frames)
    knot, bend = np.empty(2 * n_frames + 2), np.empty(2 * n_frames + 2)
    for clip in range(n_clips):
        for label in range(n_classes):
            for t in range(n_frames):
                p = min(max(scores[clip, t, label], CERTAIN), 1 - CERTAIN)
                u[t] = np.log(p / (1 - p)) + inner[label]
            # A clip of one frame has both edges: first + last - inner is no shift.
            u[0] += first[label] - inner[label]
            u[-1] += last[label] - inner[label]
            _denoise(u, costs[label], low, high, knot, bend)
            score = 1 / (1 + np.exp(-u[-1]))
            smoothed[clip, -1, label] = score
            for t in range(n_frames - 2, -1, -1):
                if u[t] != u[t + 1]:
                    score = 1 / (1 + np.exp(-u[t]))
                smoothed[clip, t, label] = score
    return smoothed


@compiled(error_model="numpy")
def _denoise(u, cost, low, high, knot, bend):
    """``argmin_v 1/2 |v - u|^2 + cost TV(v)``, in place, in O(L') (dynamic programming: Johnson, 2013).

    ``m(b)``: derivative of the best cost of the frames so far, as a function of the next frame's value ``b``. It
    rises from ``-cost`` to ``cost``, linear between knots where its slope changes by ``bend``. A frame adds
    ``b - u``; what then leaves ``[-cost, cost]`` is cut off at ``low`` and ``high``, between which this frame
    follows the next one.
    """
    n = len(u)
    if n == 1:
        return
    left, right = n, n + 1
    low[0] = knot[left] = u[0] - cost
    high[0] = knot[right] = u[0] + cost
    bend[left], bend[right] = 1.0, -1.0
    for t in range(1, n):
        # From the left m is -cost and the slope 1: follow it over the knots to where m + b - u is -cost (at the
        # last frame 0, the minimum itself).
        root, slope = (u[t] if t < n - 1 else u[t] + cost), 1.0
        while left <= right and knot[left] < root:
            root = knot[left] + slope * (root - knot[left]) / (slope + bend[left])
            slope += bend[left]
            left += 1
        low[t] = root
        if t == n - 1:
            break
        left -= 1
        knot[left], bend[left] = root, slope
        root, slope = u[t], 1.0
        while right > left and knot[right] > root:
            root = knot[right] + slope * (root - knot[right]) / (slope - bend[right])
            slope -= bend[right]
            right -= 1
        high[t] = root
        right += 1
        knot[right], bend[right] = root, -slope
    u[n - 1] = low[n - 1]
    for t in range(n - 2, -1, -1):
        u[t] = min(max(u[t + 1], low[t]), high[t])
