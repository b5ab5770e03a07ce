"""A TCN block with global norms in few passes over its clips: the fast path on CPU.

The formulas are those of :class:`sedsep.nnet.tcn.TCNBlock`; what differs is the order of work. A global norm is a
scale and a shift per channel once its two statistics are known, so it is folded into the convolution that follows;
and the sums over the clip that its gradient needs follow from the gradient of that convolution's weights. Of the
block's width only the outputs of the two PReLUs are kept for it. The passes over a clip are in
:mod:`sedsep.nnet.fast.block_kernels`, and what torch sees of all this in :mod:`sedsep.nnet.fast.tcn`.

In the code a clip goes ``x -> h -> a -> z -> p -> out``: expand, PReLU, (norm and) depth-wise convolution, PReLU,
(norm and) projection. The gradient of a tensor has its name with ``grad_`` before it.
"""

from typing import NamedTuple

import numpy as np
import torch

from sedsep.nnet.fast import block_kernels as kernels
from sedsep.nnet.fast.crew import Crew, arrays
from sedsep.nnet.fast.memory import empty
from sedsep.nnet.norms import Moments, Norm

PIECE = 512  # frames: a megabyte at 512 channels


class Block(NamedTuple):
    """The parameters of a block in the order of its operations; both slopes ``(1,)`` must be positive.

    Their sign tells the sign of a PReLU's input from its output, which is why the input need not be kept.
    """

    w1: torch.Tensor  # (D, channels)
    b1: torch.Tensor
    slope1: torch.Tensor
    gain1: torch.Tensor
    bias1: torch.Tensor
    wd: torch.Tensor  # (D, 1, kernel)
    bd: torch.Tensor
    slope2: torch.Tensor
    gain2: torch.Tensor
    bias2: torch.Tensor
    w2: torch.Tensor  # (outputs, D)
    b2: torch.Tensor
    dilation: int

    def taps(self) -> tuple:
        """Offsets in frames ``(kernel,)`` and weights ``(kernel, D)`` of the depth-wise convolution."""
        kernel = self.wd.shape[2]
        return (np.arange(kernel) - kernel // 2) * self.dilation, self.wd[:, 0].t().contiguous()

    def slopes(self) -> tuple:
        """Both slopes as numbers of numpy, so that a kernel does not compute in another precision."""
        return self.slope1.detach().numpy()[0], self.slope2.detach().numpy()[0]


class Passed(NamedTuple):
    """What the passes over ``x (B, L, channels)`` leave: a and p ``(B, L, D)``, and per clip both norms."""

    a: torch.Tensor
    p: torch.Tensor
    norms: list


def forward(block: Block, x: torch.Tensor, out: torch.Tensor, crew: Crew) -> Passed:
    """One pass over each clip for the first norm, one for the second, whose rate multiplies the products.

    That rate is known when the products are there. So the block's output is ``shift + rate out`` with
    :func:`last_step`.

    Args:
        out: ``(B, L, outputs)``, where the products go. crew: for clips of this length.
    """
    n_clips, n_frames, _ = x.shape
    (offsets, taps), (s1, s2) = block.taps(), block.slopes()
    a_all, p_all = (empty(x, n_clips, n_frames, len(block.w1)) for _ in range(2))
    expansion, (gained,), norms = arrays(block.w1.t(), block.b1), arrays((block.w2 * block.gain2).t()), []
    for clip in zip(x, a_all, p_all, out):
        x_, a, p, out_ = arrays(*clip)
        moments = np.zeros((2, len(crew.parts), 2))
        crew.run(kernels.expand, x_, *expansion, s1, a, moments[0])
        norm1 = Moments(a.size, *moments[0].sum(0)).norm(block.gain1, block.bias1)
        shifted = taps * norm1.shift
        convolution = arrays(block.bd + shifted.sum(0), taps * norm1.scale, shifted)
        crew.run(kernels.convolve, a, *convolution, offsets, s2, gained, p, out_, moments[1])
        norms.append((norm1, Moments(p.size, *moments[1].sum(0)).norm(block.gain2, block.bias2)))
    return Passed(a_all, p_all, norms)


def last_step(block: Block, norm2: Norm) -> tuple:
    """``shift (outputs,)`` and rate of a clip, see :func:`forward`."""
    return torch.addmv(block.b2, block.w2, norm2.shift), norm2.rate


def norm_backward(norm: Norm, gain, count: int, sum_grad, sum_product) -> tuple:
    """Gradient of a norm ``y = scale * a + shift`` from two sums over the clip, without a pass over it.

    Args:
        gain: ``(D,)``. count: elements of the clip, L D.
        sum_grad, sum_product: ``(D,)`` sums over L of ``grad_y`` and of ``grad_y * a``.

    Returns:
        Gradient of gain ``(D,)`` (that of bias is ``sum_grad``); floats u, v of
        ``grad_a = scale * grad_y + u + v * a``.
    """
    grad_gain = norm.rate * (sum_product - norm.mean * sum_grad)
    v = -(norm.rate**2) * torch.dot(gain, grad_gain).item() / count
    u = -norm.rate * torch.dot(gain, sum_grad).item() / count - norm.mean * v
    return grad_gain, u, v


def sums(like: torch.Tensor, *shape: int) -> torch.Tensor:
    """Zeros for sums over frames, with the dtype of ``like``."""
    return torch.zeros(shape, dtype=like.dtype)


def backward(block: Block, x: torch.Tensor, passed: Passed, grad_out, grad_x, crew: Crew) -> tuple:
    """A product for the second norm's sums, a pass for grad_z and the first norm's sums, a pass for grad_x.

    Args:
        grad_out: ``(B, L, outputs)``. grad_x: ``(B, L, channels)`` or wider; the gradient is added to its first
            channels, when that of the clip's output was used. crew: as in :func:`forward`.

    Returns:
        the gradients of the parameters in their order.
    """
    gain1, gain2, w1, w2 = block.gain1, block.gain2, block.w1, block.w2
    width, (offsets, taps) = len(w1), block.taps()
    n_parts, kernel = len(crew.parts), len(taps)
    slope1, slope2 = block.slopes()
    number = type(slope1)
    grad_w1_parts, outer_parts = (empty(x, n_parts, *w.shape) for w in (w1, w2))
    (grad_z,), (w1_array,) = arrays(empty(x, x.shape[1], width)), arrays(w1)
    grad_w1, grad_w2, grad_b2 = (sums(x, *w.shape) for w in (w1, w2, block.b2))
    grad_gain1, grad_bias1, grad_bd, grad_gain2, grad_bias2 = sums(x, 5, width)
    grad_taps, (grad_b1, slopes1, slopes2) = sums(x, kernel, width), sums(x, 3, n_parts, width)
    for clip, (norm1, norm2) in zip(zip(x, passed.a, passed.p, grad_out, grad_x), passed.norms):
        x_, a, p, grad_out_, grad_x_ = arrays(*clip)
        totals = sums(x, n_parts, len(w2))
        crew.run(kernels.outer, grad_out_, p, *arrays(outer_parts, totals))
        outer, total = outer_parts.sum(0), totals.sum(0)  # sums over frames: grad_out (x) p, grad_out
        # The gradient at norm2's output is grad_out @ w2, so that its sums are products of small matrices.
        sum_grad = total @ w2
        grad_gain, u, v = norm_backward(norm2, gain2, p.size, sum_grad, (w2 * outer).sum(0))
        grad_gain2 += grad_gain
        grad_bias2 += sum_grad
        grad_w2 += torch.addr(outer * norm2.scale, total, norm2.shift)
        grad_b2 += total

        dots, beyond = sums(x, 2, n_parts, kernel, width)
        totals = sums(x, n_parts, width)
        crew.run(
            kernels.backward_project, grad_out_, *arrays(w2 * norm2.scale), number(u), number(v), p, slope2,
            a, offsets, grad_z, *arrays(dots, totals, beyond, slopes2),
        )  # fmt: skip
        dots, total = dots.sum(0), totals.sum(0)
        inside = total - beyond.sum(0)  # (kernel, D)
        grad_taps += dots * norm1.scale + inside * norm1.shift
        grad_bd += total
        # The gradient at norm1's output is grad_z spread by the taps: its sums follow from those per tap.
        sum_grad = (taps * inside).sum(0)
        grad_gain, u, v = norm_backward(norm1, gain1, a.size, sum_grad, (taps * dots).sum(0))
        grad_gain1 += grad_gain
        grad_bias1 += sum_grad

        crew.run(
            kernels.backward_expand, grad_z, *arrays(taps * norm1.scale), offsets, a, number(u), number(v),
            slope1, w1_array, x_, grad_x_, *arrays(grad_w1_parts, grad_b1, slopes1),
        )  # fmt: skip
        grad_w1 += grad_w1_parts.sum(0)
    # A PReLU's input is its output over the slope where it is negative.
    grad_slope1, grad_slope2 = (slopes1.sum() / slope1).reshape(1), (slopes2.sum() / slope2).reshape(1)
    expansion = (grad_w1, grad_b1.sum(0), grad_slope1, grad_gain1, grad_bias1)
    return (*expansion, grad_taps.t().unsqueeze(1), grad_bd, grad_slope2, grad_gain2, grad_bias2, grad_w2, grad_b2)
