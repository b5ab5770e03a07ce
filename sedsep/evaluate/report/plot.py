"""Plots for a paper: PSD-ROC with its area, F1 of each class over thresholds, and a clip with its events."""

from pathlib import Path

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from sedsep.data import audio
from sedsep.errors import UserError, nearest
from sedsep.evaluate.score.output import Output
from sedsep.evaluate.score.truth import Truth
from sedsep.files import clip_id, writing
from sedsep.metrics.event_f1 import event_f1
from sedsep.metrics.exact_psds import exact_psds
from sedsep.metrics.psd_roc import PSDS_2021
from sedsep.metrics.psds import psds
from sedsep.scores.events import OPERATING_POINTS

STYLE = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.alpha": 0.3,
    "grid.linewidth": 0.6,
    "legend.framealpha": 0.85,
    "legend.edgecolor": "none",
    "figure.dpi": 200,
    "savefig.bbox": "tight",
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
}
# Okabe and Ito's colours, which people of all kinds of colour vision tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
REFERENCE = "#4d4d4d"


def psd_roc(path, truth: Truth, outputs: dict) -> None:
    """PSD-ROC of PSDS1 and PSDS2 with the areas: all thresholds of scores, or the given operating points.

    Args:
        path: picture to write (.png, .pdf, .svg). outputs: a system's name -> :class:`Output`.
    """
    with rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.1), layout="constrained")
        figure.get_layout_engine().set(wspace=0.08)
        axes = figure.subplots(1, 2, sharey=True)
        for colour, (name, output) in zip(_colours(len(outputs)), outputs.items()):
            for axis, setting, found in zip(axes, PSDS_2021, _roc(truth, output)):
                label = f"{name if len(outputs) > 1 else setting.name.upper()} = {found.value:.3f}"
                style = {"color": colour, "linewidth": 1.4, "label": label, "clip_on": False}
                axis.step(found.efpr, found.etpr, where="post", **style)
                if len(outputs) == 1:
                    axis.fill_between(found.efpr, found.etpr, step="post", color=colour, alpha=0.15, linewidth=0)
        for axis, setting in zip(axes, PSDS_2021):
            cross = f", CTTC {setting.cttc:g}" if setting.alpha_ct else ""
            axis.set(title=f"{setting.name.upper()} (DTC {setting.dtc:g}, GTC {setting.gtc:g}{cross})")
            axis.set(xlabel="Effective false positives per hour", xlim=(0, setting.max_efpr), ylim=(0, 1))
            axis.legend(title=_procedure(outputs), alignment="left")
        axes[0].set_ylabel("Effective true positive ratio")
        _save(figure, path)


def f1_over_thresholds(path, truth: Truth, output: Output) -> None:
    """Collar F1 of each class and its macro mean over the 50 thresholds of a score directory."""
    points = output.operating_points(truth.classes, "plot f1")
    if len(points) != len(OPERATING_POINTS):
        raise UserError(
            f"plot f1 needs the {len(OPERATING_POINTS)} published operating points; found {len(points)}"
        )
    found = [event_f1(events, truth.events, truth.classes, truth.filenames) for events in points]
    per_class = 100 * np.array([point.per_class for point in found])
    macro = 100 * np.array([point.macro for point in found])
    with rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.6), layout="constrained")
        axis = figure.subplots()
        shown = np.flatnonzero(~np.isnan(per_class).all(0))
        named = len(shown) <= 20
        for place, c in enumerate(shown):
            colour = colormaps["tab20" if len(shown) > 10 else "tab10"](place % 20) if named else "#b0b0b0"
            axis.plot(OPERATING_POINTS, per_class[:, c], color=colour, linewidth=1, alpha=0.9)
            best = int(np.nanargmax(per_class[:, c]))
            axis.plot(OPERATING_POINTS[best], per_class[best, c], "o", color=colour, markersize=3.5)
            if named:
                label = f"{_words(truth.classes.names[c])} ({per_class[best, c]:.1f})"
                axis.plot([], [], "o-", color=colour, linewidth=1, markersize=3.5, label=label)
        best = int(np.argmax(macro))
        axis.plot(OPERATING_POINTS, macro, color="black", linewidth=2.2, label=f"Macro mean ({macro[best]:.1f})")
        axis.plot(OPERATING_POINTS[best], macro[best], "o", color="black", markersize=5)
        axis.set(xlabel="Threshold", ylabel="Event F1 in %", xlim=(0, 1), ylim=(0, None))
        axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), title="Best on this set", alignment="left")
        _save(figure, path)


