"""Columns of a table of results: which metric stands behind each, on which scale, with how many digits."""

from typing import NamedTuple

from sedsep.errors import UserError, nearest


class Column(NamedTuple):
    """How a table shows a metric.

    Args:
        title: in the head of a table. metric: its name in the results of ``sedsep score``.
        scale: factor of its value, such as 100 for per cent. digits: after the point, for people.
        asked: what to give to ``sedsep score --metric`` for it.
    """

    title: str
    metric: str
    scale: float
    digits: int
    asked: str

    def text(self, value: float, spread: float = None) -> str:
        """A value in the scale of the column, with its spread where there is one.

        >>> COLUMNS["f1"].text(43.397, 0.5), COLUMNS["psds1"].text(float("nan"))
        ('43.40 ± 0.50', '-')
        """
        if value != value:
            return "-"
        return f"{value:.{self.digits}f}" + ("" if spread is None else f" ± {spread:.{self.digits}f}")


COLUMNS = {
    "psds1": Column("PSDS1", "psds1", 1, 3, "psds"),
    "psds2": Column("PSDS2", "psds2", 1, 3, "psds"),
    "f1": Column("F1 %", "event-f1-macro", 100, 2, "event-f1"),
    "si_sdr": Column("SI-SDR dB", "si-sdr", 1, 1, "si-sdr"),
    "si_sdri": Column("SI-SDRi dB", "si-sdr-improvement", 1, 1, "si-sdr"),
    "sdr": Column("SDR dB", "sdr", 1, 1, "sdr"),
    "sdri": Column("SDRi dB", "sdr-improvement", 1, 1, "sdr"),
    "one_source": Column("1 source SI-SNR dB", "fuss-1-source-si-snr", 1, 1, "fuss"),
    "multi_source": Column("2-4 sources SI-SNRi dB", "fuss-multi-source-si-snri", 1, 1, "fuss"),
    "under": Column("under-separated", "fuss-under-separated", 1, 2, "fuss"),
    "equal": Column("equally separated", "fuss-equally-separated", 1, 2, "fuss"),
    "over": Column("over-separated", "fuss-over-separated", 1, 2, "fuss"),
}


def entry(result: dict, one: Column, file, all_asked=()) -> dict:
    """The metric behind a column in results of ``sedsep score``.

    Raises:
        UserError: it was not scored; ``all_asked`` are what else to ask ``sedsep score`` for.
    """
    if one.metric not in result["metrics"]:
        asked = " --metric ".join(sorted({one.asked, *all_asked}))
        raise UserError(f"{file}: no {one.metric}; score with --metric {asked}")
    return result["metrics"][one.metric]


def column(name: str, where: str) -> Column:
    """The column ``name`` in the head of the table ``where``. Raises UserError for one that is not known."""
    if name not in COLUMNS:
        raise UserError(f"{where}: unknown column {name!r}{nearest(name, COLUMNS)}; known: {', '.join(COLUMNS)}")
    return COLUMNS[name]
