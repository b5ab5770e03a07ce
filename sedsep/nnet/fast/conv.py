"""A 3 x 3 convolution of few maps, the detector's first one: the fast path on CPU.

Libraries make products of matrices of it, which have only nine rows here; it is a sum of nine shifted rows.
"""

import numpy as np
import torch
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from sedsep.compiled import compiled
from sedsep.nnet.fast.crew import Crew, arrays
from sedsep.nnet.fast.memory import empty

ROWS = 16  # frames of a unit
MOST = 4  # maps

# Sums along a row are vectorised: they may be regrouped.
summing = compiled(error_model="numpy", fused=True, regrouped=True)


@summing
def pad(clip, frame, padded):
    """Frames ``frame - 1`` to ``frame + 1`` of ``clip (maps, L, F)`` to ``padded (maps, 3, F + 2)``, zeros around."""
    for m in range(len(clip)):
        for k in range(3):
            row, taken = padded[m, k], frame - 1 + k
            row[:] = 0
            if 0 <= taken < clip.shape[1]:
                row[1:-1] = clip[m, taken]


@summing
def forward(part, first, last, size, rows, x, weight, bias, y):
    """``y (B, C, L, F)`` from ``x (B, maps, L, F)``, ``weight (C, maps, 3, 3)`` and ``bias (C,)``."""
    _, n_maps, n_frames, n_bands = x.shape
    n_units, padded = -(-n_frames // rows), np.empty((n_maps, 3, n_bands + 2), np.float32)
    for unit in range(first, last):
        clip, start = unit // n_units, unit % n_units * rows
        for frame in range(start, min(start + rows, n_frames)):
            pad(x[clip], frame, padded)
            for c in range(len(weight)):
                out = y[clip, c, frame]
                out[:] = bias[c]
                for m in range(n_maps):
                    for k in range(3):
                        row, (a, b, d) = padded[m, k], weight[c, m, k]
                        for f in range(n_bands):
                            out[f] += a * row[f] + b * row[f + 1] + d * row[f + 2]


@summing
def backward(part, first, last, size, rows, x, grad_y, grad_weight, grad_bias):
    """``grad_weight (parts, C, maps, 3, 3)`` and ``grad_bias (parts, C)`` from ``grad_y (B, C, L, F)``; added up."""
    _, n_maps, n_frames, n_bands = x.shape
    n_units, padded = -(-n_frames // rows), np.empty((n_maps, 3, n_bands + 2), np.float32)
    for unit in range(first, last):
        clip, start = unit // n_units, unit % n_units * rows
        for frame in range(start, min(start + rows, n_frames)):
            pad(x[clip], frame, padded)
            for c in range(grad_y.shape[1]):
                grad, total = grad_y[clip, c, frame], np.float32(0)
                for f in range(n_bands):
                    total += grad[f]
                grad_bias[part, c] += total
                for m in range(n_maps):
                    for k in range(3):
                        row, a, b, d = padded[m, k], np.float32(0), np.float32(0), np.float32(0)
                        for f in range(n_bands):
                            a += grad[f] * row[f]
                            b += grad[f] * row[f + 1]
                            d += grad[f] * row[f + 2]
                        grad_weight[part, c, m, k, 0] += a
                        grad_weight[part, c, m, k, 1] += b
                        grad_weight[part, c, m, k, 2] += d


class NarrowConv(Function):
    """``x (B, maps, L, F)``, weight ``(C, maps, 3, 3)``, bias ``(C,)`` -> ``(B, C, L, F)``; x gets no gradient."""

    @staticmethod
    def forward(ctx, x, weight, bias):
        """One pass."""
        x, n_units = x.contiguous(), len(x) * -(-x.shape[2] // ROWS)
        y = empty(x, len(x), len(weight), *x.shape[2:])
        with Crew(n_units, 1) as crew:
            crew.run(forward, ROWS, *arrays(x, weight, bias, y))
        ctx.save_for_backward(x, weight)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_y):
        """One pass; the parts add up in double precision, for there are many frames."""
        x, weight = ctx.saved_tensors
        with Crew(len(x) * -(-x.shape[2] // ROWS), 1) as crew:
            grad_weight = torch.zeros(len(crew.parts), *weight.shape, dtype=torch.double)
            grad_bias = torch.zeros(len(crew.parts), len(weight), dtype=torch.double)
            crew.run(backward, ROWS, *arrays(x, grad_y, grad_weight, grad_bias))
        return None, grad_weight.sum(0).float(), grad_bias.sum(0).float()
