"""Dropout whose numbers are a function of the batch's seed, the call and the clip, whatever computes them.

Each call draws one key from torch's generator, which the trainer seeds for each batch: so every layer of every
network, and every call of one, has a mask of its own. From the key and the clip's place in the whole batch follow the
bits of each clip by hashing the place of each value, on any number of processes and in any order.

Source: counter-based random numbers, Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011; the hash
is a Weyl step and C. Wellons' multiply-xorshift (lowbias32), the keys are those of SplitMix64.
"""

import math

import numpy as np
import torch
from torch import nn

from sedsep import ranks
from sedsep.compiled import compiled

WORD = 0xFFFFFFFF
WEYL, FIRST, SECOND = 0x9E3779B1, 0x7FEB352D, 0x846CA68B  # multipliers of the hash


def draw_keys(x: torch.Tensor) -> np.ndarray:
    """Draw a key for this call, and from it the keys ``(B, 2)`` uint32 of the clips that ``x (B, ...)`` holds."""
    key = np.uint64(int(torch.randint(2**62, ())))
    clip = np.arange(len(x), dtype=np.uint64) + np.uint64(ranks.first_row(x))
    with np.errstate(over="ignore"):
        z = key + (clip + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return np.stack([z & np.uint64(WORD), z >> np.uint64(32)], axis=1).astype(np.uint32)


def threshold(p: float) -> int:
    """A value whose 32 bits are below this number is dropped."""
    return round(p * 2**32)


def kept(keys: np.ndarray, shape: tuple, p: float, device="cpu") -> torch.Tensor:
    """Which values are kept, each with the probability 1 - p: bool ``(B, ...)`` of ``shape``.

    Args:
        keys: ``(B, 2)`` of :func:`draw_keys`.
    """
    if torch.device(device).type == "cpu":
        mask = np.empty((len(keys), math.prod(shape[1:])), np.bool_)
        _keep(keys, np.uint32(threshold(p)), mask)
        return torch.from_numpy(mask).view(shape)
    first, second = (torch.from_numpy(column.astype(np.int64)).to(device)[:, None] for column in keys.T)
    h = torch.arange(math.prod(shape[1:]), device=device) ^ first  # (B, values), 32 bits in the lower half
    h = h * WEYL + second & WORD
    h = (h ^ (h >> 16)) * FIRST & WORD
    h = (h ^ (h >> 15)) * SECOND & WORD
    return ((h ^ (h >> 16)) >= threshold(p)).view(shape)


@compiled()
def _keep(keys, least, mask):
    """The same, compiled: products of numba's 32-bit numbers have 64 bits until they are cut."""
    word = np.uint32
    for row in range(len(mask)):
        first, second = keys[row]
        for place in range(mask.shape[1]):
            h = word(word(word(place) ^ first) * word(WEYL)) + second
            h = word(word(h) ^ (word(h) >> word(16)))
            h = word(h * word(FIRST))
            h = word(word(h ^ (h >> word(15))) * word(SECOND))
            mask[row, place] = word(h ^ (h >> word(16))) >= least


class Dropout(nn.Dropout):
    """``(k B, ...)`` -> the same shape; in training, values are zero with the probability p, the others 1 / (1 - p)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not (self.training and self.p):
            return x
        return x * kept(draw_keys(x), x.shape, self.p, x.device) / (1 - self.p)
