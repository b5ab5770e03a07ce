"""Unit: in what a number is stored, and how it is shown, on a screen, on a page and in a picture alike."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Unit:
    """A unit.

    Args:
        name: under ``shown_in`` in a file of results. stored: what the value itself is, "fraction", "dB" or
            "parameters".
        factor: from the value that is stored to the number that is shown. digits: after the point.
        suffix: behind a number, and behind the head of a column whose numbers go without it.
    """

    name: str
    stored: str
    factor: float
    digits: int
    suffix: str

    def text(self, value, sign: str = "") -> str:
        """A stored value as it is shown; ``sign`` "+" marks differences.

        >>> PER_CENT.text(0.43397), DECIBEL.text(-1.25, "+"), FRACTION.text(None)
        ('43.40 %', '-1.2 dB', '-')
        """
        if value is None or value != value:
            return "-"
        return self.number(value * self.factor, sign=sign) + self.suffix

    def number(self, shown, spread=None, sign: str = "") -> str:
        """A number that is in this unit already, with its spread where there is one, without the suffix.

        >>> PER_CENT.number(43.397, 0.5), FRACTION.number(float("nan"))
        ('43.40 ± 0.50', '-')
        """
        if shown != shown:
            return "-"
        text = f"{shown:{sign}.{self.digits}f}"
        return text if spread is None else f"{text} ± {spread:.{self.digits}f}"


FRACTION = Unit("fraction", "fraction", 1, 3, "")
SHARE = Unit("share", "fraction", 1, 2, "")  # of the clips: of a few thousand at most
PER_CENT = Unit("per cent", "fraction", 100, 2, " %")
DECIBEL = Unit("dB", "dB", 1, 1, " dB")
MILLIONS = Unit("millions", "parameters", 1e-6, 3, " M")
UNITS = {unit.name: unit for unit in (FRACTION, SHARE, PER_CENT, DECIBEL, MILLIONS)}


def unit_of(entry: dict) -> Unit:
    """The unit of a metric in a file of results; older files say only what is stored."""
    return UNITS.get(entry.get("shown_in", entry.get("unit")), FRACTION)
