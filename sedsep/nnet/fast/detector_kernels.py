"""The passes of a detector over its clips, compiled: gates (:mod:`sedsep.nnet.fast.gate`), GRUs (``gru``).

Each takes part, first and last unit and the units of a piece (see :mod:`sedsep.nnet.fast.crew`), then arrays of
float32. Of a gate, a unit is ``rows`` frames of a clip, of which a clip has ``-(-L // rows)``, and clips come as
``(B, C, L F)``; of a GRU, it is ``rows`` clips in one direction, and arrays begin with directions, frames and clips
``(2, L, B, ...)``, the second direction from the last frame to the first. Sums have a leading axis of units.
"""

import numpy as np

from sedsep.compiled import compiled
from sedsep.nnet.fast.crew import kernel

# Sums along a row are vectorised: they may be regrouped.
summing = compiled(error_model="numpy", fused=True, regrouped=True)


@kernel
def exponential(x, whole):
    """``x (n,) = e^-x`` in place: a power of two times a polynomial, which vectorises; ``whole (n,)`` int32 to use.

    The polynomial is Taylor's of 2^r for r in [-1/2, 1/2] to the 7th degree, which leaves less than rounding does.
    """
    one, log2e, limit = np.float32(1), np.float32(-1.4426950408889634), np.float32(126)
    c1, c2, c3 = np.float32(0.6931471805599453), np.float32(0.24022650695910072), np.float32(0.05550410866482158)
    c4, c5, c6 = np.float32(0.009618129107628477), np.float32(0.0013333558146428443), np.float32(0.00015403530393381608)
    c7 = np.float32(1.5252733804059841e-05)
    for i in range(len(x)):
        t = min(max(x[i] * log2e, -limit), limit)
        n = np.rint(t)
        r = t - n
        x[i] = one + r * (c1 + r * (c2 + r * (c3 + r * (c4 + r * (c5 + r * (c6 + r * c7))))))
        whole[i] = (np.int32(n) + np.int32(127)) << np.int32(23)
    power = whole.view(np.float32)
    for i in range(len(x)):
        x[i] *= power[i]


@kernel
def sigmoid(x, whole):
    """``x (n,)`` in place; ``whole (n,)`` int32 to use."""
    exponential(x, whole)
    for i in range(len(x)):
        x[i] = np.float32(1) / (np.float32(1) + x[i])


@kernel
def keep(keys, place, least, kept):
    """``kept (n,)`` bool: the values of a clip from ``place`` on, as :func:`sedsep.nnet.dropout.kept` has it."""
    word = np.uint32
    (first, second), begin = keys, word(place)
    for i in range(len(kept)):
        h = word(word(word(begin + word(i)) ^ first) * word(0x9E3779B1)) + second
        h = word(word(h) ^ (word(h) >> word(16)))
        h = word(h * word(0x7FEB352D))
        h = word(word(h ^ (h >> word(15))) * word(0x846CA68B))
        kept[i] = word(h ^ (h >> word(16))) >= least


@kernel
def normalise(y, scale, shift, weight, n, linear):
    """``n (C, l) = scale y + shift`` per channel, and ``linear (C, l) = weight n``."""
    for c in range(len(n)):
        source, row = y[c], n[c]
        for i in range(n.shape[1]):
            row[i] = scale[c] * source[i] + shift[c]
    if n.shape[1]:
        np.dot(weight, n, linear)


