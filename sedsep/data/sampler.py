"""StreamSampler: batches with a fixed share of every stream; their order is a function of (seed, epoch).

Source: DCASE 2021 task 4 baseline, ConcatDatasetBatchSampler (independent shuffled streams; an epoch ends when
the shortest stream is spent; longer streams are shuffled anew each epoch).
"""

import zlib

import numpy as np

from sedsep.errors import UserError


class StreamSampler:
    """Batch sampler over named streams.

    Args:
        sizes: clips in each stream. shares: clips of each stream in a batch. seed: of the order.
        shuffle: False gives the streams' own order, every clip once, with a smaller last batch.
        batches: per epoch at most; None for all that the shortest stream has.

    Iterating yields lists of keys ``(stream, epoch, index)`` in the order of ``shares``.
    """

    def __init__(self, sizes: dict, shares: dict, seed: int = 0, shuffle: bool = True, batches: int = None):
        self.sizes, self.shares, self.seed, self.shuffle = dict(sizes), dict(shares), seed, shuffle
        self.batches, self.epoch, self.first = batches, 0, 0
        for name, share in self.shares.items():
            if shuffle and self.sizes[name] < share:
                raise UserError(
                    f"the {name} stream has {self.sizes[name]} clips, fewer than its {share} per batch; "
                    f"lower data.{'batch' if name == 'mixtures' else name} or add clips"
                )

    def __len__(self):
        if not self.shuffle:
            return max(-(-self.sizes[name] // share) for name, share in self.shares.items())
        longest = min(self.sizes[name] // share for name, share in self.shares.items())
        return longest if self.batches is None else min(longest, self.batches)

    def __iter__(self):
        orders = {name: self._order(name) for name in self.shares}
        for batch in range(self.first, len(self)):
            yield [
                (name, self.epoch, int(index))
                for name, share in self.shares.items()
                for index in orders[name][batch * share : (batch + 1) * share]
            ]

    def set_epoch(self, epoch: int, first: int = 0) -> None:
        """Choose the epoch whose order the next iteration gives, and its first batch: any, in no time."""
        self.epoch, self.first = epoch, first

    def _order(self, name):
        if not self.shuffle:
            return np.arange(self.sizes[name])
        return np.random.default_rng([self.seed, self.epoch, zlib.crc32(name.encode())]).permutation(self.sizes[name])
