"""Detected: the scores of one recording, and the events in them."""

from dataclasses import dataclass

import numpy as np

from sedsep.labels import runs


@dataclass(frozen=True)
class Detected:
    """What a detector says of a recording.

    Attributes:
        classes: names in the order of the class axis. boundaries: of the frames ``(L'+1,)``, seconds.
        strong: scores of the frames ``(L', C)``. weak: of the recording as a whole ``(C,)``.
    """

    classes: tuple
    boundaries: np.ndarray
    strong: np.ndarray
    weak: np.ndarray

    def events(self, threshold: float = 0.5) -> list:
        """``[(onset, offset, class), ...]`` in seconds, by onset: where the score lies above the threshold.

        >>> Detected(("Cat",), np.array([0.0, 0.5, 1.0]), np.array([[0.2], [0.9]]), np.array([0.9])).events()
        [(0.5, 1.0, 'Cat')]
        """
        found = [
            (float(self.boundaries[first]), float(self.boundaries[last]), name)
            for c, name in enumerate(self.classes)
            for first, last in runs(self.strong[:, c] > threshold)
        ]
        return sorted(found)
