"""Batch norm, gate, dropout and average pooling after a convolution in two passes: the fast path on CPU.

The formulas are those of :class:`sedsep.nnet.detectors.crnn.ConvBlock`; what differs is the order of work. The norm
is a scale and a shift per channel once its statistics are known, so that each piece of a clip goes through norm, gate,
dropout and pooling while it stays in cache, and only the convolution's output is kept for the gradient. The passes
are in :mod:`sedsep.nnet.fast.detector_kernels` and ``norm_kernels``.

In the code a clip goes ``y -> n -> out``: the convolution's output, normalised, pooled. The gradient of a tensor has
its name with ``grad_`` before it.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from sedsep.nnet.fast import detector_kernels as kernels
from sedsep.nnet.fast import norm_kernels
from sedsep.nnet.fast.crew import Crew, arrays
from sedsep.nnet.fast.memory import empty

PIECE = 2**15  # values of all channels: 128 kB, of which a backward pass holds four


class Plan(NamedTuple):
    """How a clip is cut, and what has no gradient.

    Args:
        rows: frames of a unit. n_bands: F. keys: ``(B, 2)`` of dropout. least: its threshold, 0 keeps all.
        pool: times and bands. factor: what a kept product has in the mean.
    """

    rows: int
    n_bands: int
    keys: np.ndarray
    least: np.uint32
    pool: tuple
    factor: np.float32

    def units(self, y: torch.Tensor) -> int:
        """Units of ``y (B, C, L F)``."""
        return len(y) * -(-y.shape[2] // (self.rows * self.n_bands))


def plan(shape: tuple, pool: tuple, keys: np.ndarray, least: int, p: float) -> Plan:
    """The plan for ``y`` of ``shape (B, C, L, F)``; keys and least of dropout with the probability p."""
    _, n_channels, n_frames, n_bands = shape
    times, bands = pool
    most = max(1, PIECE // (n_channels * n_bands * times))  # poolings of a unit
    n_units = -(-n_frames // (most * times))
    rows = -(-n_frames // (n_units * times)) * times
    return Plan(rows, n_bands, keys, np.uint32(least), (times, bands), np.float32(1 / ((1 - p) * times * bands)))


def statistics(y: torch.Tensor, cut: Plan) -> tuple:
    """Mean and variance (over n, not n - 1) of each channel of ``y (B, C, L F)``."""
    origin = y[0, :, 0].contiguous()
    sums = torch.zeros(cut.units(y), 2, y.shape[1])
    with Crew(cut.units(y), 1) as crew:
        crew.run(norm_kernels.moments, *arrays(y), cut.rows, cut.n_bands, *arrays(origin, sums))
    total, square = sums.double().sum(0) / (len(y) * y.shape[2])
    return (total + origin).float(), (square - total.square()).clamp(min=0).float()


class GatedPool(Function):
    """``y (B, C, L F)``, gain and bias ``(C,)`` of the norm, gate's weight ``(C, C)`` and bias -> ``(B, C, L' F')``.

    Args:
        mean, rate: ``(C,)`` of the norm, rate is one over the deviation. learnt: whether they are y's own, so that
            y's gradient goes through them.
    """

    @staticmethod
    def forward(ctx, y, gain, bias, weight, gate_bias, mean, rate, learnt, cut):
        """One pass."""
        y, scale = y.contiguous(), gain * rate
        shift, (times, bands) = bias - scale * mean, cut.pool
        n_frames = y.shape[2] // cut.n_bands // times
        out = empty(y, *y.shape[:2], n_frames * (cut.n_bands // bands))
        with Crew(cut.units(y), 1) as crew:
            crew.run(kernels.gate, *arrays(y), cut.rows, cut.n_bands, *arrays(scale, shift, weight, gate_bias),
                     cut.keys, cut.least, cut.pool, cut.factor, *arrays(out))  # fmt: skip
        ctx.save_for_backward(y, gain, bias, weight, gate_bias, mean, rate)
        ctx.learnt, ctx.cut = learnt, cut
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_out):
        """One pass for grad_n and the norm's sums, one for y's where those are part of it."""
        (y, gain, bias, weight, gate_bias, mean, rate), cut = ctx.saved_tensors, ctx.cut
        n_units, n_channels = cut.units(y), y.shape[1]
        scale, grad_y = gain * rate, empty(y, *y.shape)
        with Crew(n_units, 1) as crew:
            grad_weight = torch.zeros(len(crew.parts), n_channels, n_channels)
            grad_gate_bias, sums = torch.zeros(n_units, n_channels), torch.zeros(n_units, 2, n_channels)
            crew.run(kernels.gate_backward, *arrays(y), cut.rows, cut.n_bands,
                     *arrays(scale, bias - scale * mean, weight, gate_bias), cut.keys, cut.least, cut.pool, cut.factor,
                     *arrays(grad_out, mean, grad_y, grad_weight, grad_gate_bias, sums))  # fmt: skip
            grad_bias, dot = sums.double().sum(0).float()
            if ctx.needs_input_grad[0]:
                u, v = torch.zeros(2, n_channels)
                if ctx.learnt:
                    n_values = len(y) * y.shape[2]
                    v = -scale * rate.square() * dot / n_values
                    u = -scale * grad_bias / n_values - v * mean
                crew.run(norm_kernels.through_norm, *arrays(y), cut.rows, cut.n_bands, *arrays(scale, u, v, grad_y))
        grads = grad_bias, grad_weight.sum(0), grad_gate_bias.double().sum(0).float()
        return grad_y if ctx.needs_input_grad[0] else None, rate * dot, *grads, None, None, None, None
