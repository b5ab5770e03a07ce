"""F1 curves: collar F1 of each class and its macro mean over the thresholds of a score directory."""

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from sedsep.errors import UserError
from sedsep.evaluate.report import style
from sedsep.evaluate.score.output import Output
from sedsep.evaluate.score.truth import Truth
from sedsep.evaluate.score.unit import PER_CENT
from sedsep.metrics.event_f1 import event_f1
from sedsep.scores.events import OPERATING_POINTS

ABREAST = 4
MOST = 31  # classes with a panel of their own


def draw_f1(path, truth: Truth, output: Output) -> None:
    """Collar F1 over the 50 thresholds: the macro mean, and a small panel for each class, best first.

    Args:
        path: picture to write (.png, .pdf, .svg).

    Raises:
        UserError: the set has no events, or the output has other operating points than the 50 published ones.
    """
    truth.require("events", "plot f1")
    points = output.operating_points(truth.classes, "plot f1")
    if len(points) != len(OPERATING_POINTS):
        raise UserError(f"plot f1 needs the {len(OPERATING_POINTS)} published operating points; found {len(points)}")
    found = [event_f1(events, truth.events, truth.classes, truth.filenames) for events in points]
    per_class = PER_CENT.factor * np.array([point.per_class for point in found])
    macro = PER_CENT.factor * np.array([point.macro for point in found])
    shown = [c for c in range(len(truth.classes)) if not np.isnan(per_class[:, c]).all()]
    shown.sort(key=lambda c: -np.nanmax(per_class[:, c]))
    named = shown if len(shown) <= MOST else []
    with rc_context(style.RC):
        rows = -(-(len(named) + 1) // ABREAST)
        size = (style.WIDTH, 1.35 * rows + 0.35) if named else (style.WIDTH / 2, 2.6)
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(rows, ABREAST if named else 1, sharex=True, sharey=True, squeeze=False)
        first, *others = axes.flat
        for c in shown:
            first.plot(OPERATING_POINTS, per_class[:, c], color=style.PALE, linewidth=0.7)
        _best(first, macro, "black", "Macro mean")
        for axis, c in zip(others, named):
            axis.plot(OPERATING_POINTS, macro, color=style.PALE)
            _best(axis, per_class[:, c], style.COLOURS[0], style.words(truth.classes.names[c]))
        for axis in others[len(named) :]:
            axis.set_axis_off()
        for axis in others[max(0, len(named) - ABREAST) : len(named)]:
            axis.tick_params(labelbottom=True)
        first.set(xlim=(0, 1), ylim=(0, None), xticks=(0, 0.5, 1))
        figure.supxlabel("Threshold", fontsize=8)
        figure.supylabel("Event F1 in %", fontsize=8)
        style.save(figure, path)


def _best(axis, values, colour, name) -> None:
    """A curve, its maximum as a point and in the title."""
    best = int(np.nanargmax(values))
    axis.plot(OPERATING_POINTS, values, color=colour, linewidth=1.6)
    axis.plot(OPERATING_POINTS[best], values[best], "o", color=colour, markersize=4, clip_on=False)
    axis.set_title(f"{name} ({PER_CENT.number(values[best])})", fontsize=7)
