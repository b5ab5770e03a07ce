"""The passes of a batch norm over the clips, compiled: see :mod:`sedsep.nnet.fast.gate`.

Units and arrays are those of the gates in :mod:`sedsep.nnet.fast.detector_kernels`.
"""

import numpy as np

from sedsep.compiled import compiled
from sedsep.nnet.fast.crew import kernel

# Sums along a row are vectorised: they may be regrouped.
summing = compiled(error_model="numpy", fused=True, regrouped=True)


@summing
def moments(part, first, last, size, y, rows, n_bands, origin, sums):
    """Sums of ``y - origin`` and of its squares: ``sums (units, 2, C)``; origin ``(C,)`` keeps them small."""
    step = rows * n_bands
    n_units = -(-y.shape[2] // step)
    for unit in range(first, last):
        clip, start = unit // n_units, unit % n_units * step
        for c in range(y.shape[1]):
            row, middle = y[clip, c, start : start + step], origin[c]
            total, square = np.float32(0), np.float32(0)
            for i in range(len(row)):
                value = row[i] - middle
                total += value
                square += value * value
            sums[unit, 0, c], sums[unit, 1, c] = total, square


@kernel
def through_norm(part, first, last, size, y, rows, n_bands, scale, u, v, grad):
    """``grad (B, C, L F) = scale grad + u + v y`` per channel, in place."""
    step = rows * n_bands
    n_units = -(-y.shape[2] // step)
    for unit in range(first, last):
        clip, start = unit // n_units, unit % n_units * step
        for c in range(y.shape[1]):
            source, target = y[clip, c, start : start + step], grad[clip, c, start : start + step]
            for i in range(len(target)):
                target[i] = scale[c] * target[i] + (u[c] + v[c] * source[i])
