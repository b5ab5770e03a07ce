"""Pictures of a report: every number as a bar beside the published mark, and how each training run went."""

import json
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from sedsep.evaluate.report.columns import COLUMNS
from sedsep.files import writing

# Okabe and Ito's colours, which people of all kinds of colour vision tell apart.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#000000", "#F0E442")
RUNS_ABREAST = 5


def draw_results(tables, path) -> Path:
    """One row of axes per table, one column per metric: a bar per system and model, the published value as a mark.

    Args:
        tables: ``ResultTable`` s. path: picture to write (PNG).
    """
    systems = [list(dict.fromkeys(table.published["system"])) for table in tables]
    heights = [0.26 * max(len(names), 3) + 0.6 for names in systems]
    widest = max(len(table.columns) for table in tables)
    figure = Figure(figsize=(2.6 + 2.4 * widest, sum(heights) + 0.5), layout="constrained")
    axes = figure.subplots(len(tables), widest, squeeze=False, height_ratios=heights)
    models = list(dict.fromkeys(model for table in tables for model in table.published["model"]))
    for table, names, line in zip(tables, systems, axes):
        for axis in line[len(table.columns) :]:
            axis.set_axis_off()
        for c, axis in enumerate(line[: len(table.columns)]):
            _bars(axis, table, c, names, models)
            axis.set_yticks(range(len(names)), names if c == 0 else [], fontsize=8)
        if len(tables) > 1:
            line[0].set_title(f"{table.title}\n{line[0].get_title()}", fontsize=9)
    handles = [Patch(color=COLOURS[m], label=model) for m, model in enumerate(models)]
    handles.append(Line2D([], [], color="black", marker="|", linestyle="", markersize=9, label="published"))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), fontsize=8, frameon=False)
    return _keep(figure, path)


def _bars(axis, table, c, names, models):
    described, rows = COLUMNS[table.columns[c]], table.published
    values, spreads = table.values[:, c], table.spreads
    present = [model for model in models if (rows["model"] == model).any()]
    thickness = 0.8 / len(present)
    for place, model in enumerate(present):
        chosen = np.flatnonzero(rows["model"] == model)
        shift = (place - (len(present) - 1) / 2) * thickness
        where = np.array([names.index(name) for name in rows["system"].iloc[chosen]]) + shift
        error = None if spreads is None else spreads[chosen, c]
        axis.barh(where, values[chosen], thickness * 0.92, xerr=error, color=COLOURS[models.index(model)],
                  error_kw={"elinewidth": 0.8})  # fmt: skip
        marks = rows[table.columns[c]].iloc[chosen]
        axis.plot(marks, where, "k|", markersize=9 if len(present) > 1 else 13)
    axis.set_title(described.title, fontsize=9)
    axis.set_ylim(len(names) - 0.5, -0.5)
    axis.tick_params(axis="y", length=0)
    axis.tick_params(axis="x", labelsize=7)
    axis.spines[["top", "right"]].set_visible(False)


def draw_training(directories, path) -> Path:
    """Training losses above, objectives below, over the epochs, one column for each run; a single epoch as bars.

    Args:
        directories: of the runs, in the order to show; those with one name are one run with several seeds.
        path: picture to write (PNG).
    """
    runs = {}
    for directory in map(Path, directories):
        lines = (directory / "log.jsonl").read_text(encoding="utf-8").splitlines()
        runs.setdefault(directory.name, []).append([json.loads(line) for line in lines])
    curves = {name: (_curves(logs, _losses), _curves(logs, _objectives)) for name, logs in runs.items()}
    names = list(dict.fromkeys(name for pair in curves.values() for part in pair for name in part))
    colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(names)}
    columns = min(len(runs), RUNS_ABREAST)
    bands = -(-len(runs) // columns)
    figure = Figure(figsize=(max(2.1 * columns, 4), 3.4 * bands + 0.4), layout="constrained")
    axes = figure.subplots(2 * bands, columns, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for index, (name, pair) in enumerate(curves.items()):
        band, place = divmod(index, columns)
        for row, part in enumerate(pair):
            axis = axes[2 * band + row, place]
            axis.set_axis_on()
            _draw(axis, part, colours)
            if place == 0:
                axis.set_ylabel(("training loss", "objective (higher is better)")[row], fontsize=8)
        axes[2 * band, place].set_title(name, fontsize=9)
    handles = [Line2D([], [], color=colour, linewidth=3, label=name) for name, colour in colours.items()]
    abreast = min(len(handles), 7)
    figure.legend(handles=handles, loc="outside lower center", ncols=abreast, fontsize=8, frameon=False)
    return _keep(figure, path)


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
    longest = max((len(epochs) for seeds in curves.values() for epochs, _ in seeds), default=0)
    for place, (name, seeds) in enumerate(curves.items()):
        style = {"color": colours[name], "alpha": 1 / len(seeds) ** 0.5}
        if longest > 1:
            for epochs, values in seeds:
                axis.plot(epochs, values, ".-", linewidth=1.2, markersize=3, **style)
            continue
        values = [values[0] for _, values in seeds]
        axis.bar(place, np.mean(values), 0.6, color=colours[name])
        axis.bar_label(axis.containers[-1], fmt="%.3g", fontsize=7, padding=1)
        if len(values) > 1:
            axis.plot([place] * len(values), values, "k.", markersize=3)
    axis.tick_params(labelsize=7)
    axis.spines[["top", "right"]].set_visible(False)
    if longest > 1:
        axis.set_xlabel("epoch", fontsize=8)
        axis.locator_params(axis="x", integer=True, nbins=5)
    else:
        axis.set(xlim=(-0.7, len(curves) - 0.3), xticks=[])
        axis.set_xlabel("one epoch", fontsize=8)
        axis.margins(y=0.15)


def _keep(figure, path) -> Path:
    with writing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)
    return Path(path)
