"""Kernels of PCEN on CPU: smoothers over time with their adjoint, and the gradient of what follows them.

Frames come before bands, so that the innermost loop runs over bands side by side. States and sums are in double
precision: the rounding of a frame stays in a smoother for ``1 / s`` frames.
"""

import numpy as np

from sedsep.nnet.fast.crew import kernel

STARTS = {"first": 0, "zero": 1, "one": 2}


@kernel
def smooth(x, coefficients, zero_phase, start, out):
    """``x (B, L, F)`` by each of K coefficients into ``out (B, K, L, F)``."""
    n_clips, n_frames, n_bands = x.shape
    state = np.empty(n_bands)
    for clip in range(n_clips):
        for k in range(len(coefficients)):
            s = coefficients[k]
            for f in range(n_bands):
                state[f] = x[clip, 0, f] if start == 0 else start - 1.0
            for t in range(n_frames):
                for f in range(n_bands):
                    state[f] += s * (x[clip, t, f] - state[f])
                    out[clip, k, t, f] = state[f]
            if zero_phase:
                for t in range(n_frames - 1, -1, -1):
                    for f in range(n_bands):
                        state[f] += s * (out[clip, k, t, f] - state[f])
                        out[clip, k, t, f] = state[f]


@kernel
def smooth_adjoint(grad, coefficients, zero_phase, start, out):
    """The gradient ``grad (B, K, L, F)`` of what :func:`smooth` gave -> that of its input, ``out (B, L, F)``."""
    n_clips, n_smoothers, n_frames, n_bands = grad.shape
    state, between = np.empty(n_bands), np.empty((n_frames, n_bands))
    out[:] = 0
    for clip in range(n_clips):
        for k in range(n_smoothers):
            s = coefficients[k]
            if zero_phase:
                state[:] = 0
                for t in range(n_frames):
                    for f in range(n_bands):
                        state[f] = (1 - s) * state[f] + grad[clip, k, t, f]
                        between[t, f] = s * state[f]
                for f in range(n_bands):  # the steady state that the backward filter begins in
                    between[-1, f] += (1 - s) * state[f]
            else:
                for t in range(n_frames):
                    for f in range(n_bands):
                        between[t, f] = grad[clip, k, t, f]
            state[:] = 0
            for t in range(n_frames - 1, -1, -1):
                for f in range(n_bands):
                    state[f] = (1 - s) * state[f] + between[t, f]
                    out[clip, t, f] += s * state[f]
            if start == 0:
                for f in range(n_bands):
                    out[clip, 0, f] += (1 - s) * state[f]


@kernel
def normalise_adjoint(grad, energy, smoothed, out, gain, log_mean, log_ratio, layers, weights, eps,
                      to_energy, to_smoothed, to_layers, to_weights):  # fmt: skip
    """Gradients of ``out = delta^r expm1(r log_ratio)``, see ``fast/pcen.py``.

    Shapes: grad, out, gain, log_mean, log_ratio ``(B, P, L, F)``; energy, to_energy ``(B, L, F)``; smoothed,
    to_smoothed ``(B, K, L, F)``; layers ``(P, 3)`` of alpha, delta, r; weights ``(P, K, F)``; to_layers ``(P, 3, F)``
    and to_weights ``(P, K, F)``, doubles to which sums are added.
    """
    n_clips, n_layers, n_frames, n_bands = grad.shape
    n_smoothers = weights.shape[1]
    to_energy[:] = 0
    to_smoothed[:] = 0
    to_mean = np.empty(n_bands, energy.dtype)
    for clip in range(n_clips):
        for p in range(n_layers):
            alpha, delta, r = layers[p, 0], layers[p, 1], layers[p, 2]
            power, log_delta, share = delta**r, np.log(delta), r / delta
            for t in range(n_frames):
                for f in range(n_bands):
                    g, y, q = grad[clip, p, t, f], out[clip, p, t, f], log_ratio[clip, p, t, f]
                    ratio = energy[clip, t, f] * gain[clip, p, t, f]
                    whole = y + power  # (ratio + delta)^r
                    slope = whole / (ratio + delta)
                    to_ratio = g * r * slope
                    to_layers[p, 0, f] -= to_ratio * ratio * log_mean[clip, p, t, f]
                    to_layers[p, 1, f] += g * share * (y - slope * ratio)
                    to_layers[p, 2, f] += g * (log_delta * y + whole * q)
                    to_energy[clip, t, f] += to_ratio * gain[clip, p, t, f]
                    to_mean[f] = -alpha * to_ratio * ratio
                for f in range(n_bands):
                    mean = eps
                    for k in range(n_smoothers):
                        mean += weights[p, k, f] * smoothed[clip, k, t, f]
                    to_mean[f] /= mean
                for k in range(n_smoothers):
                    for f in range(n_bands):
                        to_weights[p, k, f] += to_mean[f] * smoothed[clip, k, t, f]
                        to_smoothed[clip, k, t, f] += to_mean[f] * weights[p, k, f]
