"""The passes of :mod:`sedsep.nnet.fast.block` over a clip, compiled; its first lines name the tensors.

Each takes part, first and last frame and the frames of a piece (see :mod:`sedsep.nnet.fast.crew`), then arrays of one
dtype; a constant of another would turn the arithmetic to double precision. The taps of the depth-wise convolution
come as their offsets ``(kernel,)`` in frames and weights ``(kernel, D)``: output frame l takes input frame l + offset.
Sums over frames have a leading axis of parts; those of vectors are added to what is there, those of products take
its place.
"""

import numpy as np

from sedsep.nnet.fast.crew import kernel


@kernel
def expand(part, first, last, size, x, w1_t, b1, slope, a, moments):
    """``a (L, D) = PReLU(x w1' + b1)``; to ``moments (parts, 2)`` go the sums of a and of its squares."""
    width, zero = a.shape[1], a.dtype.type(0)
    for i in range(first, last, size):
        j = min(i + size, last)
        np.dot(x[i:j], w1_t, a[i:j])
        total, square = np.zeros(width, a.dtype), np.zeros(width, a.dtype)
        for frame in range(i, j):
            row = a[frame]
            for c in range(width):
                value = row[c] + b1[c]
                value = value if value > zero else slope * value
                row[c] = value
                total[c] += value
                square[c] += value * value
        for c in range(width):
            moments[part, 0] += np.float64(total[c])
            moments[part, 1] += np.float64(square[c])


@kernel
def convolve(part, first, last, size, a, base, scaled, shifted, offsets, slope, gained, p, out, moments):
    """``p (L, D)``: PReLU of the normalised and convolved a; ``out = p gained``; moments of p.

    Args:
        base: ``(D,)`` what a frame gets when all its taps lie in the clip.
        scaled, shifted: ``(kernel, D)`` the weights times scale and shift of the first norm. Beyond the clip lie
            zeros that were not normalised, hence no shift.
    """
    (n_frames, width), zero = a.shape, a.dtype.type(0)
    for i in range(first, last, size):
        j = min(i + size, last)
        total, square = np.zeros(width, a.dtype), np.zeros(width, a.dtype)
        for frame in range(i, j):
            row = p[frame]
            row[:] = base
            for k in range(len(offsets)):
                taken = frame + offsets[k]
                if 0 <= taken < n_frames:
                    source, weight = a[taken], scaled[k]
                    for c in range(width):
                        row[c] += source[c] * weight[c]
                else:
                    missing = shifted[k]
                    for c in range(width):
                        row[c] -= missing[c]
            for c in range(width):
                value = row[c] if row[c] > zero else slope * row[c]
                row[c] = value
                total[c] += value
                square[c] += value * value
        np.dot(p[i:j], gained, out[i:j])
        for c in range(width):
            moments[part, 0] += np.float64(total[c])
            moments[part, 1] += np.float64(square[c])


@kernel
def advance(part, first, last, size, shift, rate, out, stream, after, total):
    """The last step of a block: ``shift + rate out`` added to stream and sum of skips.

    ``after (L, channels)`` is the stream after it, or has no channels where the block has no residual output;
    ``total (L, skip)`` is added to in place.
    """
    channels = after.shape[1]
    for frame in range(first, last):
        row = out[frame]
        for c in range(len(row)):
            row[c] = shift[c] + rate * row[c]
        for c in range(channels):
            after[frame, c] = stream[frame, c] + row[c]
        add_row(row[channels:], total[frame])


@kernel
def outer(part, first, last, size, left, right, products, totals):
    """``products (parts, m, n) =`` the sum of ``left (L, m)`` (x) ``right (L, n)``; ``totals (parts, m) +=`` left's."""
    product = np.empty_like(products[part])
    for i in range(first, last, size):
        j = min(i + size, last)
        add_product(left[i:j], right[i:j], product, products[part], i == first)
        for frame in range(i, j):
            add_row(left[frame], totals[part])