@kernel
def gate(part, first, last, size, y, rows, n_bands, scale, shift, weight, bias, keys, least, pool, factor, out):
    """``out (B, C, L' F')``: the pooled products of ``weight n + bias`` and sigmoid(n), ``n = scale y + shift``.

    Args:
        weight: ``(C, C)``. keys, least: of dropout; least 0 keeps all. pool: times and bands. factor: what a kept
            product has in the mean.
    """
    n_channels, step = y.shape[1], rows * n_bands
    n_units, (times, bands) = -(-y.shape[2] // step), pool
    n_frames = y.shape[2] // n_bands // times
    memory, products = np.empty(n_channels * step, np.float32), np.empty(n_channels * step, np.float32)
    whole, kept = np.empty(step, np.int32), np.ones(step, np.bool_)
    for unit in range(first, last):
        clip, start = unit // n_units, unit % n_units * step
        stop = min(start + step, n_frames * times * n_bands)
        length = max(stop - start, 0)
        n = memory[: n_channels * length].reshape(n_channels, length)
        linear = products[: n_channels * length].reshape(n_channels, length)
        normalise(y[clip, :, start:stop], scale, shift, weight, n, linear)
        for c in range(n_channels):
            row, gated = n[c], linear[c]
            sigmoid(row, whole)
            if least:
                keep(keys[clip], c * y.shape[2] + start, least, kept[:length])
            for i in range(length):
                value = (gated[i] + bias[c]) * row[i] * factor
                gated[i] = value if kept[i] else np.float32(0)  # a choice between numbers is no branch
            begin = start // (times * bands)
            pool_rows(gated, times, n_bands, bands, out[clip, c, begin : begin + length // (times * bands)])


@kernel
def pool_rows(values, times, n_bands, bands, out):
    """Sums over ``times`` frames and ``bands`` bands: ``values (l n_bands,)`` to ``out``."""
    width, height = n_bands // bands, times * n_bands
    for frame in range(len(values) // height):
        target = out[frame * width : (frame + 1) * width]
        for t in range(times):
            row = values[frame * height + t * n_bands :][:n_bands]
            if bands == 2:
                for band in range(width):
                    both = row[2 * band] + row[2 * band + 1]
                    target[band] = both if t == 0 else target[band] + both
            else:
                for band in range(width):
                    total = np.float32(0) if t == 0 else target[band]
                    for b in range(bands):
                        total += row[band * bands + b]
                    target[band] = total


@kernel
def spread_rows(values, times, n_bands, bands, out):
    """The reverse of :func:`pool_rows`: each value of ``values`` to all that it was a sum of, ``out (l n_bands,)``."""
    width, height = n_bands // bands, times * n_bands
    for frame in range(len(out) // height):
        source = values[frame * width : (frame + 1) * width]
        for t in range(times):
            row = out[frame * height + t * n_bands :][:n_bands]
            if bands == 2:
                for band in range(width):
                    row[2 * band] = source[band]
                    row[2 * band + 1] = source[band]
            else:
                for band in range(width):
                    for b in range(bands):
                        row[band * bands + b] = source[band]


@summing
def gate_backward(
    part, first, last, size, y, rows, n_bands, scale, shift, weight, bias, keys, least, pool, factor, grad_out, middle,
    grad_n, grad_weight, grad_bias, sums,
):  # fmt: skip
    """``grad_n (B, C, L F)`` of the normalised n from ``grad_out (B, C, L' F')``; and the sums over each unit.

    Args:
        middle: ``(C,)`` the mean of y. grad_weight: ``(parts, C, C)``, to which every unit adds its own.
        grad_bias: ``(units, C)``. sums: ``(units, 2, C)`` of grad_n, and of grad_n times y - middle.
    """
    n_channels, step = y.shape[1], rows * n_bands
    n_units, (times, bands) = -(-y.shape[2] // step), pool
    n_frames = y.shape[2] // n_bands // times
    memory = np.empty((4, n_channels * step), np.float32)
    n_memory, linear_memory, grad_memory, through_memory = memory[0], memory[1], memory[2], memory[3]
    whole, kept, turned = np.empty(step, np.int32), np.ones(step, np.bool_), weight.T.copy()
    product, gate = np.empty((n_channels, n_channels), np.float32), np.empty(step, np.float32)
    for unit in range(first, last):
        clip, start = unit // n_units, unit % n_units * step
        stop = min(start + step, n_frames * times * n_bands)
        length = max(stop - start, 0)
        n = n_memory[: n_channels * length].reshape(n_channels, length)
        linear = linear_memory[: n_channels * length].reshape(n_channels, length)
        grad = grad_memory[: n_channels * length].reshape(n_channels, length)
        through = through_memory[: n_channels * length].reshape(n_channels, length)
        normalise(y[clip, :, start:stop], scale, shift, weight, n, linear)
        begin, fewer = start // (times * bands), length // (times * bands)
        for c in range(n_channels):
            spread_rows(grad_out[clip, c, begin : begin + fewer], times, n_bands, bands, grad[c])
            if least:
                keep(keys[clip], c * y.shape[2] + start, least, kept[:length])
            gate[:length] = n[c]
            sigmoid(gate[:length], whole)
            row, other, total = grad[c], linear[c], np.float32(0)
            for i in range(length):
                value = row[i] * factor
                value = value if kept[i] else np.float32(0)
                row[i] = value * gate[i]
                other[i] = value * (other[i] + bias[c]) * gate[i] * (np.float32(1) - gate[i])
                total += row[i]
            grad_bias[unit, c] = total
        if length:
            np.dot(grad, n.T, product)
            for c in range(n_channels):
                for d in range(n_channels):
                    grad_weight[part, c, d] += product[c, d]
            np.dot(turned, grad, through)
        for c in range(n_channels):
            source, target = y[clip, c, start : start + step], grad_n[clip, c, start : start + step]
            total, dot = np.float32(0), np.float32(0)
            for i in range(length):
                value = through[c, i] + linear[c, i]
                target[i] = value
                total += value
                dot += value * (source[i] - middle[c])
            target[length:] = 0  # frames that the pooling leaves out
            sums[unit, 0, c], sums[unit, 1, c] = total, dot


@kernel
def recur(part, first, last, size, rows, x, weight, bias, h, gates):
    """The states ``h (2, L, B, H)`` from the inputs' part ``x (2, L, B, 3 H)`` of reset, update and new state.

    Args:
        weight: ``(2, H, 3 H)``. bias: ``(2, 3 H)``.
        gates: ``(2, L, B, 4 H)``: reset, update, new state, and the hidden part of the new one; or of one frame.
    """
    _, n_frames, n_clips, width = h.shape
    n_units, keeps, one, two = -(-n_clips // rows), gates.shape[1] > 1, np.float32(1), np.float32(2)
    whole, products, zeros = (
        np.empty(2 * width, np.int32),
        np.empty((rows, 3 * width), np.float32),
        np.zeros_like(h[0, 0]),
    )
    for unit in range(first, last):
        way, begin = unit // n_units, unit % n_units * rows
        end = min(begin + rows, n_clips)
        before = zeros[begin:end]
        for step in range(n_frames):
            frame = n_frames - 1 - step if way else step
            product = products[: end - begin]
            np.dot(before, weight[way], product)
            for row in range(end - begin):
                given, hidden, add = x[way, frame, begin + row], product[row], bias[way]
                gate = gates[way, frame if keeps else 0, begin + row]
                for i in range(2 * width):
                    gate[i] = given[i] + (hidden[i] + add[i])
                sigmoid(gate[: 2 * width], whole)
                new, inner = gate[2 * width : 3 * width], gate[3 * width :]
                for i in range(width):
                    inner[i] = hidden[2 * width + i] + add[2 * width + i]
                    new[i] = two * (given[2 * width + i] + gate[i] * inner[i])
                sigmoid(new, whole)
                state, old = h[way, frame, begin + row], before[row]
                for i in range(width):
                    new[i] = two * new[i] - one
                    state[i] = new[i] + gate[width + i] * (old[i] - new[i])
            before = h[way, frame, begin:end]


@kernel
def recur_backward(part, first, last, size, rows, h, gates, weight_t, grad_h, grad_x, grad_hidden):
    """``grad_x`` and ``grad_hidden (2, L, B, 3 H)``, of the inputs' and the states' part, from ``grad_h (2, L, B, H)``.

    Args:
        weight_t: ``(2, 3 H, H)``.
    """
    _, n_frames, n_clips, width = h.shape
    n_units, one = -(-n_clips // rows), np.float32(1)
    zeros, carries = np.zeros(width, np.float32), np.empty((rows, width), np.float32)
    keeps = np.empty((rows, width), np.float32)
    for unit in range(first, last):
        way, begin = unit // n_units, unit % n_units * rows
        end = min(begin + rows, n_clips)
        carry = carries[: end - begin]
        carry[:] = 0
        for step in range(n_frames):
            frame = step if way else n_frames - 1 - step
            previous = frame + 1 if way else frame - 1
            for row in range(end - begin):
                clip = begin + row
                gate, grad = gates[way, frame, clip], grad_h[way, frame, clip]
                to_x, to_hidden = grad_x[way, frame, clip], grad_hidden[way, frame, clip]
                old = h[way, previous, clip] if step < n_frames - 1 else zeros
                for i in range(width):
                    reset, update, new, inner = gate[i], gate[width + i], gate[2 * width + i], gate[3 * width + i]
                    total = grad[i] + carry[row, i]
                    keeps[row, i] = total * update
                    to_new = total * (one - update) * (one - new * new)
                    to_update = total * (old[i] - new) * update * (one - update)
                    to_reset = to_new * inner * reset * (one - reset)
                    to_x[i], to_x[width + i], to_x[2 * width + i] = to_reset, to_update, to_new
                    to_hidden[i], to_hidden[width + i], to_hidden[2 * width + i] = to_reset, to_update, to_new * reset
            np.dot(grad_hidden[way, frame, begin:end], weight_t[way], carry)
            for row in range(end - begin):
                for i in range(width):
                    carry[row, i] += keeps[row, i]
