"""Folds: what a cross-validation found for each class, every fold tested once, and on how many recordings."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from sedsep.errors import UserError
from sedsep.evaluate.report.cells import NONE
from sedsep.evaluate.report.columns import COLUMNS, column, shown
from sedsep.evaluate.report.page import table_head, table_row
from sedsep.evaluate.score.stored import read_results
from sedsep.names import natural

ALL = "all"  # the row of all classes together


class Folds(NamedTuple):
    """The numbers of one metric.

    Args:
        title: of the table. metric: name out of ``COLUMNS``. names: of the results, one for each fold. rows: classes,
            and :data:`ALL`. clues: by which sounds were extracted. values: ``(rows, clues, folds)``, mean over seeds,
            NaN for none. recordings: ``(rows, folds)`` that were tested, 0 where that is not known.
        passports: of the metric: its id, and each fold's data.
    """

    title: str
    metric: str
    names: tuple
    rows: tuple
    clues: tuple
    values: np.ndarray
    recordings: np.ndarray
    passports: tuple


def read(title: str, metric: str, names, directories) -> Folds:
    """Read ``<directory>/<name>.json`` of each fold; several directories are trainings with other seeds.

    Raises:
        UserError: a result is missing, has no such metric, or another one than the first.
    """
    wanted = column(metric, "--folds").metric
    if len(names) < 2 or len(set(names)) < len(names):
        raise UserError(f"--folds {title!r}: expected the results of two folds or more, with commas, each once")
    files = [[Path(directory) / f"{name}.json" for directory in directories] for name in names]
    found = [[_metrics(file, wanted) for file in of_fold] for of_fold in files]
    first = found[0][0]
    for of_fold, paths in zip(found, files):
        for one, path in zip(of_fold, paths):
            if {clue: entry["id"] for clue, entry in one.items()} != {c: entry["id"] for c, entry in first.items()}:
                raise UserError(f"{path}: has other clues or metrics than {files[0][0]}; decode and score it again")
        if len({next(iter(one.values()))["data"] for one in of_fold}) > 1:
            raise UserError(f"{paths[0]}: the seeds were tested on different data; run stages 5 to 7 again")
    clues = sorted(first, key=natural)
    known = (item for of_fold in found for item in of_fold[0][clues[0]]["per_class"].items())
    classes = list(dict.fromkeys(label for label, value in known if value is not None))
    values = np.full((len(classes) + 1, len(clues), len(names)), np.nan)
    recordings = np.zeros((len(classes) + 1, len(names)), int)
    for f, of_fold in enumerate(found):
        for c, clue in enumerate(clues):
            entries = [one[clue] for one in of_fold]
            for r, label in enumerate(classes):
                each = [shown(entry["per_class"].get(label), COLUMNS[metric]) for entry in entries]
                values[r, c, f] = np.mean(each)
            values[-1, c, f] = np.mean([shown(entry["value"], COLUMNS[metric]) for entry in entries])
        counts = of_fold[0][clues[0]].get("recordings", {})
        recordings[:, f] = [*(counts.get(label, 0) for label in classes), sum(counts.values())]
    passports = (first[clues[0]]["id"], *(of_fold[0][clues[0]]["data"] for of_fold in found))
    return Folds(title, metric, tuple(names), (*classes, ALL), tuple(clues), values, recordings, passports)


def markdown(folds: Folds) -> str:
    """The table for people: mean and standard deviation over the folds, and what it stands on."""
    unit = COLUMNS[folds.metric].unit
    lines = table_head([COLUMNS[folds.metric].head, "recordings", *folds.clues])
    for label, values, counts in zip(folds.rows, folds.values, folds.recordings):
        each = "+".join(map(str, counts))
        behind = f"{counts.sum()} ({each})" if counts.all() else NONE
        texts = (unit.number(of_clue.mean(), of_clue.std(ddof=1)) for of_clue in values)
        lines.append(table_row([label, behind, *texts]))
    identifier, *data = folds.passports
    tested = (
        f"Mean ± standard deviation over {len(folds.names)} folds, each tested once by what is learnt from the others"
    )
    behind = "recordings: how many were tested, in all and fold by fold"
    return "\n".join([*lines, "", f"{tested}; {behind}. `{identifier}`, data {', '.join(data)}."])


def for_machines(folds: Folds) -> pd.DataFrame:
    """One line for each class, clue and fold."""
    rows = [
        (label, clue, name, folds.recordings[r, f], round(folds.values[r, c, f], COLUMNS[folds.metric].kept))
        for r, label in enumerate(folds.rows)
        for c, clue in enumerate(folds.clues)
        for f, name in enumerate(folds.names)
    ]
    return pd.DataFrame(rows, columns=["class", "clue", "results", "recordings", folds.metric])


def _metrics(file, wanted) -> dict:
    """clue -> the entry of a metric in a file of results, "" for one without clues."""
    found = {}
    for name, entry in read_results(file)["metrics"].items():
        clue, _, metric = name.rpartition(".")
        if metric == wanted and entry.get("per_class"):
            found[clue] = entry
    if not found:
        raise UserError(f"{file}: no {wanted} of single classes; score again")
    return found
