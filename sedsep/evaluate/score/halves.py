"""Halves: of a labelled set one half to tune on, and the other to report on.

Source: Cornell et al., DCASE 2020 (files shuffled and split in halves).
"""

import numpy as np


def halves(names, seed: int = 0) -> tuple:
    """The names of the half to tune on, the larger by one of an odd number, and of the half to report on; sorted.

    >>> halves(["a", "b", "c", "d", "e"])
    (['c', 'd', 'e'], ['a', 'b'])
    """
    names = sorted(names)
    order = np.random.default_rng(seed).permutation(len(names))
    middle = (len(names) + 1) // 2
    return tuple(sorted(names[i] for i in part) for part in (order[:middle], order[middle:]))