def clip(path, truth: Truth, name: str, outputs: dict, threshold=0.5) -> None:
    """A clip's spectrogram, and under it each class's reference and detected events.

    Args:
        name: filename or id of a clip of a data directory. outputs: row's name -> :class:`Output`, for example
            before and after smoothing.

    Raises:
        UserError: no such clip, or its audio cannot be read.
    """
    if truth.clips is None:
        raise UserError("plot clip needs audio: give --data DIR")
    by_id = {clip_id(filename): filename for filename in truth.filenames}
    if clip_id(name) not in by_id:
        raise UserError(f"{truth.source}: no clip {name!r}{nearest(clip_id(name), by_id)}")
    filename = by_id[clip_id(name)]
    tables = {"Reference": truth.events}
    tables |= {row: output.events(truth.classes, threshold, "plot clip") for row, output in outputs.items()}
    tables = {row: events[events["filename"] == filename] for row, events in tables.items()}
    heard = [c for c in truth.classes if any((events["event_label"] == c).any() for events in tables.values())]
    recording = truth.clips[filename].path
    rate = audio.info(recording).sample_rate
    waveform = audio.read(recording, rate)
    colours = dict(zip(tables, (REFERENCE, *_colours(len(outputs)))))
    with rc_context(STYLE):
        height = 0.24 * max(len(heard), 1) * len(tables) ** 0.7 + 0.5
        figure = Figure(figsize=(7.2, 2.2 + height), layout="constrained")
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(2.0, height))
        _spectrogram(top, waveform, rate)
        _events(bottom, tables, heard, colours)
        bottom.set(xlabel="Time in s", xlim=(0, truth.durations[filename]))
        handles = [Patch(color=colours[row], label=row) for row in tables]
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
        top.set_title(clip_id(filename))
        _save(figure, path)


def _procedure(outputs) -> str:
    """Over which thresholds the curves run: exact PSDS is another metric than PSDS of operating points."""
    kinds = {
        "All thresholds" if output.scores is not None else f"{len(output.points)} operating points"
        for output in outputs.values()
    }
    if len(kinds) > 1:
        raise UserError("exact PSDS and PSDS of operating points are not comparable: draw them apart")
    return kinds.pop()


def _roc(truth, output) -> list:
    if output.scores is not None:
        found = exact_psds(output.scores, truth.events, truth.durations, truth.classes, PSDS_2021)
    else:
        points = output.operating_points(truth.classes, "plot psd-roc")
        found = psds(points, truth.events, truth.durations, truth.classes, PSDS_2021)
    return list(found.values())


def _spectrogram(axis, waveform, rate, width=1024, hop=256) -> None:
    """Power in dB below the clip's maximum, on a logarithmic axis of frequency as ears have it."""
    padded = np.pad(waveform, width // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, width)[::hop] * np.hanning(width)
    power = np.abs(np.fft.rfft(frames)) ** 2
    decibel = 10 * np.log10(np.maximum(power / max(power.max(), 1e-20), 1e-9))
    frequency = np.fft.rfftfreq(width, 1 / rate)
    time = (np.arange(len(frames) + 1) - 0.5) * hop / rate
    edges = np.append(frequency - frequency[1] / 2, frequency[-1])
    axis.pcolormesh(time, edges, decibel.T, cmap="magma", vmin=-70, vmax=0, rasterized=True)
    axis.set_yscale("symlog", linthresh=1000, linscale=1)
    ticks = [tick for tick in (0, 500, 1000, 2000, 4000, 8000, 16000) if tick <= rate / 2]
    axis.set_yticks(ticks, [f"{tick / 1000:g}" for tick in ticks])
    axis.set(ylabel="Frequency in kHz", ylim=(0, rate / 2))
    axis.minorticks_off()
    axis.grid(False)


def _events(axis, tables, heard, colours) -> None:
    """One line per class, in it one bar per table."""
    thickness = 0.8 / len(tables)
    for line, label in enumerate(heard):
        for row, (name, events) in enumerate(tables.items()):
            of_class = events[events["event_label"] == label]
            spans = list(zip(of_class["onset"], of_class["offset"] - of_class["onset"]))
            axis.broken_barh(
                spans, (line - 0.4 + row * thickness, 0.9 * thickness), color=colours[name], linewidth=0
            )
    axis.set_yticks(range(len(heard)), [_words(label) for label in heard])
    axis.set_ylim(max(len(heard), 1) - 0.5, -0.5)
    axis.tick_params(axis="y", length=0)
    axis.grid(axis="y", visible=False)


def _colours(n) -> list:
    return [COLOURS[i % len(COLOURS)] for i in range(n)]


def _words(label: str) -> str:
    return label.replace("_", " ")


def _save(figure, path) -> None:
    """Write the picture, whole or not at all, in the format of its name."""
    path = Path(path)
    suffix = path.suffix.lstrip(".").lower()
    if suffix not in ("png", "pdf", "svg"):
        raise UserError(f"{path}: cannot draw a {suffix or 'nameless'!r} file; name it .png, .pdf or .svg")
    FigureCanvasAgg(figure)
    with writing(path) as temporary:
        figure.savefig(temporary, format=suffix)
