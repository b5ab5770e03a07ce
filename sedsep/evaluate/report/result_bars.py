"""Result bars: every number of a report's tables as a bar beside the published mark."""

from pathlib import Path
from textwrap import fill

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from sedsep.evaluate.report import style

# Inches. The places are set by hand: panels of all tables stand on one left edge, however many there are abreast.
LINE, CHARACTER, GAP, TITLE, HEAD, TICKS, LEGEND = 0.19, 0.062, 0.22, 0.26, 0.14, 0.38, 0.3
NARROWEST = 0.8  # panel with its gap
LONGEST = 40  # characters of a label in one line


def draw_results(tables, values, path) -> Path:
    """One row of panels per table, one panel per column: a bar per row of the table, the published value as a mark.

    Args:
        tables: :class:`sedsep.evaluate.report.cells.Table` s. values: of their cells ``(cells, seeds)``.
        path: picture to write.
    """
    names = [list(dict.fromkeys(row[0] for row in table.rows)) for table in tables]
    models = list(dict.fromkeys(row[1] for table in tables for row in table.rows if len(row) > 1))
    left = CHARACTER * min(LONGEST, max(len(name) for group in names for name in group)) + 0.15
    width = max(style.WIDTH, left + NARROWEST * max(len(table.columns) for table in tables))
    steps = [(width - left - 0.1 + GAP) / len(table.columns) for table in tables]
    heads = [[_wrapped(head, step) for head in table.columns] for table, step in zip(tables, steps)]
    above = [TITLE + HEAD * max(1 + head.count("\n") for head in group) for group in heads]
    heights = [LINE * max(len(group), 2) + 0.06 for group in names]
    height = sum(above) + sum(heights) + len(tables) * TICKS + LEGEND
    top = height
    with rc_context(style.RC):
        figure = Figure(figsize=(width, height))
        for t, table in enumerate(tables):
            figure.text(0.06 / width, (top - 0.06) / height, _title(table), va="top", weight="bold")
            top -= above[t] + heights[t]
            panels = []
            for c, head in enumerate(heads[t]):
                place = np.array((left + c * steps[t], top, steps[t] - GAP, heights[t]))
                panels.append(figure.add_axes(tuple(place / (width, height, width, height)), title=head))
                _bars(panels[-1], table, values[t], c, names[t], models)
                panels[-1].locator_params(axis="x", nbins=max(2, int(steps[t] / 0.45)))
            panels[0].set_yticks(range(len(names[t])), [fill(name, LONGEST) for name in names[t]])
            if len({cell.metric for cell in table.cells if cell.column}) == 1:
                _same_scale(panels)
            top -= TICKS
        _legend(figure, tables, models)
        return style.save(figure, path)


def _legend(figure, tables, models) -> None:
    handles = [Patch(color=colour, label=model) for model, colour in style.colours(models).items()]
    if any(not np.isnan(cell.published) for table in tables for cell in table.cells):
        handles.append(Line2D([], [], color="black", marker="|", linestyle="", markersize=8, label="published"))
    if handles:
        figure.legend(handles=handles, loc="lower center", ncols=len(handles))


def _title(table) -> str:
    """The table's title, with the metric where the heads of the panels do not name it."""
    return f"{table.title} ({table.heads[0]})" if len(table.heads) == 1 and table.heads[0] else table.title


def _wrapped(head, width) -> str:
    return fill(head.replace(" dB", "\u00a0dB"), max(9, int(width / CHARACTER)), break_on_hyphens=False)


def _same_scale(panels) -> None:
    limits = [panel.get_xlim() for panel in panels]
    for panel in panels:
        panel.set_xlim(min(low for low, _ in limits), max(high for _, high in limits))


def _bars(axis, table, values, c, names, models):
    colours = style.colours(models)
    present = [model for model in models if any(row[1:] == (model,) for row in table.rows)] or [None]
    thickness = 0.8 / len(present)
    for row, index in zip(table.rows, table.grid()[:, c]):
        if index < 0:
            continue
        model = row[1] if len(row) > 1 else None
        where = names.index(row[0]) + (present.index(model) - (len(present) - 1) / 2) * thickness
        numbers = values[index]
        error = numbers.std(ddof=1) if len(numbers) > 1 else None
        axis.barh(where, numbers.mean(), thickness * 0.9, xerr=error, color=colours.get(model, style.COLOURS[0]),
                  error_kw={"elinewidth": 0.7, "ecolor": style.REFERENCE})  # fmt: skip
        axis.plot(table.cells[index].published, where, "k|", markersize=max(5, 11 * thickness))
    axis.axvline(0, color="#808080", linewidth=0.6)
    axis.set_ylim(max(len(names), 2) - 0.5, -0.5)
    axis.set_yticks([])
    axis.tick_params(axis="y", length=0)
    axis.grid(axis="y", visible=False)
    cells = [index for index in table.grid()[:, c] if index >= 0]
    numbers = [*values[cells].mean(1), *(table.cells[index].published for index in cells)]
    known = [number for number in numbers if not np.isnan(number)]
    if not any(known):  # nothing but zeros, or nothing at all
        axis.set_xlim(0, 1)
    elif min(known) >= 0:
        axis.set_xlim(left=0)
    axis.spines["left"].set_visible(False)
