"""Class bars: one number of one system for each class."""

from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from sedsep.errors import UserError
from sedsep.evaluate.report import style
from sedsep.evaluate.score.stored import read_results
from sedsep.evaluate.score.unit import unit_of


def draw_classes(directories, bars: str, path) -> Path:
    """A bar for each class that has a value, best first, the mean over seeds with its standard deviation.

    Args:
        directories: of files of results, one per seed. bars: ``<results>:<metric>``. path: picture to write.

    Raises:
        UserError: there are no such results, or the metric has no value per class.
    """
    results, _, metric = bars.partition(":")
    found = [read_results(Path(directory) / f"{results}.json")["metrics"].get(metric, {}) for directory in directories]
    if not all(entry.get("per_class") for entry in found):
        raise UserError(f"--bars {bars}: expected <results>:<metric>, a metric of {results}.json with classes")
    unit = unit_of(found[0])
    names = [name for name, value in found[0]["per_class"].items() if value is not None]
    values = unit.factor * np.array([[entry["per_class"][name] for name in names] for entry in found], float)
    order = np.argsort(-values.mean(0), kind="stable")
    with rc_context(style.RC):
        figure = Figure(figsize=(min(style.WIDTH, max(3.5, 1.6 + 0.34 * len(names))), 2.6), layout="constrained")
        axis = figure.subplots()
        spreads = values.std(0, ddof=1)[order] if len(values) > 1 else None
        axis.bar(range(len(names)), values.mean(0)[order], 0.7, yerr=spreads, color=style.COLOURS[0],
                 error_kw={"elinewidth": 0.7, "ecolor": style.REFERENCE})  # fmt: skip
        axis.axhline(0, color="#808080", linewidth=0.6)
        axis.set_xticks(range(len(names)), [style.words(names[c]) for c in order], rotation=35, ha="right",
                        rotation_mode="anchor")  # fmt: skip
        axis.tick_params(axis="x", length=0)
        axis.grid(axis="x", visible=False)
        axis.set_title(f"{results}: {metric}")
        axis.set_ylabel(f"{metric.split('.')[-1]}{f' in {unit.suffix.strip()}' if unit.suffix else ''}")
        return style.save(figure, path)
