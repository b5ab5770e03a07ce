"""The kernel behind the pooling by ranks: a radix sort of each row, which leaves each value's rank."""

import numpy as np

from sedsep.nnet.fast.crew import kernel

DIGIT = 11  # bits: three passes over 32, with counts that stay in cache
BUCKETS = 1 << DIGIT
PASSES = 3


@kernel
def rank_means(part, first, last, size, values, bits, weights, means, shares):
    """Means of the rows ``first`` to ``last - 1`` with weights by rank, and the weight that each value has.

    Args:
        part, size: unused, see ``crew``. values: ``(rows, n)`` float32. bits: the same memory as uint32. weights:
            ``(n,)`` float32 of the ranks, the largest value's first. means: ``(rows,)``, to fill. shares:
            ``(rows, n)``, to fill: the gradient of the row's mean with respect to its values.
    """
    n = values.shape[1]
    key, other_key = np.empty(n, np.uint32), np.empty(n, np.uint32)
    place, other_place = np.empty(n, np.int32), np.empty(n, np.int32)
    counts = np.empty((PASSES, BUCKETS), np.int32)
    sign, mask = np.uint32(1 << 31), np.uint32(BUCKETS - 1)
    for row in range(first, last):
        counts[:] = 0
        for i in range(n):
            b = bits[row, i]
            # As an unsigned number, the bits of a positive float grow with it and those of a negative one fall: so
            # this one falls as the value grows.
            k = b if b & sign else np.uint32(~(b | sign))
            k = np.uint32(k)
            key[i], place[i] = k, i
            counts[0, k & mask] += 1
            counts[1, (k >> np.uint32(DIGIT)) & mask] += 1
            counts[2, k >> np.uint32(2 * DIGIT)] += 1
        for digit in range(PASSES):
            at = np.int32(0)
            for bucket in range(BUCKETS):
                count = counts[digit, bucket]
                counts[digit, bucket] = at
                at += count
            shift = np.uint32(digit * DIGIT)
            for i in range(n):
                k = key[i]
                bucket = (k >> shift) & mask
                at = counts[digit, bucket]
                counts[digit, bucket] = at + 1
                other_key[at], other_place[at] = k, place[i]
            key, other_key, place, other_place = other_key, key, other_place, place
        total = 0.0
        for rank in range(n):
            i = place[rank]
            total += np.float64(weights[rank]) * values[row, i]
            shares[row, i] = weights[rank]
        means[row] = total
