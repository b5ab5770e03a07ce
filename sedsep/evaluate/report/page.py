"""Page: the tables of a report in Markdown, ours beside the published, and what our numbers were measured on."""

import numpy as np
import pandas as pd

from sedsep.evaluate.report.cells import NONE, Table
from sedsep.evaluate.report.columns import COLUMNS


def markdown(table: Table, values) -> str:
    """One table: the labels of its rows, our numbers, then the published ones where there are any.

    Args:
        values: of its cells ``(cells, seeds)``, in their units.
    """
    grid, columns = table.grid(), table.columns
    published = np.array([cell.published for cell in table.cells])
    theirs = [f"paper: {columns[0]}", *columns[1:]] if not np.isnan(published).all() else []
    lines = table_head([*table.heads, *columns, *theirs])
    for labels, places in zip(table.rows, grid):
        ours = [_ours(table.cells[c], values[c]) if c >= 0 else NONE for c in places]
        known = [_unit(table.cells[c]).number(published[c]) if c >= 0 else NONE for c in places if theirs]
        lines.append(table_row([*labels, *ours, *known]))
    return "\n".join(lines)


def beside(tables, values) -> str:
    """One table of the lines that have more numbers than the one that stands in a table; "" where none has."""
    chosen = [(table, found) for table, found in zip(tables, values) if any(not cell.column for cell in table.cells)]
    if not chosen:
        return ""
    labels = [name for name in ("results", "clue") if name in chosen[0][0].lines]
    metrics = list(dict.fromkeys(name for table, _ in chosen for name in table.metrics))
    lines = table_head([*labels, *(COLUMNS[name].head for name in metrics)])
    for table, found in chosen:
        texts = pd.DataFrame(NONE, table.lines.index, metrics)
        for cell, numbers in zip(table.cells, found):
            texts.loc[cell.line, cell.metric] = _ours(cell, numbers)
        for line in np.flatnonzero(table.lines["results"] != NONE):
            lines.append(table_row([*table.lines.loc[line, labels], *texts.loc[line]]))
    return "\n".join(lines)


def whole(titles, texts, others, claims, passports, n_seeds, command, note, pictures) -> str:
    """The whole page.

    Args:
        titles, texts: of each table, in Markdown. others: further numbers, claims: Markdown or "".
        passports: (test set, metric) -> :class:`sedsep.evaluate.report.results.Passport`.
        command: what made the numbers. note: text under the tables. pictures: files beside the page.
    """
    parts = ["# Results", ""]
    if command:
        parts += ["```sh", command, "```", ""]
    for title, text in zip(titles, texts):
        parts += [f"## {title}", "", text, ""] if len(titles) > 1 else [text, ""]
    if others:
        parts += ["## The same in other metrics", "", others, ""]
    if claims:
        how = "Differences with their 95 % intervals over resamples of the clips"
        parts += ["## Claims", "", f"{how}{', ± standard deviation over seeds' * (n_seeds > 1)}.", "", claims, ""]
    measured = [(where, passport._replace(id="")) for (where, _), passport in passports.items()]
    parts += [_measured_on(where, passport, n_seeds) for where, passport in dict.fromkeys(measured)]
    parts += [note, ""] if note else [""]
    parts += [*(f"- `{name}`" for name in dict.fromkeys(passport.id for passport in passports.values())), ""]
    parts += [*(f"![{path.stem}]({path.name})" for path in pictures), ""]
    return "\n".join(parts)


def _measured_on(where, passport, n_seeds):
    """A sentence on a test set."""
    lacking = f", **{passport.missing} missing** in the output" if passport.missing else ""
    absent = f", **{passport.absent} of {passport.clips + passport.absent} absent**" if passport.absent else ""
    seeds = f", mean ± standard deviation over {n_seeds} seeds" if n_seeds > 1 else ""
    ours = f"Ours on {where}" if where else "Ours"
    return f"{ours}: {passport.clips} test clips{absent}{lacking}{seeds}, data {passport.data}."


def _ours(cell, numbers) -> str:
    """The mean over seeds, with its standard deviation where there are several."""
    return _unit(cell).number(numbers.mean(), numbers.std(ddof=1) if len(numbers) > 1 else None)


def _unit(cell):
    return COLUMNS[cell.metric].unit


def table_head(titles) -> list:
    """The head of a table, two lines."""
    return [table_row(titles), "|---" * len(titles) + "|"]


def table_row(texts) -> str:
    """A row of a table."""
    return f"| {' | '.join(texts)} |"
