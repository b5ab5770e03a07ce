"""The passes of :mod:`sedsep.nnet.fast.mask` over the frames of all clips, compiled; its first lines say why.

Each takes part, first and last frame and the frames of a piece (see :mod:`sedsep.nnet.fast.crew`), then arrays of one
dtype; a constant of another would turn the arithmetic to double precision. A row of masks ``(N n_filters,)`` holds
all filters of the first source, then of the second. Sums over frames have a leading axis of parts.
"""

import math

import numba
import numpy as np
from llvmlite import ir
from numba.extending import intrinsic, overload

from sedsep.nnet.fast.crew import kernel

SIGMOID, RELU, SOFTMAX, LINEAR = range(4)
ACTIVATIONS = {"sigmoid": SIGMOID, "relu": RELU, "softmax": SOFTMAX, "linear": LINEAR}

# exp(x) = 2^n exp(r) with |r| <= log(2) / 2, where eight terms of the series are exact to half a unit of float32.
LOG2_E = np.float32(1 / math.log(2))
LOG_2 = np.float32(0.693359375), np.float32(math.log(2) - 0.693359375)  # the first has few bits: n times it is exact
TERMS = tuple(np.float32(1 / math.factorial(k)) for k in range(7, -1, -1))
LEAST, MOST = np.float32(-87.0), np.float32(88.0)  # where it saturates, near the ends of float32's normal numbers


@intrinsic
def _float_of_bits(context, bits):
    """The float32 with these bits (int32)."""

    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.FloatType())

    return numba.float32(numba.int32), generate


def exp(x):
    """Exponential of a number; in float32 one that the compiler can do for many at once."""
    return math.exp(x)


@overload(exp)
def _exp_of(x):
    def series(x):
        x = LEAST if x < LEAST else x  # not min and max, which lose a NaN
        x = MOST if x > MOST else x
        n = np.floor(x * LOG2_E + np.float32(0.5))
        rest = x - n * LOG_2[0] - n * LOG_2[1]
        total = TERMS[0]
        for term in TERMS[1:]:
            total = total * rest + term
        return total * _float_of_bits((np.int32(n) + np.int32(127)) << np.int32(23))

    return series if x == numba.float32 else lambda x: math.exp(x)


@kernel
def activate(row, bias, n_filters, activation):
    """Scores ``(N n_filters,)`` without their bias -> masks, in place."""
    zero, one = row.dtype.type(0), row.dtype.type(1)
    add_row(bias, row)
    if activation == SIGMOID:
        for c in range(len(row)):
            row[c] = one / (one + exp(-row[c]))
    elif activation == RELU:
        for c in range(len(row)):
            row[c] = zero if row[c] < zero else row[c]
    elif activation == SOFTMAX:
        masks = row.reshape(-1, n_filters)
        most, total = masks[0].copy(), np.zeros(n_filters, row.dtype)
        for n in range(1, len(masks)):
            for f in range(n_filters):
                most[f] = max(most[f], masks[n, f])
        for n in range(len(masks)):
            for f in range(n_filters):
                masks[n, f] = exp(masks[n, f] - most[f])
                total[f] += masks[n, f]
        for n in range(len(masks)):
            for f in range(n_filters):
                masks[n, f] /= total[f]


@kernel
def activate_backward(grad, mask, n_filters, activation):
    """Gradient of masks ``(N n_filters,)`` -> gradient of scores, in place."""
    zero, one = grad.dtype.type(0), grad.dtype.type(1)
    if activation == SIGMOID:
        for c in range(len(grad)):
            grad[c] *= mask[c] * (one - mask[c])
    elif activation == RELU:
        for c in range(len(grad)):
            grad[c] = grad[c] if mask[c] > zero else zero
    elif activation == SOFTMAX:
        grads, masks, mean = grad.reshape(-1, n_filters), mask.reshape(-1, n_filters), np.zeros(n_filters, grad.dtype)
        for n in range(len(masks)):
            for f in range(n_filters):
                mean[f] += grads[n, f] * masks[n, f]
        for n in range(len(masks)):
            for f in range(n_filters):
                grads[n, f] = masks[n, f] * (grads[n, f] - mean[f])


# The next two are in block_kernels.py as well: see sedsep/compiled.py for why compiled files share no function.
@kernel
def add_row(source, out):
    """``out += source``, both ``(D,)``."""
    for c in range(len(source)):
        out[c] += source[c]


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
def multiply(a, b, out):
    """``out = a * b``, all ``(D,)``."""
    for c in range(len(out)):
        out[c] = a[c] * b[c]


@kernel
def prelu(x, slope, out):
    """PReLU of ``x (l, S)`` to ``out (l, S)``."""
    zero = x.dtype.type(0)
    for frame in range(len(x)):
        source, to = x[frame], out[frame]
        for c in range(len(source)):
            to[c] = source[c] if source[c] > zero else slope * source[c]


