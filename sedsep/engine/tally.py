"""Tally: what an epoch has added up so far, so that its record survives a stop in the middle."""

from dataclasses import asdict, dataclass, field


@dataclass
class Tally:
    """Batches ``seen`` of the epoch, and sums over them.

    Args:
        sums: of each loss, over the ``counted`` batches. skipped: batches that were not finite.
        waiting, seconds: spent waiting for data, and in all, so far.
    """

    seen: int = 0
    counted: int = 0
    skipped: int = 0
    sums: dict = field(default_factory=dict)
    waiting: float = 0.0
    seconds: float = 0.0

    def add(self, losses: dict | None) -> None:
        """Count a batch with its losses; None: it was not finite."""
        self.seen += 1
        if losses is None:
            self.skipped += 1
            return
        self.counted += 1
        for name, value in losses.items():
            self.sums[name] = self.sums.get(name, 0.0) + value

    def means(self) -> dict:
        """Mean of each loss."""
        return {name: value / self.counted for name, value in self.sums.items()}

    def state(self) -> dict:
        """Plain values; ``Tally(**state)`` takes them up."""
        return asdict(self)
