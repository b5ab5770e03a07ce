"""Ramps: pure functions of progress.

Source: exponential ramp-up of the mean-teacher baselines of DCASE task 4 (Laine & Aila 2017, eq. of section 3).
"""

import math
from typing import NamedTuple


def exponential_ramp(progress: float, length: float) -> float:
    """``exp(-5 (1 - min(progress, length) / length)^2)``; 1 where ``length`` is 0.

    Args:
        progress: how far training is, in the unit of ``length`` (steps or epochs).
        length: where the ramp reaches 1.

    >>> round(exponential_ramp(1, 5900), 6), round(exponential_ramp(2950, 5900), 4), exponential_ramp(5900, 5900)
    (0.006749, 0.2865, 1.0)
    """
    if length <= 0:
        return 1.0
    return math.exp(-5.0 * (1.0 - min(max(progress, 0.0), length) / length) ** 2)


def ganin_ramp(progress: float, length: float) -> float:
    """``2 / (1 + exp(-10 p)) - 1`` with ``p = progress / length``, 1 where ``length`` is 0.

    Source: Ganin et al., "Domain-adversarial training of neural networks", JMLR 2016, section 5.2.2.

    >>> [round(ganin_ramp(epoch, 50), 4) for epoch in (0, 5, 25, 50)]
    [0.0, 0.4621, 0.9866, 0.9999]
    """
    if length <= 0:
        return 1.0
    return 2.0 / (1.0 + math.exp(-10.0 * min(max(progress, 0.0), length) / length)) - 1.0


def ema_decay(step: int, limit: float = 0.999) -> float:
    """Decay of the mean teacher after optimiser step ``step`` = 1, 2, ...: ``min(1 - 1 / (step + 1), limit)``.

    >>> [round(ema_decay(n), 3) for n in (1, 2, 3, 5000)]
    [0.5, 0.667, 0.75, 0.999]
    """
    return min(1.0 - 1.0 / (step + 1), limit)


class Progress(NamedTuple):
    """Where training stands: optimiser steps made, counting the present one from 1, and the epochs they amount to."""

    step: int
    epochs: float
