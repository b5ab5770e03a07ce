"""Loop: a recording that fills any length; one that is shorter repeats, with a cross-fade at each seam."""

import numpy as np

SEAM_SECONDS = 0.5


def looped(piece: np.ndarray, n_samples: int, sample_rate: int) -> np.ndarray:
    """A recording ``(T,)`` -> its first ``n_samples``, or as many of it over and over, ``(n_samples,)`` float32."""
    filled = np.zeros(n_samples, np.float32)
    seam = min(int(SEAM_SECONDS * sample_rate), len(piece) // 2)
    rise = np.sqrt(np.linspace(0, 1, seam, dtype=np.float32))  # equal power: the loop's ends are unrelated
    at = 0
    while True:
        part = piece[: n_samples - at].copy()
        if at:
            part[:seam] *= rise[: len(part)]
        if at + len(piece) < n_samples:
            part[len(part) - seam :] *= rise[::-1]
        filled[at : at + len(part)] += part
        at += len(piece) - seam
        if at + seam >= n_samples:
            return filled
