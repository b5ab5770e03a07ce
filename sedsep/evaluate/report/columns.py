"""Columns of a table of results: which metric stands behind each, in which unit."""

from typing import NamedTuple

import numpy as np

from sedsep.errors import UserError, nearest
from sedsep.evaluate.score.unit import DECIBEL, FRACTION, MILLIONS, PER_CENT, SHARE, Unit


class Column(NamedTuple):
    """How a table shows a metric.

    Args:
        title: in the head of a table. metric: its name in the results of ``sedsep score``.
        unit: of our numbers and of the published ones.
        asked: what to give to ``sedsep score --metric`` for it.
        kept: digits after the point in the table for machines.
    """

    title: str
    metric: str
    unit: Unit
    asked: str
    kept: int = 5

    @property
    def head(self) -> str:
        """The title with the unit.

        >>> COLUMNS["f1"].head, COLUMNS["psds1"].head
        ('F1 %', 'PSDS1')
        """
        return self.title + self.unit.suffix


COLUMNS = {
    "psds1": Column("PSDS1", "psds1", FRACTION, "psds"),
    "psds2": Column("PSDS2", "psds2", FRACTION, "psds"),
    "f1": Column("F1", "event-f1-macro", PER_CENT, "event-f1", 3),
    "f1_held_out": Column("F1, half not tuned on", "event-f1-held-out-macro", PER_CENT, "event-f1-held-out", 3),
    "psds_2020": Column("PSDS", "psds-2020", FRACTION, "psds-2020"),
    "segment_f1": Column("segment F1", "segment-f1-macro", PER_CENT, "segment-f1", 3),
    "intersection_f1": Column("intersection F1", "intersection-f1-macro", PER_CENT, "intersection-f1", 3),
    "tagging_f1": Column("tagging F1", "tagging-f1-macro", PER_CENT, "tagging-f1", 3),
    "map": Column("mAP", "ap-macro", FRACTION, "ap"),
    "micro_ap": Column("micro AP", "ap-micro", FRACTION, "ap"),
    "auc": Column("AUC", "auc-macro", FRACTION, "auc"),
    "si_sdr": Column("SI-SDR", "si-sdr", DECIBEL, "si-sdr", 3),
    "si_sdri": Column("SI-SDRi", "si-sdr-improvement", DECIBEL, "si-sdr", 3),
    "sdr": Column("SDR", "sdr", DECIBEL, "sdr", 3),
    "sdri": Column("SDRi", "sdr-improvement", DECIBEL, "sdr", 3),
    "leakage": Column("leakage", "leakage", DECIBEL, "extraction", 3),
    "one_source": Column("1 source SI-SNR", "fuss-1-source-si-snr", DECIBEL, "fuss"),
    "multi_source": Column("2-4 sources SI-SNRi", "fuss-multi-source-si-snri", DECIBEL, "fuss"),
    "under": Column("under-separated", "fuss-under-separated", SHARE, "fuss"),
    "equal": Column("equally separated", "fuss-equally-separated", SHARE, "fuss"),
    "parameters": Column("parameters", "parameters", MILLIONS, "parameters"),
    "over": Column("over-separated", "fuss-over-separated", SHARE, "fuss"),
}


def column(name: str, where: str) -> Column:
    """The column ``name`` in the table ``where``. Raises UserError for one that is not known."""
    if name not in COLUMNS:
        raise UserError(f"{where}: unknown column {name!r}{nearest(name, COLUMNS)}; known: {', '.join(COLUMNS)}")
    return COLUMNS[name]


def entry(result: dict, one: Column, file, clue: str = "") -> dict:
    """The metric behind a column in results of ``sedsep score``, that of one clue where sounds were extracted.

    Raises:
        UserError: it was not scored.
    """
    name = f"{clue}.{one.metric}" if clue else one.metric
    if name not in result["metrics"]:
        cure = f"decode with --clue {clue}, then score" if clue else "score"
        raise UserError(f"{file}: no {name}; {cure} with --metric {'extraction' if clue else one.asked}")
    return result["metrics"][name]


def shown(value, one: Column) -> float:
    """A stored value as a number in the column's unit; NaN for one that is not defined."""
    return np.nan if value is None else value * one.unit.factor