@kernel
def prelu_backward(grad, x, slope, slopes):
    """Gradient of the PReLU of ``x (l, S)`` -> gradient of x, in place; to ``slopes (S,)`` that of the slope."""
    zero = x.dtype.type(0)
    for frame in range(len(x)):
        source, to = x[frame], grad[frame]
        for c in range(len(source)):
            slopes[c] += zero if source[c] > zero else to[c] * source[c]
            to[c] = to[c] if source[c] > zero else slope * to[c]


@kernel
def decode(part, first, last, size, hidden, slope, weight_t, bias, frames, encoder_t, decoder, activation, out):
    """``out (L, N, kernel)``: what the decoder gives for masks times latent frames."""
    n_sources, n_filters = out.shape[1], len(decoder)
    most = min(size, last - first)
    activated = np.empty((most, hidden.shape[1]), out.dtype)
    mask, latent = np.empty((most, len(bias)), out.dtype), np.empty((most, n_filters), out.dtype)
    for i in range(first, last, size):
        j = min(i + size, last)
        prelu(hidden[i:j], slope[0], activated[: j - i])
        np.dot(activated[: j - i], weight_t, mask[: j - i])
        np.dot(frames[i:j], encoder_t, latent[: j - i])
        for frame in range(j - i):
            activate(mask[frame], bias, n_filters, activation)
            for masked in mask[frame].reshape(n_sources, n_filters):
                multiply(masked, latent[frame], masked)
        masked = mask[: j - i].reshape((j - i) * n_sources, n_filters)
        np.dot(masked, decoder, out[i:j].reshape((j - i) * n_sources, out.shape[2]))


@kernel
def backward(
    part, first, last, size, hidden, slope, weight, weight_t, bias, frames, encoder, encoder_t, decoder_t, activation,
    grad_out, grad_hidden, grad_slopes, grad_weight, grad_bias, grad_frames, grad_encoder, grad_decoder,
):  # fmt: skip
    """All gradients from ``grad_out (L, N, kernel)``; masks and latent frames are computed again.

    Those of weights and bias have a leading axis of parts. That of the slope comes per channel ``(parts, S)``.
    """
    n_sources, width = grad_out.shape[1:]
    n_filters, dtype = len(encoder), grad_out.dtype
    most = min(size, last - first)
    activated = np.empty((most, hidden.shape[1]), dtype)
    mask, latent = np.empty((most, len(bias)), dtype), np.empty((most, n_filters), dtype)
    masked, grad_mask, grad_latent = np.empty_like(mask), np.empty_like(mask), np.empty_like(latent)
    to_weight, to_encoder = np.empty_like(grad_weight[part]), np.empty_like(grad_encoder[part])
    to_decoder = np.empty_like(grad_decoder[part])
    for i in range(first, last, size):
        j = min(i + size, last)
        rows = j - i
        prelu(hidden[i:j], slope[0], activated[:rows])
        np.dot(activated[:rows], weight_t, mask[:rows])
        np.dot(frames[i:j], encoder_t, latent[:rows])
        grad = grad_out[i:j].reshape(rows * n_sources, width)
        np.dot(grad, decoder_t, grad_mask[:rows].reshape(rows * n_sources, n_filters))
        for frame in range(rows):
            activate(mask[frame], bias, n_filters, activation)
            grad_latent[frame] = 0
            shape = n_sources, n_filters
            masks, grads = mask[frame].reshape(shape), grad_mask[frame].reshape(shape)
            products = masked[frame].reshape(shape)
            for n in range(n_sources):
                spread(masks[n], latent[frame], grads[n], products[n], grad_latent[frame])
            activate_backward(grad_mask[frame], mask[frame], n_filters, activation)
            add_row(grad_mask[frame], grad_bias[part])
        is_first = i == first
        add_product(masked[:rows].reshape(rows * n_sources, n_filters), grad, to_decoder, grad_decoder[part], is_first)
        add_product(grad_latent[:rows], frames[i:j], to_encoder, grad_encoder[part], is_first)
        add_product(grad_mask[:rows], activated[:rows], to_weight, grad_weight[part], is_first)
        np.dot(grad_latent[:rows], encoder, grad_frames[i:j])
        np.dot(grad_mask[:rows], weight, grad_hidden[i:j])
        prelu_backward(grad_hidden[i:j], hidden[i:j], slope[0], grad_slopes[part])


@kernel
def spread(mask, latent, grad, masked, grad_latent):
    """The product of mask and latent frame, and its gradient ``grad`` on to both; all ``(n_filters,)``."""
    for c in range(len(latent)):
        grad_latent[c] += grad[c] * mask[c]
        masked[c] = mask[c] * latent[c]
        grad[c] *= latent[c]
