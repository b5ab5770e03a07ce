"""Report: results of systems -> a table for machines and a page for people, ours beside the published.

Results are read from ``<key>.<model>.json`` as ``sedsep score`` writes them. A table of published rows (key,
system, model, and one column for each metric, see ``columns.py``) says which there should be, in which order, and
under which name; an empty field is a number that was not published. Several directories hold the same systems
trained with other seeds.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from sedsep.errors import UserError
from sedsep.evaluate.report import claims as claiming
from sedsep.evaluate.report.columns import COLUMNS, column, entry
from sedsep.evaluate.report.pictures import draw_results, draw_training
from sedsep.files import read_json, read_table, write_table, write_text

NAMES = ("key", "system", "model")


class Passport(NamedTuple):
    """What the results of one metric must share to stand on one page; ``absent``: clips that the set lacks."""

    clips: int
    absent: int
    id: str
    data: str
    missing: int


@dataclass(frozen=True)
class ResultTable:
    """One table of a page.

    Args:
        title: its heading. columns: names out of ``COLUMNS``.
        published: NAMES and columns, one row per result; ours: ``(rows, columns, seeds)`` in the columns' scales.
    """

    title: str
    columns: tuple
    published: pd.DataFrame
    ours: np.ndarray

    @property
    def values(self) -> np.ndarray:
        """Mean over seeds ``(rows, columns)``."""
        return self.ours.mean(2)

    @property
    def spreads(self):
        """Standard deviation over seeds ``(rows, columns)``; None for one seed."""
        return self.ours.std(2, ddof=1) if self.ours.shape[2] > 1 else None

    def keys(self) -> list:
        """``<key>.<model>`` of each row."""
        return [f"{key}.{model}" for key, model in zip(self.published["key"], self.published["model"])]


def report(results, published, table, page, command="", training=(), note="", claims=None) -> str:
    """Write the table, the page and its pictures.

    Args:
        results: directories of ``<key>.<model>.json``, one per seed. published: pairs of a title and a table of
            published rows. table: the table to write: system, model and every metric; with several seeds
            ``<metric>_sd`` beside each. Tables of other metrics than the first go beside it, with the first word of
            their title in the name. page: the Markdown page.
        command: what made the numbers; stands above the tables. note: text that stands under them.
        training: directories of training runs, whose ``log.jsonl`` are drawn in this order; those with the same
            name are one system trained with several seeds. claims: table of claims to try (``claims.py``).

    Returns:
        the tables as text.

    Raises:
        UserError: a result is missing, or the results are not of the same metrics and data.
    """
    results, found = [Path(directory) for directory in results], {}
    tables = [_read(title, path, results, found) for title, path in published]
    passport = _passport(found)
    page = Path(page)
    texts = [_markdown(one) for one in tables]
    tried = claiming.markdown(claiming.read_claims(claims, results)) if claims else ""
    for name, group in _by_columns(tables, Path(table)).items():
        write_table(name, pd.concat([_for_machines(one) for one in group], ignore_index=True))
    pictures = [draw_results(tables, page.with_name("results.png"))]
    pictures += [draw_training(training, page.with_name("training.png"))] if training else []
    write_text(page, _page(tables, texts, tried, passport, len(results), command, note, pictures))
    return "\n\n".join([*texts, tried] if tried else texts)


def _read(title, path, results, found) -> ResultTable:
    """One table of published rows with our results; every result read goes into ``found``, file -> result."""
    rows = read_table(path, NAMES)
    columns = tuple(name for name in rows.columns if name not in NAMES)
    described = [column(name, path) for name in columns]
    rows = read_table(path, NAMES, numeric=columns)
    ours = np.full((len(rows), len(columns), len(results)), np.nan)
    for r, row in enumerate(rows.itertuples()):
        for s, directory in enumerate(results):
            file = directory / f"{row.key}.{row.model}.json"
            found[file] = read_json(file)
            for c, one in enumerate(described):
                value = entry(found[file], one, file, {other.asked for other in described})["value"]
                ours[r, c, s] = np.nan if value is None else value * one.scale
    return ResultTable(title, columns, rows, ours)


def _passport(found) -> dict:
    """Metric -> :class:`Passport`, the same for all results of a page."""
    passports = {}
    for file, result in found.items():
        for name, metric in result["metrics"].items():
            data = result["data"]
            passport = Passport(
                data["clips"], data.get("absent_clips", 0), metric["id"], metric["data"], metric["missing_clips"]
            )
            passports.setdefault(name, {}).setdefault(passport, []).append(file)
    for groups in passports.values():
        if len(groups) > 1:
            files = " against ".join(", ".join(file.stem for file in files[:3]) for files in groups.values())
            where = next(iter(found)).parent
            raise UserError(f"{where}: results of different data or metrics ({files}); run stages 5 to 7 again")
    return {name: next(iter(groups)) for name, groups in passports.items()}


def _by_columns(tables, path) -> dict:
    """File -> the tables that it holds, all with the same columns."""
    files = {}
    for one in tables:
        word = re.split(r"\W+", one.title.lower())[0]
        alike = one.columns == tables[0].columns
        files.setdefault(path if alike else path.with_name(f"{path.stem}_{word}{path.suffix}"), []).append(one)
    return files


def _for_machines(table):
    rows = table.published[["system", "model"]].copy()
    for c, name in enumerate(table.columns):
        digits = 5 if COLUMNS[name].scale == 1 else 3
        rows[name] = table.values[:, c].round(digits)
        if table.spreads is not None:
            rows[f"{name}_sd"] = table.spreads[:, c].round(digits)
    return rows


def _markdown(table):
    described = [COLUMNS[name] for name in table.columns]
    titles = [one.title for one in described]
    known = table.published[list(table.columns)].notna().any(axis=None)  # else there is nothing to put beside ours
    theirs = [f"paper: {titles[0]}", *titles[1:]] if known else []
    head = ["system", "model", *titles, *theirs]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    spreads = table.spreads
    for r, row in table.published.iterrows():
        mine = [
            one.text(table.values[r, c], None if spreads is None else spreads[r, c])
            for c, one in enumerate(described)
        ]
        theirs = [one.text(row[name]) for one, name in zip(described, table.columns) if known]
        lines.append(f"| {' | '.join([row['system'], row['model'], *mine, *theirs])} |")
    return "\n".join(lines)


def _page(tables, texts, tried, passport, n_seeds, command, note, pictures):
    shown = {COLUMNS[name].metric for table in tables for name in table.columns}
    passport = {name: entry for name, entry in passport.items() if name in shown}
    parts = ["# Results", ""]
    if command:
        parts += ["```sh", command, "```", ""]
    for table, text in zip(tables, texts):
        parts += [f"## {table.title}", "", text, ""] if len(tables) > 1 else [text, ""]
    if tried:
        how = "Differences with their 95 % intervals over resamples of the clips"
        parts += ["## Claims", "", f"{how}{', ± standard deviation over seeds' * (n_seeds > 1)}.", "", tried, ""]
    for measured in dict.fromkeys(entry._replace(id="") for entry in passport.values()):
        parts += [_measured_on(measured, n_seeds)]
    parts += [note, ""] if note else [""]
    parts += [*(f"- `{entry.id}`" for entry in passport.values()), ""]
    parts += [*(f"![{path.stem}]({path.name})" for path in pictures), ""]
    return "\n".join(parts)


def _measured_on(passport, n_seeds):
    """A sentence on the test set."""
    lacking = f", **{passport.missing} missing** in the output" if passport.missing else ""
    absent = f", **{passport.absent} of {passport.clips + passport.absent} absent**" if passport.absent else ""
    seeds = f", mean ± standard deviation over {n_seeds} seeds" if n_seeds > 1 else ""
    return f"Ours: {passport.clips} test clips{absent}{lacking}{seeds}, data {passport.data}."
