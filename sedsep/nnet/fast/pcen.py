"""PCEN in two differentiable operations: the smoothers, and all that follows them. The fast path on CPU.

With ``ratio = E (eps + M)^-alpha`` the output is ``y = delta^r expm1(r log1p(ratio / delta))``. Its gradients need
none of these functions anew:

    dy/dratio = r (y + delta^r) / (ratio + delta),    dy/dr = y log(delta) + (y + delta^r) log1p(ratio / delta),
    dy/ddelta = r / delta (y - ratio (y + delta^r) / (ratio + delta)),
    dratio/dE = (eps + M)^-alpha,    dratio/dalpha = -ratio log(eps + M),    dratio/dM = -alpha ratio / (eps + M).
"""

import math

import numpy as np
import torch
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from sedsep.nnet.fast import pcen_kernels as kernels
from sedsep.nnet.fast.conditions import fusable
from sedsep.nnet.fast.crew import arrays
from sedsep.nnet.fast.memory import empty
from sedsep.nnet.frontends.pcen import EPS, PCEN


class Smooth(Function):
    """``x (B, L, F)`` smoothed by each of K coefficients: ``(B, K, L, F)``; see ``frontends/smoother.py``."""

    @staticmethod
    def forward(ctx, x, coefficients, direction, start):
        """Band beside band, frame after frame."""
        ctx.how = np.array(coefficients), direction == "zero_phase", kernels.STARTS[start if direction == "causal"
                                                                                    else "first"]  # fmt: skip
        out = empty(x, len(x), len(coefficients), *x.shape[1:])
        kernels.smooth(*arrays(x), *ctx.how, *arrays(out))
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        """The same filters the other way round."""
        out = empty(grad, len(grad), *grad.shape[2:])
        kernels.smooth_adjoint(*arrays(grad), *ctx.how, *arrays(out))
        return out, None, None, None


class Normalise(Function):
    """Energy ``(B, L, F)`` and its smoothed versions ``(B, K, L, F)`` -> ``(B, P, L, F)``.

    Shapes: alpha, delta, r ``(P,)``, weights of the smoothers ``(P, K, F)``.
    """

    @staticmethod
    def forward(ctx, energy, smoothed, alpha, delta, r, weights):
        """Clip after clip and layer after layer, which stay in cache, with torch's vector functions."""
        shape = len(energy), len(weights), *energy.shape[1:]
        out, gain, log_mean, log_ratio = (empty(energy, *shape) for _ in range(4))
        layers = torch.stack([alpha, delta, r], 1)
        for p, (a, d, power) in enumerate(layers.tolist()):
            for clip, one in enumerate(energy):
                level, scale, ratio = log_mean[clip, p], gain[clip, p], log_ratio[clip, p]
                torch.mul(smoothed[clip, 0], weights[p, 0] / EPS, out=level)
                for k in range(1, weights.shape[1]):
                    level.addcmul_(smoothed[clip, k], weights[p, k] / EPS)
                level.log1p_().add_(math.log(EPS))
                torch.mul(level, -a, out=scale).exp_()
                torch.mul(one, scale, out=ratio).div_(d).log1p_()
                torch.mul(ratio, power, out=out[clip, p]).expm1_().mul_(d**power)
        ctx.save_for_backward(energy, smoothed, out, gain, log_mean, log_ratio, layers, weights)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        """In one pass over all, without a logarithm or a power."""
        energy, smoothed, out, gain, log_mean, log_ratio, layers, weights = ctx.saved_tensors
        to_energy, to_smoothed = empty(energy, *energy.shape), empty(energy, *smoothed.shape)
        to_layers = torch.zeros(*layers.shape, energy.shape[-1], dtype=torch.double)
        to_weights = torch.zeros(weights.shape, dtype=torch.double)
        inputs = grad, energy, smoothed, out, gain, log_mean, log_ratio, layers, weights
        kernels.normalise_adjoint(*arrays(*inputs), EPS, *arrays(to_energy, to_smoothed, to_layers, to_weights))
        to_layers = to_layers.sum(2).to(layers.dtype)
        return to_energy, to_smoothed, *to_layers.unbind(1), to_weights.to(weights.dtype)


class FastPCEN(PCEN):
    """PCEN in these operations."""

    def normalise(self, energy: torch.Tensor) -> torch.Tensor:
        """As the plain module."""
        if not fusable(energy):
            return super().normalise(energy)
        alpha, delta, r, weights = (x.to(energy.dtype) for x in self.settings())
        energy = energy.contiguous()
        smoothed = Smooth.apply(energy, self.smoothing, self.direction, self.start)
        return Normalise.apply(energy, smoothed, alpha, delta, r, weights)
