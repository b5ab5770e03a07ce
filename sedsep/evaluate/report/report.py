"""Report: results of systems -> a table for machines and a page for people, ours beside the published.

What there should be, in which order and under which name, is said by tables of published rows or cells
(``cells.py``); our numbers come from files as ``sedsep score`` writes them (``results.py``). Several directories
hold the same systems trained with other seeds.
"""

import re
from pathlib import Path

import pandas as pd

from sedsep.evaluate.report import cells, claims, folds, page, results
from sedsep.evaluate.report.class_bars import draw_classes
from sedsep.evaluate.report.result_bars import draw_results
from sedsep.evaluate.report.training import draw_training
from sedsep.files import write_table, write_text


def report(
    directories, rows, cell_tables, table_path, page_path, command="", training=(), note="", claims_path=None, bars="",
    crossed=(),
) -> str:  # fmt: skip
    """Write the table, the page and its pictures.

    Args:
        directories: of files of results, one per seed. rows: pairs of a title and a table of published rows.
        cell_tables: tables of published cells. table_path: the table to write; numbers of tables with other columns
            than the first go beside it, with the first word of their title in the name. page_path: the Markdown page.
        command: what made the numbers; stands above the tables. note: text that stands under them.
        training: directories of training runs, whose ``log.jsonl`` are drawn in this order; those with the same
            name are one system trained with several seeds. claims_path: table of claims to try (``claims.py``).
        bars: ``<results>:<metric>`` that is drawn for each class, such as ``sed.teacher:event-f1-macro``.
        crossed: titles, metrics and names of results of cross-validations (``folds.py``).

    Returns:
        the tables as text.

    Raises:
        UserError: a result is missing, or the results are not of the same metrics and data.
    """
    tables = [cells.from_rows(title, path) for title, path in rows]
    tables += [one for path in cell_tables for one in cells.from_cells(path)]
    values, passports = results.read(tables, directories)
    texts = [page.markdown(one, found) for one, found in zip(tables, values)]
    crossed = [folds.read(*one, directories) for one in crossed]
    tried = claims.markdown(claims.read_claims(claims_path, directories)) if claims_path else ""
    for file, lines in _files(tables, values, Path(table_path)).items():
        write_table(file, pd.concat(lines, ignore_index=True))
    if crossed:
        beside = Path(table_path).with_name(f"{Path(table_path).stem}_folds{Path(table_path).suffix}")
        write_table(beside, pd.concat(map(folds.for_machines, crossed), ignore_index=True))
    page_path = Path(page_path)
    pictures = [draw_results(tables, values, page_path.with_name("results.png"))] if tables else []
    pictures += [draw_classes(directories, bars, page_path.with_name("classes.png"))] if bars else []
    pictures += [draw_training(training, page_path.with_name("training.png"))] if training else []
    others = page.beside(tables, values)
    titles = [one.title for one in (*tables, *crossed)]
    texts += [folds.markdown(one) for one in crossed]
    parts = (titles, texts, others, tried, passports, len(directories), command, note, pictures)
    write_text(page_path, page.whole(*parts))
    return "\n\n".join([*texts, tried] if tried else texts)


def _files(tables, values, path) -> dict:
    """File -> the lines that it holds, all with the same columns."""
    files = {}
    for one, found in zip(tables, values):
        lines = results.for_machines(one, found)
        first = next(iter(files.values()))[0] if files else lines
        word = re.split(r"\W+", one.title.lower())[0]
        alike = list(lines.columns) == list(first.columns)
        files.setdefault(path if alike else path.with_name(f"{path.stem}_{word}{path.suffix}"), []).append(lines)
    return files
