"""Global normalisation fused with the convolutions around it: the fast path of a TCN block on CPU.

The formulas are those of :class:`sedsep.nnet.tcn.TCNBlock`; what differs is the order of work. A global norm is a
scale and a shift per channel once its two statistics are known, so it is folded into the convolution that follows;
and the sums over the clip that its gradient needs follow from the gradient of that convolution's weights. Only the
inputs of the PReLUs are kept, everything else lives in pieces of a clip that stay in cache.

In the comments, a clip goes ``x -> h -> a -> z -> p -> out``: expand, PReLU, (norm and) depth-wise convolution,
PReLU, (norm and) projection. Gradients have the name of their tensor with ``grad_`` before it.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch.autograd import Function
from torch.autograd.function import once_differentiable

EPS = 1e-8
PIECE = 512  # frames: a megabyte at 512 channels, about the second-level cache of a core


def fusable(x: torch.Tensor) -> bool:
    """Whether the fused operations take ``x``: on CPU, in plain float32 or float64, and not while compiling."""
    plain = x.dtype in (torch.float32, torch.float64) and not torch.is_autocast_enabled("cpu")
    return x.device.type == "cpu" and plain and not torch.compiler.is_compiling()


def empty(like: torch.Tensor, *shape: int) -> torch.Tensor:
    """Uninitialised CPU tensor with the dtype of ``like``, in numpy's memory.

    Numpy asks the kernel for huge pages and torch does not; to fault small ones in costs more than the arithmetic.
    """
    return torch.from_numpy(np.empty(shape, str(like.dtype).removeprefix("torch.")))


def pieces(n_frames: int) -> list:
    """``(first, last)`` of the pieces of a clip, last exclusive.

    >>> pieces(1200)
    [(0, 512), (512, 1024), (1024, 1200)]
    """
    return [(i, min(i + PIECE, n_frames)) for i in range(0, n_frames, PIECE)]


def prelu(x: torch.Tensor, slope: float, scratch: torch.Tensor) -> torch.Tensor:
    """PReLU of a piece ``(l, D)`` into the first rows of ``scratch``."""
    return torch.ops.aten.leaky_relu.out(x, slope, out=scratch[: len(x)])


def prelu_backward(grad: torch.Tensor, x: torch.Tensor, slope: float, scratch: torch.Tensor) -> torch.Tensor:
    """Gradient of the slope (a scalar tensor); ``grad`` becomes the gradient of ``x`` in place."""
    grad_slope = torch.dot(torch.clamp(x, max=0.0, out=scratch[: len(x)]).view(-1), grad.view(-1))
    torch.ops.aten.leaky_relu_backward.grad_input(grad, x, slope, False, grad_input=grad)
    return grad_slope


class Norm(NamedTuple):
    """The global norm of one clip: mean and rate = 1 / deviation as floats, scale and shift ``(D,)``."""

    mean: float
    rate: float
    scale: torch.Tensor
    shift: torch.Tensor

    def backward(self, gain, count: int, sum_grad, sum_product) -> tuple:
        """Gradient of a norm ``y = scale * a + shift`` from two sums over the clip, without a pass over it.

        Args:
            gain: ``(D,)``. count: elements of the clip, L D.
            sum_grad, sum_product: ``(D,)`` sums over L of ``grad_y`` and of ``grad_y * a``.

        Returns:
            Gradients of gain and bias ``(D,)``; floats u and v of ``grad_a = scale * grad_y + u + v * a``.
        """
        grad_gain = self.rate * (sum_product - self.mean * sum_grad)
        v = -(self.rate**2) * torch.dot(gain, grad_gain).item() / count
        u = -self.rate * torch.dot(gain, sum_grad).item() / count - self.mean * v
        return grad_gain, sum_grad, u, v


class Moments:
    """Sum and sum of squares of one clip, piece by piece; the pieces add up in double precision."""

    def __init__(self):
        self.count, self.total, self.square = 0, 0.0, 0.0

    def add(self, piece: torch.Tensor) -> None:
        """Count in a contiguous piece."""
        flat = piece.view(-1)
        self.count += flat.numel()
        self.total += flat.sum().item()
        self.square += torch.dot(flat, flat).item()

    def norm(self, gain: torch.Tensor, bias: torch.Tensor) -> Norm:
        """The norm with these moments and the gain and bias ``(D,)``."""
        mean = self.total / self.count
        rate = (max(self.square / self.count - mean * mean, 0.0) + EPS) ** -0.5
        return Norm(mean, rate, gain * rate, bias - gain * (rate * mean))


class Taps:
    """The taps of a depth-wise convolution ``(D, 1, kernel)`` over a clip of ``n_frames`` between zeros.

    Output frame ``l`` takes input frame ``l + offset``; iteration gives ``(offset, weight (D,))`` per tap.
    """

    def __init__(self, weight: torch.Tensor, dilation: int, n_frames: int):
        self.n_frames = n_frames
        self.offsets = [(k - weight.shape[2] // 2) * dilation for k in range(weight.shape[2])]
        self.weights = weight[:, 0].t().contiguous()  # (kernel, D)

    def __iter__(self):
        return zip(self.offsets, self.weights)

    def outputs(self, first: int, last: int, offset: int) -> tuple:
        """Of the input frames ``first:last`` those that some output frame takes, and these output frames."""
        first = min(max(first, offset), last)
        last = max(first, min(last, self.n_frames + offset))
        return slice(first, last), slice(first - offset, last - offset)

    def orphans(self, z: torch.Tensor, offset: int) -> tuple:
        """The frames of ``z (L, D)``, at its start and at its end, whose input frame lies outside the clip."""
        return z[: max(0, -offset)], z[max(0, self.n_frames - offset) :] if offset > 0 else z[:0]


class ExpandNormDepthwise(Function):
    """``x (B, L, channels) -> z (B, L, D)``: 1 x 1 convolution, PReLU, global norm, depth-wise convolution."""

    @staticmethod
    def forward(ctx, x, weight, bias, slope, gain, norm_bias, depth_weight, depth_bias, dilation):
        """One pass for the statistics, one for the result."""
        x = x.contiguous()
        n_frames, width = x.shape[1], len(weight)
        taps, scratch = Taps(depth_weight, dilation, n_frames), x.new_empty(PIECE, width)
        hs, zs = empty(x, len(x), n_frames, width), empty(x, len(x), n_frames, width)
        norms = []
        for x_clip, h, z in zip(x, hs, zs):
            moments = Moments()
            for i, j in pieces(n_frames):
                torch.addmm(bias, x_clip[i:j], weight.t(), out=h[i:j])
                moments.add(prelu(h[i:j], slope.item(), scratch))
            norm = moments.norm(gain, norm_bias)
            z[:] = depth_bias + norm.shift * taps.weights.sum(0)
            for offset, tap in taps:
                for frames in taps.orphans(z, offset):
                    frames -= norm.shift * tap
            for i, j in pieces(n_frames):
                a = prelu(h[i:j], slope.item(), scratch)
                for offset, tap in taps:
                    source, target = taps.outputs(i, j, offset)
                    z[target].addcmul_(a[source.start - i : source.stop - i], norm.scale * tap)
            norms.append(norm)
        ctx.save_for_backward(x, hs, weight, slope, gain, depth_weight)
        ctx.norms, ctx.dilation = norms, dilation
        return zs

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_zs):
        """One pass for the sums, one for the gradients."""
        x, hs, weight, slope, gain, depth_weight = ctx.saved_tensors
        grad_zs = grad_zs.contiguous()
        n_frames, width = hs.shape[1:]
        taps = Taps(depth_weight, ctx.dilation, n_frames)
        scratch, product = x.new_empty(PIECE, width), x.new_empty(PIECE, width)
        grad_x, grad_weight, grad_bias = torch.empty_like(x), torch.zeros_like(weight), torch.zeros_like(gain)
        grad_slope, grad_taps = torch.zeros_like(slope), torch.zeros_like(taps.weights)
        grad_gain, grad_norm_bias, grad_depth_bias = (torch.zeros_like(gain) for _ in range(3))
        for x_clip, grad_x_clip, h, grad_z, norm in zip(x, grad_x, hs, grad_zs, ctx.norms):
            dots = torch.zeros_like(taps.weights)  # per tap, the sum over frames of grad_z * (the a it takes)
            for i, j in pieces(n_frames):
                a = prelu(h[i:j], slope.item(), scratch)
                for dot, offset in zip(dots, taps.offsets):
                    source, target = taps.outputs(i, j, offset)
                    rows = product[: source.stop - source.start]
                    dot += torch.mul(grad_z[target], a[source.start - i : source.stop - i], out=rows).sum(0)
            total = grad_z.sum(0)
            totals = torch.stack([total - sum(f.sum(0) for f in taps.orphans(grad_z, o)) for o in taps.offsets])
            grad_taps += dots * norm.scale + totals * norm.shift
            grad_depth_bias += total
            sums = (taps.weights * totals).sum(0), (taps.weights * dots).sum(0)
            to_gain, to_bias, u, v = norm.backward(gain, h.numel(), *sums)
            grad_gain += to_gain
            grad_norm_bias += to_bias
            for i, j in pieces(n_frames):
                grad_a = prelu(h[i:j], slope.item(), scratch).mul_(v).add_(u)
                for offset, tap in taps:
                    source, target = taps.outputs(i, j, offset)
                    grad_a[source.start - i : source.stop - i].addcmul_(grad_z[target], norm.scale * tap)
                grad_slope += prelu_backward(grad_a, h[i:j], slope.item(), product)
                grad_h = grad_a
                torch.mm(grad_h, weight, out=grad_x_clip[i:j])
                grad_weight.addmm_(grad_h.t(), x_clip[i:j])
                grad_bias += grad_h.sum(0)
        grad_depth_weight = grad_taps.t().unsqueeze(1)
        grads = (grad_x, grad_weight, grad_bias, grad_slope, grad_gain, grad_norm_bias, grad_depth_weight)
        return (*grads, grad_depth_bias, None)


class NormProject(Function):
    """``z (B, L, D) -> out (B, L, outputs)``: PReLU, global norm, 1 x 1 convolution."""

    @staticmethod
    def forward(ctx, zs, slope, gain, norm_bias, weight, bias):
        """One pass; the rate of the norm, which only its end tells, multiplies the products afterwards."""
        n_frames, width = zs.shape[1:]
        outs, scratch = empty(zs, len(zs), n_frames, len(weight)), zs.new_empty(PIECE, width)
        norms, gained = [], (weight * gain).t().contiguous()
        for z, out in zip(zs, outs):
            moments = Moments()
            for i, j in pieces(n_frames):
                p = prelu(z[i:j], slope.item(), scratch)
                moments.add(p)
                torch.mm(p, gained, out=out[i:j])
            norm = moments.norm(gain, norm_bias)
            torch.add(torch.addmv(bias, weight, norm.shift), out, alpha=norm.rate, out=out)
            norms.append(norm)
        ctx.save_for_backward(zs, slope, gain, weight)
        ctx.norms = norms
        return outs

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_outs):
        """One pass for the sums, one for the gradients."""
        zs, slope, gain, weight = ctx.saved_tensors
        grad_outs = grad_outs.contiguous()
        n_frames, width = zs.shape[1:]
        scratch, product = zs.new_empty(PIECE, width), zs.new_empty(PIECE, width)
        grad_zs, grad_weight, grad_bias = empty(zs, *zs.shape), torch.zeros_like(weight), grad_outs.sum((0, 1))
        grad_slope, grad_gain, grad_norm_bias = (torch.zeros_like(t) for t in (slope, gain, gain))
        for z, grad_z, grad_out, norm in zip(zs, grad_zs, grad_outs, ctx.norms):
            outer = torch.zeros_like(weight)  # the sum over frames of grad_out (x) p
            for i, j in pieces(n_frames):
                outer.addmm_(grad_out[i:j].t(), prelu(z[i:j], slope.item(), scratch))
            total = grad_out.sum(0)
            grad_weight += torch.addr(outer * norm.scale, total, norm.shift)
            to_gain, to_bias, u, v = norm.backward(gain, z.numel(), total @ weight, (weight * outer).sum(0))
            grad_gain += to_gain
            grad_norm_bias += to_bias
            scaled = weight * norm.scale
            for i, j in pieces(n_frames):
                grad_p = torch.add(z.new_tensor(u), prelu(z[i:j], slope.item(), scratch), alpha=v, out=grad_z[i:j])
                grad_p.addmm_(grad_out[i:j], scaled)
                grad_slope += prelu_backward(grad_p, z[i:j], slope.item(), product)
        return grad_zs, grad_slope, grad_gain, grad_norm_bias, grad_weight, grad_bias
