"""Training: losses and objectives over the epochs of training runs."""

import json
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sedsep.evaluate.report import style

ABREAST = 4


def draw_training(directories, path) -> Path:
    """Training losses above, objectives below, over the epochs, one column for each run; a single epoch as points.

    Args:
        directories: of the runs, in the order to show; those with one name are one run with several seeds.
        path: picture to write.
    """
    runs = {}
    for directory in map(Path, directories):
        lines = (directory / "log.jsonl").read_text(encoding="utf-8").splitlines()
        runs.setdefault(directory.name, []).append([json.loads(line) for line in lines])
    curves = {name: (_curves(logs, _losses), _curves(logs, _objectives)) for name, logs in runs.items()}
    columns = _abreast(len(runs), ABREAST)
    bands = -(-len(runs) // columns)
    coloured = [style.colours(dict.fromkeys(name for pair in curves.values() for name in pair[row])) for row in (0, 1)]
    with rc_context(style.RC):
        figure = Figure(figsize=(style.WIDTH, 2.7 * bands + 0.5), layout="constrained")
        axes = figure.subplots(2 * bands, columns, squeeze=False)
        for axis in axes.flat:
            axis.set_axis_off()
        for index, (name, pair) in enumerate(curves.items()):
            band, place = divmod(index, columns)
            for row, part in enumerate(pair):
                axis = axes[2 * band + row, place]
                axis.set_axis_on()
                _draw(axis, part, coloured[row])
                if place == 0:
                    axis.set_ylabel(("training loss", "objective")[row])
            axes[2 * band, place].set_title(style.words(name), weight="bold")
            axes[2 * band + 1, place].set_xlabel("epoch")
        figure.align_ylabels(axes[:, 0])
        for row, side in enumerate(("left", "right")):
            handles = [Line2D([], [], color=c, marker="o", markersize=3, label=style.words(name))
                       for name, c in coloured[row].items()]  # fmt: skip
            figure.legend(handles=handles, loc=f"outside lower {side}", ncols=_abreast(len(handles), 3),
                          alignment="left", title=("training loss", "objective (higher is better)")[row])  # fmt: skip
        return style.save(figure, path)


def _abreast(count, most) -> int:
    """Columns for so many things, at most ``most``, so that the last row is not left with a few: 3 and 2 of five."""
    rows = -(-count // most)
    return -(-count // max(rows, 1))


def _losses(record):
    return record["loss"]


def _objectives(record):
    return {variant: values["objective"] for variant, values in record.get("valid", {}).items()}


def _curves(logs, part) -> dict:
    """name -> for each seed the epochs and the values of one part of the records."""
    curves = {}
    for records in logs:
        for name in dict.fromkeys(name for record in records for name in part(record)):
            points = [(record["epoch"], part(record)[name]) for record in records if name in part(record)]
            curves.setdefault(name, []).append(np.array(points, float).T)
    return curves


def _draw(axis, curves, colours):
    """A line for each seed, a little lighter where there are several; of one epoch a point, with the mean in words."""
    longest = max((len(epochs) for seeds in curves.values() for epochs, _ in seeds), default=0)
    for place, (name, seeds) in enumerate(curves.items()):
        look = {"color": colours[name], "alpha": 1 / len(seeds) ** 0.5, "markersize": 3}
        for epochs, values in seeds:
            where = epochs if longest > 1 else [place]
            axis.plot(where, values, "o" if longest == 1 else "o-" if longest <= 10 else "-", **look)
        if longest == 1:
            values = [values[0] for _, values in seeds]
            axis.annotate(f"{np.mean(values):.3g}", (place, max(values)), (0, 4), textcoords="offset points",
                          ha="center", fontsize=6)  # fmt: skip
    if longest > 1:
        axis.locator_params(axis="x", integer=True, nbins=5)
    else:
        axis.set(xlim=(-0.7, len(curves) - 0.3))
        axis.set_xticks([(len(curves) - 1) / 2], ["1"])
        axis.margins(y=0.3)
    axis.locator_params(axis="y", nbins=5)
    axis.grid(axis="x", visible=False)
