"""Cells: what a report shows, from a table of published rows, or from one of published cells.

Published rows have the columns key, system, model, and one for each metric (``columns.py``): our numbers come from
``<key>.<model>.json``, an empty field is a number that was not published.

Published cells have one line for each cell of tables of any shape: table, row and column say where it stands,
results names the file ``<results>.json`` ("-" for none), metric what of it is shown, published what the paper has.
Metrics with commas after the first stand in a table by themselves. Three columns may be added: clue, by which sounds
were extracted; class, the one whose number is shown; and set, the name of the test set, where there are several.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from sedsep.errors import UserError
from sedsep.evaluate.report.columns import COLUMNS, column
from sedsep.files import read_table

ROW = ("key", "system", "model")
CELL = ("table", "row", "column", "results", "metric", "published")
NONE = "-"


class Cell(NamedTuple):
    """One number.

    Args:
        line: of the table for machines that it belongs to. row: labels. column: heading, "" for a number beside.
        metric: name out of ``COLUMNS``. results: name of the file without its ending, "-" for none.
        clue: by which sounds were extracted, or "". set: name of the test set, or "".
        published: in the metric's unit, NaN for none. label: the class whose number it is, or "" for all.
    """

    line: int
    row: tuple
    column: str
    metric: str
    results: str
    clue: str
    set: str
    published: float
    label: str = ""


@dataclass(frozen=True)
class Table:
    """One table of a page.

    Args:
        title: its heading. heads: above the labels of the rows; of cells, the metric where all show the same. cells:
            all that belong to it.
        lines: what stands before the numbers in the table for machines, one line each.
    """

    title: str
    heads: tuple
    cells: tuple
    lines: pd.DataFrame

    @property
    def rows(self) -> list:
        """Labels of the rows, in order."""
        return list(dict.fromkeys(cell.row for cell in self.cells))

    @property
    def columns(self) -> list:
        """Headings of the columns, in order."""
        return list(dict.fromkeys(cell.column for cell in self.cells if cell.column))

    @property
    def metrics(self) -> list:
        """Names out of ``COLUMNS`` of all cells, in order."""
        return list(dict.fromkeys(cell.metric for cell in self.cells))

    def grid(self) -> np.ndarray:
        """Index of the cell that stands in each place, -1 for none ``(rows, columns)``."""
        rows, columns = self.rows, self.columns
        grid = np.full((len(rows), len(columns)), -1)
        for index, cell in enumerate(self.cells):
            if cell.column:
                grid[rows.index(cell.row), columns.index(cell.column)] = index
        return grid


def from_rows(title: str, path) -> Table:
    """Read a table of published rows. Raises UserError for an unknown metric, or two rows of one name."""
    rows = read_table(path, ROW)
    names = [name for name in rows.columns if name not in ROW]
    heads = {name: column(name, path).head for name in names}
    rows = read_table(path, ROW, numeric=names).reset_index(drop=True)
    cells = [
        Cell(line, (row["system"], row["model"]), heads[name], name, f"{row['key']}.{row['model']}", "", "", row[name])
        for line, row in rows.iterrows()
        for name in names
    ]
    return _checked(Table(title, ROW[1:], tuple(cells), rows[list(ROW[1:])]), path)


def from_cells(path) -> list:
    """Read a table of published cells: one table for each title. Raises UserError as :func:`from_rows` does."""
    lines = read_table(path, CELL, optional=("clue", "class", "set"), numeric=("published",))
    labels = [name for name in lines.columns if name not in ("metric", "set")]
    for name in ("clue", "class"):
        if not lines[name].any():
            labels.remove(name)
    tables = []
    for title, inside in lines.groupby("table", sort=False):
        inside = inside.reset_index(drop=True)
        cells = [cell for line, row in inside.iterrows() for cell in _cells(line, row, path)]
        shown = {COLUMNS[cell.metric].head for cell in cells if cell.column}
        head = shown.pop() if len(shown) == 1 else ""
        tables.append(_checked(Table(title, (head,), tuple(cells), inside[labels]), path))
    return tables


def _cells(line, row, path):
    """The cell of one line, and the numbers beside it."""
    clue = "" if row["clue"] == NONE else row["clue"]
    for place, metric in enumerate(row["metric"].split(",")):
        column(metric, path)
        heading, published = (row["column"], row["published"]) if place == 0 else ("", np.nan)
        yield Cell(line, (row["row"],), heading, metric, row["results"], clue, row["set"], published, row["class"])


def _checked(table, path) -> Table:
    """Refuse two cells in one place."""
    places = [(cell.row, cell.column) for cell in table.cells if cell.column]
    twice = [place for place in places if places.count(place) > 1]
    if twice:
        row, heading = twice[0]
        raise UserError(f"{path}: {table.title} has two cells {' '.join(row)} / {heading}; give them other names")
    return table
