"""Results: our numbers for the cells of a report's tables, all of them of the same data and the same metrics."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from sedsep.errors import UserError, nearest
from sedsep.evaluate.report.cells import NONE
from sedsep.evaluate.report.columns import COLUMNS, entry, shown
from sedsep.evaluate.score.stored import read_results


class Passport(NamedTuple):
    """What the results of one metric on one test set must share; ``absent``: clips that the set lacks."""

    clips: int
    absent: int
    id: str
    data: str
    missing: int


def read(tables, directories) -> tuple:
    """Read our numbers from ``<directory>/<results>.json``.

    Args:
        tables: :class:`sedsep.evaluate.report.cells.Table` s. directories: of results, one per seed.

    Returns:
        For each table the numbers of its cells in their units ``(cells, seeds)``, NaN for none; and
        (test set, metric) -> :class:`Passport`.

    Raises:
        UserError: a result is missing, or the results are not of the same metrics and data.
    """
    results, passports, numbers = {}, {}, []
    for table in tables:
        values = np.full((len(table.cells), len(directories)), np.nan)
        for s, directory in enumerate(map(Path, directories)):
            for c, cell in enumerate(table.cells):
                if cell.results == NONE:
                    continue
                file = directory / f"{cell.results}.json"
                if file not in results:
                    results[file] = read_results(file)
                found = _found(results[file], cell, file)
                if found is not None:
                    values[c, s] = shown(found["value"], COLUMNS[cell.metric])
                    groups = passports.setdefault((cell.set, cell.metric), {})
                    groups.setdefault(_passport(results[file]["data"], found), file)
        numbers.append(values)
    for groups in passports.values():
        if len(groups) > 1:
            files = " against ".join(map(str, groups.values()))
            raise UserError(f"results of different data or metrics: {files}; run stages 5 to 7 again")
    return numbers, {key: next(iter(groups)) for key, groups in passports.items()}


def _found(result, cell, file):
    """The entry of a cell; None for a number beside that a result does not have, as not every clue leaks.

    Raises:
        UserError: it was not scored, or has no number for the cell's class.
    """
    one = COLUMNS[cell.metric]
    name = f"{cell.clue}.{one.metric}" if cell.clue else one.metric
    if not cell.column and name not in result["metrics"]:
        return None
    found = entry(result, one, file, cell.clue)
    if not cell.label:
        return found
    if cell.label not in found.get("per_class", {}):
        raise UserError(f"{file}: no {name} of class {cell.label!r}{nearest(cell.label, found.get('per_class', {}))}")
    return {**found, "value": found["per_class"][cell.label]}


def _passport(data, found) -> Passport:
    return Passport(data["clips"], data.get("absent_clips", 0), found["id"], found["data"], found["missing_clips"])


def for_machines(table, values) -> pd.DataFrame:
    """A table's lines with every number, mean over seeds; with several, ``<metric>_sd`` beside each."""
    lines = table.lines.copy()
    for name in table.metrics:
        mean, spread = (np.full(len(lines), np.nan) for _ in range(2))
        for index, cell in enumerate(table.cells):
            if cell.metric == name:
                mean[cell.line] = values[index].mean()
                spread[cell.line] = values[index].std(ddof=1) if values.shape[1] > 1 else np.nan
        lines[name] = mean.round(COLUMNS[name].kept)
        if values.shape[1] > 1:
            lines[f"{name}_sd"] = spread.round(COLUMNS[name].kept)
    return lines
