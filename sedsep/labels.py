"""Labels: names and indices, seconds and frames, events and many-hot arrays.

Sources: DCASE 2021 task 4 baseline (floor of the onset, ceiling of the offset); DCASE 2020 (both floored).
"""

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sedsep.errors import UserError, nearest
from sedsep.files import read_text
from sedsep.names import fault, normal

EVENT_COLUMNS = ["filename", "onset", "offset", "event_label"]


@dataclass(frozen=True)
class Classes:
    """A closed vocabulary of event classes in a fixed order, each name in one Unicode form.

    Raises:
        UserError: names repeat, or one would not read back from a table, a list or a file's name.

    >>> Classes(("Cat", "Dog")).index("Dog")
    1
    """

    names: tuple

    def __post_init__(self):
        object.__setattr__(self, "names", tuple(map(normal, self.names)))
        if len(set(self.names)) != len(self.names) or not self.names or not all(self.names):
            raise UserError(f"class names must be distinct and not empty: {', '.join(map(repr, self.names))}")
        for name in self.names:
            if fault(name):
                raise UserError(f"class name {name!r} {fault(name)}; rename it")

    def __len__(self):
        return len(self.names)

    def __iter__(self):
        return iter(self.names)

    def index(self, name: str, where: str = "") -> int:
        """Index of a class name. Raises UserError that names the place and the nearest class."""
        try:
            return self.names.index(normal(name))
        except ValueError:
            place = f"{where}: " if where else ""
            raise UserError(f"{place}unknown label {name!r}{nearest(name, self.names)}") from None

    def many_hot(self, labels, where: str = "") -> np.ndarray:
        """Labels of one clip -> ``(C,)`` float32 of zeros and ones."""
        vector = np.zeros(len(self), np.float32)
        for label in labels:
            vector[self.index(label, where)] = 1
        return vector

    @classmethod
    def read(cls, path) -> "Classes":
        """Read ``classes.txt``: one name per line, in order."""
        if not Path(path).is_file():
            raise UserError(f"{path}: no such file; it lists the event classes, one per line")
        lines = re.split(r"[\r\n]", read_text(path, "a list of event classes"))
        try:
            return cls(tuple(line.strip() for line in lines if line.strip()))
        except UserError as error:
            raise UserError(f"{path}: {error}") from None


@dataclass(frozen=True)
class FrameGrid:
    """The frames of labels and scores: the one place where seconds and frames meet.

    Frame ``k`` covers ``[k, k + 1) * frame_seconds``. A clip of ``n`` samples has ``(1 + n // hop) // pool`` of
    them, as a centred STFT followed by flooring poolings gives.

    Args:
        sample_rate: Hz. hop: samples per front-end frame. pool: front-end frames per grid frame.
        offset_rounding: "ceil" (DCASE 2021) or "floor" (DCASE 2020: short events can vanish).
        window: samples of a front-end frame that must lie in the clip as a whole; 0 where frames are centred.

    >>> FrameGrid(16000, 256, 4).n_frames(160000), FrameGrid(16000, 256, 4).frame_seconds
    (156, 0.064)
    """

    sample_rate: int
    hop: int
    pool: int
    offset_rounding: str = "ceil"
    window: int = 0

    @property
    def frame_seconds(self) -> float:
        """Seconds per frame."""
        return self.hop * self.pool / self.sample_rate

    def n_frames(self, n_samples: int) -> int:
        """Frames of a clip of ``n_samples``."""
        return (1 + (n_samples - self.window) // self.hop) // self.pool

    @property
    def shortest(self) -> int:
        """Samples of the shortest clip that has a frame."""
        return max(self.hop * self.pool, self.window + (self.pool - 1) * self.hop)

    def boundaries(self, n_frames: int, duration: float = math.inf) -> np.ndarray:
        """``(n_frames + 1,)`` boundaries in seconds, clipped to the clip's duration."""
        return np.minimum(np.round(np.arange(n_frames + 1) * self.frame_seconds, 6), duration)

    def encode(self, events, n_frames: int, classes: Classes, where: str = "") -> np.ndarray:
        """Events ``[(onset, offset, label), ...]`` in seconds -> ``(L', C)`` float32 many-hot.

        >>> FrameGrid(16000, 256, 4).encode([(0.163, 0.665, "Dog")], 156, Classes(("Dog",)))[:, 0].nonzero()[0]
        array([ 2,  3,  4,  5,  6,  7,  8,  9, 10])
        """
        strong = np.zeros((n_frames, len(classes)), np.float32)
        for onset, offset, label in events:
            # Rounding to 1e-9 frames keeps 0.128 s at frame 2 instead of 1.9999999.
            first = round(onset * self.sample_rate / self.hop / self.pool, 9)
            last = round(offset * self.sample_rate / self.hop / self.pool, 9)
            first = math.floor(min(max(first, 0), n_frames))
            last = min(max(last, 0), n_frames)
            last = math.ceil(last) if self.offset_rounding == "ceil" else math.floor(last)
            strong[first:last, classes.index(label, where)] = 1
        return strong


def runs(active: np.ndarray) -> list:
    """Runs of true values in ``(L',)`` -> ``[(first, last_exclusive), ...]``.

    >>> runs(np.array([0, 1, 1, 0, 1]))
    [(1, 3), (4, 5)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[0], np.asarray(active, bool).astype(np.int8), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist()))


def events_table(rows) -> pd.DataFrame:
    """Rows ``(filename, onset, offset, event_label)`` -> the table of events that every metric takes."""
    table = pd.DataFrame(list(rows), columns=EVENT_COLUMNS)
    return table.astype({"onset": float, "offset": float})
