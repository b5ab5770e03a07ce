"""Clip: a clip's spectrogram, and under it its reference and detected events."""

from dataclasses import replace

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from sedsep.data import audio
from sedsep.errors import UserError, nearest
from sedsep.evaluate.report import style
from sedsep.evaluate.score.truth import Truth
from sedsep.files import clip_id


def draw_clip(path, truth: Truth, name: str, outputs: dict, threshold=0.5) -> None:
    """A clip's spectrogram, and under it each class's detected events, below the reference ones where they are known.

    Args:
        path: picture to write (.png, .pdf, .svg). name: filename or id of a clip of a data directory.
        outputs: row's name -> :class:`sedsep.evaluate.score.output.Output`, for example before and after smoothing.

    Raises:
        UserError: no such clip, its audio cannot be read, or an output lacks it.
    """
    if truth.clips is None:
        raise UserError("plot clip needs audio: give --data DIR")
    by_id = {clip_id(filename): filename for filename in truth.filenames}
    if clip_id(name) not in by_id:
        raise UserError(f"{truth.source}: no clip {name!r}{nearest(clip_id(name), by_id)}")
    filename = by_id[clip_id(name)]
    tables = {} if truth.events is None else {"Reference": truth.events[truth.events["filename"] == filename]}
    tables |= {row: _detected(output, filename, truth, threshold) for row, output in outputs.items()}
    heard = [c for c in truth.classes if any((events["event_label"] == c).any() for events in tables.values())]
    recording = truth.clips[filename].path
    rate, _ = audio.form(recording)
    waveform = audio.read(recording, rate)
    colours = {"Reference": style.REFERENCE} | style.colours(outputs)
    with rc_context(style.RC):
        height = 0.2 * max(len(heard), 1) * len(tables) ** 0.7 + 0.4
        figure = Figure(figsize=(style.WIDTH, 2.0 + height), layout="constrained")
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(1.7, height))
        _spectrogram(top, waveform, rate)
        _events(bottom, tables, heard, colours)
        bottom.set(xlabel="Time in s", xlim=(0, truth.durations[filename]))
        handles = [Patch(color=colours[row], label=row) for row in tables]
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
        top.set_title(clip_id(filename))
        style.save(figure, path)


def _detected(output, filename, truth, threshold):
    """The events of one clip in an output."""
    if filename in output.missing:
        raise UserError(f"{', '.join(output.sources.values())}: no scores of {filename}")
    if output.scores is not None:
        output = replace(output, scores={filename: output.scores[filename]})
    events = output.events(truth.classes, threshold, "plot clip")
    return events[events["filename"] == filename]


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
            axis.broken_barh(spans, (line - 0.4 + row * thickness, 0.9 * thickness), color=colours[name], linewidth=0)
    axis.set_yticks(range(len(heard)), [style.words(label) for label in heard])
    axis.set_ylim(max(len(heard), 1) - 0.5, -0.5)
    axis.tick_params(axis="y", length=0)
    axis.grid(axis="y", visible=False)
