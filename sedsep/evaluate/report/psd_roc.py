"""PSD-ROC: effective true positive ratio over effective false positive rate, with the area that PSDS is."""

from matplotlib import rc_context
from matplotlib.figure import Figure

from sedsep.errors import UserError
from sedsep.evaluate.report import style
from sedsep.evaluate.score.truth import Truth
from sedsep.evaluate.score.unit import FRACTION
from sedsep.metrics.exact_psds import exact_psds
from sedsep.metrics.psd_roc import PSDS_2021
from sedsep.metrics.psds import psds
from sedsep.scores.events import OPERATING_POINTS

EXACT = "all thresholds (exact PSDS)"
PUBLISHED = f"{len(OPERATING_POINTS)} operating points (psds_eval)"
LOOKS = {"solid": "-", "dashed": (0, (3, 1.5))}


def draw_psd_roc(path, truth: Truth, outputs: dict, published: bool = False) -> None:
    """PSD-ROC of PSDS1 and PSDS2 with the areas: all thresholds of scores, or the given operating points.

    Args:
        path: picture to write (.png, .pdf, .svg). outputs: a system's name ->
            :class:`sedsep.evaluate.score.output.Output`.
        published: of scores, also draw psds_eval's curve over the published operating points, dashed: its area is
            the number of the tables.

    Raises:
        UserError: the set has no events; exact curves and those of operating points would share a picture.
    """
    truth.require("events", "plot psd-roc")
    kinds = _kinds(outputs, published)
    colours = style.colours(outputs)
    with rc_context(style.RC):
        figure = Figure(figsize=(style.WIDTH, 2.9 + 0.17 * len(outputs) * len(kinds)), layout="constrained")
        figure.get_layout_engine().set(wspace=0.08)
        axes = figure.subplots(1, 2, sharey=True)
        for name, output in outputs.items():
            for kind, look in zip(kinds, LOOKS.values()):
                for axis, setting, found in zip(axes, PSDS_2021, _roc(truth, output, kind)):
                    label = f"{name if len(outputs) > 1 else setting.name.upper()} = {FRACTION.text(found.value)}"
                    drawn = {"color": colours[name], "linestyle": look, "label": label, "clip_on": False}
                    axis.step(found.efpr, found.etpr, where="post", **drawn)
                    if len(outputs) == len(kinds) == 1:
                        axis.fill_between(found.efpr, found.etpr, step="post", color=colours[name], alpha=0.12,
                                          linewidth=0)  # fmt: skip
        said = ",\n".join(f"{look}: {kind}" for look, kind in zip(LOOKS, kinds)) if len(kinds) > 1 else kinds[0]
        for axis, setting in zip(axes, PSDS_2021):
            cross = f", CTTC {setting.cttc:g}" if setting.alpha_ct else ""
            axis.set(title=f"{setting.name.upper()} (DTC {setting.dtc:g}, GTC {setting.gtc:g}{cross})")
            axis.set(xlabel="Effective false positives per hour", xlim=(0, setting.max_efpr), ylim=(0, 1))
            axis.legend(title=said, alignment="left", loc="upper left", bbox_to_anchor=(0, -0.2), borderaxespad=0)
        axes[0].set_ylabel("Effective true positive ratio")
        style.save(figure, path)


def _kinds(outputs, published) -> list:
    """What the curves run over: exact PSDS is another metric than PSDS of operating points."""
    kinds = {
        EXACT if output.scores is not None else f"{len(output.points)} operating points (psds_eval)"
        for output in outputs.values()
    }
    if len(kinds) > 1:
        raise UserError("exact PSDS and PSDS of operating points are not comparable: draw them apart")
    return [*kinds] + [PUBLISHED] * (published and EXACT in kinds)


def _roc(truth, output, kind) -> list:
    if kind == EXACT:
        found = exact_psds(output.scores, truth.events, truth.durations, truth.classes, PSDS_2021)
    else:
        points = output.operating_points(truth.classes, "plot psd-roc")
        found = psds(points, truth.events, truth.durations, truth.classes, PSDS_2021)
    return list(found.values())
