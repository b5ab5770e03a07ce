"""A TCN block with global norms as one differentiable operation: the fast path on CPU.

The formulas are those of :class:`sedsep.nnet.tcn.TCNBlock`; what differs is the order of work. A global norm is a
scale and a shift per channel once its two statistics are known, so it is folded into the convolution that follows;
and the sums over the clip that its gradient needs follow from the gradient of that convolution's weights. Only the
outputs of the two PReLUs are kept; everything else lives in pieces of a clip that stay in cache.

In the code a clip goes ``x -> h -> a -> z -> p -> out``: expand, PReLU, (norm and) depth-wise convolution, PReLU,
(norm and) projection. The gradient of a tensor has its name with ``grad_`` before it.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from sedsep.nnet.fast import empty, linear, pieces

EPS = 1e-8


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
            Gradient of gain ``(D,)`` (that of bias is ``sum_grad``); floats u, v of
            ``grad_a = scale * grad_y + u + v * a``.
        """
        grad_gain = self.rate * (sum_product - self.mean * sum_grad)
        v = -(self.rate**2) * torch.dot(gain, grad_gain).item() / count
        u = -self.rate * torch.dot(gain, sum_grad).item() / count - self.mean * v
        return grad_gain, u, v


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

    Output frame ``l`` takes input frame ``l + offset`` with a weight ``(D,)``.
    """

    def __init__(self, weight: torch.Tensor, dilation: int, n_frames: int):
        kernel = weight.shape[2]
        self.n_frames, self.centre = n_frames, kernel // 2
        self.offsets = [(k - self.centre) * dilation for k in range(kernel)]
        self.weights = weight[:, 0].t().contiguous()  # (kernel, D)

    def inside(self, i: int, j: int, offset: int) -> tuple:
        """The frames of ``i:j`` whose neighbour at ``offset`` lies in the clip: first, last (not before first)."""
        first = min(max(i, -offset), j)
        return first, max(first, min(j, self.n_frames - offset))

    def add_neighbours(self, out, source, i: int, j: int, weights, sign: int = 1, outside=None) -> None:
        """Add to ``out (j - i, D)`` the weighted neighbours of ``i:j`` in ``source (L, D)``, less the centre.

        Args:
            sign: 1 to take neighbours at the offsets, -1 at their opposites (the gradient's way).
            outside: ``(kernel, D)`` to subtract where the neighbour lies outside the clip.
        """
        for k, offset in enumerate(self.offsets):
            if k == self.centre:
                continue
            first, last = self.inside(i, j, sign * offset)
            shifted = source[first + sign * offset : last + sign * offset]
            out[first - i : last - i].addcmul_(shifted, weights[k])
            if outside is not None:
                out[: first - i] -= outside[k]
                out[last - i :] -= outside[k]

    def sums_inside(self, z: torch.Tensor, total: torch.Tensor) -> torch.Tensor:
        """``(kernel, D)``: per tap, the sum of those frames of ``z (L, D)`` whose input frame lies in the clip."""
        bounds = [self.inside(0, self.n_frames, offset) for offset in self.offsets]
        return torch.stack([total - z[:first].sum(0) - z[last:].sum(0) for first, last in bounds])


def prelu_backward(grad, output, slope: float, out) -> float:
    """Gradient of the slope; the gradient of the PReLU's input goes to ``out``. The slope must be positive."""
    grad_slope = torch.dot(output.clamp(max=0.0).view(-1), grad.view(-1)).item() / slope
    torch.ops.aten.leaky_relu_backward.grad_input(grad, output, slope, True, grad_input=out)
    return grad_slope


class FusedBlock(Function):
    """``x (B, L, channels) -> out (B, L, outputs)``; see the file's first lines. The slopes must be positive.

    Their sign tells the sign of a PReLU's input from its output, which is why the input need not be kept.
    """

    @staticmethod
    def forward(ctx, x, w1, b1, slope1, gain1, bias1, wd, bd, slope2, gain2, bias2, w2, b2, dilation):
        """One pass over each clip for the first norm, one for the second, whose rate multiplies the products."""
        x = x.contiguous()
        n_clips, n_frames, _ = x.shape
        s1, s2, taps = slope1.item(), slope2.item(), Taps(wd, dilation, n_frames)
        a_all, p_all = (empty(x, n_clips, n_frames, len(w1)) for _ in range(2))
        out_all = empty(x, n_clips, n_frames, len(w2))
        gained, norms = (w2 * gain2).t().contiguous(), []
        for x_, a, p, out in zip(x, a_all, p_all, out_all):
            moments = Moments()
            for i, j in pieces(n_frames):
                a[i:j] = linear(x_[i:j], w1, b1, "leaky_relu", s1)
                moments.add(a[i:j])
            norm1 = moments.norm(gain1, bias1)
            scaled, shifted = taps.weights * norm1.scale, taps.weights * norm1.shift
            base = bd + shifted.sum(0)
            moments = Moments()
            for i, j in pieces(n_frames):
                z = torch.addcmul(base, a[i:j], scaled[taps.centre], out=p[i:j])
                taps.add_neighbours(z, a, i, j, scaled, outside=shifted)
                F.leaky_relu_(z, s2)
                moments.add(p[i:j])
                torch.mm(p[i:j], gained, out=out[i:j])
            norm2 = moments.norm(gain2, bias2)
            torch.add(torch.addmv(b2, w2, norm2.shift), out, alpha=norm2.rate, out=out)
            norms.append((norm1, norm2))
        ctx.save_for_backward(x, a_all, p_all, w1, slope1, gain1, wd, slope2, gain2, w2)
        ctx.norms, ctx.dilation = norms, dilation
        return out_all

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_out_all):
        """A product for the second norm's sums, a pass for grad_z and the first norm's sums, a pass for grad_x."""
        x, a_all, p_all, w1, slope1, gain1, wd, slope2, gain2, w2 = ctx.saved_tensors
        grad_out_all = grad_out_all.contiguous()
        n_frames, width = a_all.shape[1:]
        s1, s2, taps = slope1.item(), slope2.item(), Taps(wd, ctx.dilation, n_frames)
        grad_x_all, grad_z = empty(x, *x.shape), empty(x, n_frames, width)
        grad_w1, grad_w2 = torch.zeros_like(w1.t()), torch.zeros_like(w2)
        grad_b1, grad_gain1, grad_bias1, grad_bd, grad_gain2, grad_bias2 = gain1.new_zeros(6, width)
        grad_taps, grad_b2 = torch.zeros_like(taps.weights), grad_out_all.sum((0, 1))
        grad_slope1 = grad_slope2 = 0.0
        w1_t = w1.t().contiguous()
        for x_, a, p, grad_x, grad_out, (norm1, norm2) in zip(
            x, a_all, p_all, grad_x_all, grad_out_all, ctx.norms
        ):
            outer, total = torch.mm(grad_out.t(), p), grad_out.sum(0)  # sums over frames: grad_out (x) p, grad_out
            # The gradient at norm2's output is grad_out @ w2, so that its sums are products of small matrices.
            sum_grad = total @ w2
            grad_gain, u, v = norm2.backward(gain2, p.numel(), sum_grad, (w2 * outer).sum(0))
            grad_gain2 += grad_gain
            grad_bias2 += sum_grad
            grad_w2 += torch.addr(outer * norm2.scale, total, norm2.shift)

            scaled = (w2 * norm2.scale).t().contiguous()
            dots = torch.zeros_like(taps.weights)  # per tap, the sum over frames of grad_z * the a that it takes
            for i, j in pieces(n_frames):
                grad_p = linear(grad_out[i:j], scaled, gain2.new_full((width,), u)).add_(p[i:j], alpha=v)
                grad_slope2 += prelu_backward(grad_p, p[i:j], s2, out=grad_z[i:j])
                for dot, offset in zip(dots, taps.offsets):
                    first, last = taps.inside(i, j, offset)
                    taken = a[first + offset : last + offset]
                    dot += torch.mul(grad_z[first:last], taken, out=grad_p[: last - first]).sum(0)
            total = grad_z.sum(0)
            totals = taps.sums_inside(grad_z, total)
            grad_taps += dots * norm1.scale + totals * norm1.shift
            grad_bd += total
            # The gradient at norm1's output is grad_z spread by the taps: its sums follow from those per tap.
            sum_grad = (taps.weights * totals).sum(0)
            grad_gain, u, v = norm1.backward(gain1, a.numel(), sum_grad, (taps.weights * dots).sum(0))
            grad_gain1 += grad_gain
            grad_bias1 += sum_grad

            scaled = taps.weights * norm1.scale
            for i, j in pieces(n_frames):
                grad_a = torch.add(a.new_tensor(u), a[i:j], alpha=v).addcmul_(grad_z[i:j], scaled[taps.centre])
                taps.add_neighbours(grad_a, grad_z, i, j, scaled, sign=-1)
                grad_h = grad_a
                grad_slope1 += prelu_backward(grad_a, a[i:j], s1, out=grad_h)
                grad_x[i:j] = linear(grad_h, w1_t)
                grad_w1.addmm_(x_[i:j].t(), grad_h)
                grad_b1 += grad_h.sum(0)
        slopes = (slope.new_tensor([value]) for slope, value in ((slope1, grad_slope1), (slope2, grad_slope2)))
        grad_slope1, grad_slope2 = slopes
        first = (grad_x_all, grad_w1.t(), grad_b1, grad_slope1, grad_gain1, grad_bias1)
        depthwise = (grad_taps.t().unsqueeze(1), grad_bd)
        return (*first, *depthwise, grad_slope2, grad_gain2, grad_bias2, grad_w2, grad_b2, None)