@kernel
def add_product(left, right, product, out, is_first):
    """``out (m, n) += left (l, m)' right (l, n)``, or ``=`` the first time; ``product (m, n)`` is memory to use."""
    if is_first:
        np.dot(left.T, right, out)
        return
    np.dot(left.T, right, product)
    for row in range(len(out)):
        add_row(product[row], out[row])


@kernel
def backward_project(
    part, first, last, size, grad_out, scaled, u, v, p, slope, a, offsets, grad_z, dots, totals, beyond, slopes
):  # fmt: skip
    """``grad_z (L, D)`` from the projection's gradient, through the second norm and the PReLU; and its sums.

    Args:
        scaled: ``(outputs, D)`` the projection times the second norm's scale. u, v: of ``block.norm_backward``.
        dots: ``(parts, kernel, D)`` sums of grad_z times the a that the tap takes.
        totals: ``(parts, D)`` sums of grad_z. beyond: ``(parts, kernel, D)`` of those whose tap lies out of the clip.
        slopes: ``(parts, D)`` sums of the gradient times p where p is negative.
    """
    n_frames, width = a.shape
    for i in range(first, last, size):
        j = min(i + size, last)
        np.dot(grad_out[i:j], scaled, grad_z[i:j])
        for frame in range(i, j):
            row, result = grad_z[frame], p[frame]
            through_prelu(row, result, u, v, slope, slopes[part], totals[part])
            for k in range(len(offsets)):
                taken = frame + offsets[k]
                if 0 <= taken < n_frames:
                    source, dot = a[taken], dots[part, k]
                    for c in range(width):
                        dot[c] += row[c] * source[c]
                else:
                    add_row(row, beyond[part, k])


@kernel
def through_prelu(grad, result, u, v, slope, slopes, totals):
    """``grad += u + v * result`` (what the norm adds), then back through the PReLU that gave ``result``, all (D,)."""
    zero = grad.dtype.type(0)
    for c in range(len(grad)):
        value, y = grad[c] + (u + v * result[c]), result[c]
        slopes[c] += value * y if y < zero else zero
        value = value if y > zero else slope * value
        grad[c] = value
        totals[c] += value


@kernel
def add_row(source, out):
    """``out[:D] += source (D,)``."""
    for c in range(len(source)):
        out[c] += source[c]


@kernel
def backward_expand(
    part, first, last, size, grad_z, scaled, offsets, a, u, v, slope, w1, x, grad_x, grad_w1, totals, slopes
):  # fmt: skip
    """Add the gradient from grad_z, back through convolution, first norm and PReLU, to ``grad_x``; and the sums.

    Args:
        grad_x: ``(L, channels)`` or wider.
        scaled: ``(kernel, D)`` the taps times the first norm's scale. grad_w1: ``(parts, D, channels)``.
        totals, slopes: ``(parts, D)`` as in :func:`backward_project`, of the gradient before the first PReLU.
    """
    n_frames, width = a.shape
    grad_h = np.empty((min(size, last - first), width), a.dtype)
    product, to_x = np.empty_like(grad_w1[part]), np.empty((len(grad_h), w1.shape[1]), a.dtype)
    for i in range(first, last, size):
        j = min(i + size, last)
        for frame in range(i, j):
            row = grad_h[frame - i]
            row[:] = 0
            for k in range(len(offsets)):
                taken = frame - offsets[k]
                if 0 <= taken < n_frames:
                    source, weight = grad_z[taken], scaled[k]
                    for c in range(width):
                        row[c] += source[c] * weight[c]
            through_prelu(row, a[frame], u, v, slope, slopes[part], totals[part])
        np.dot(grad_h[: j - i], w1, to_x[: j - i])
        for frame in range(i, j):
            add_row(to_x[frame - i], grad_x[frame])
        add_product(grad_h[: j - i], x[i:j], product, grad_w1[part], i == first)
