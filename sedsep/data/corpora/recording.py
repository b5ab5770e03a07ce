"""One isolated recording of a collection."""

from dataclasses import dataclass
from pathlib import Path

from sedsep.names import normal


@dataclass(frozen=True)
class Recording:
    """One isolated recording. ``labels`` most specific first; ``fold`` and ``split`` are empty where unknown; ``table``
    is what says so, where it is a table."""

    path: Path
    labels: tuple
    source: str
    fold: str = ""
    split: str = ""
    role: str = "foreground"
    table: Path = None

    def __post_init__(self):
        object.__setattr__(self, "labels", tuple(map(normal, self.labels)))
        object.__setattr__(self, "source", normal(self.source))
