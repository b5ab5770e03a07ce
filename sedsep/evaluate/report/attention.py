"""Attention: what a detector with two-step attention hears in a recording, step by step, in eight panels.

Source: Deshmukh et al., Interspeech 2021, figure 2.
"""

import numpy as np
import torch
from matplotlib import rc_context
from matplotlib.figure import Figure

from sedsep.apply.model import Model
from sedsep.data import audio
from sedsep.errors import UserError, a
from sedsep.evaluate.report import style
from sedsep.nnet.taps import taps
from sedsep.systems.reconstruction import FEATURES

SHOWN = 3  # classes whose attention over bands is drawn
BANDS, TIME = "network.pooling.bands", "network.pooling.time"


def draw_attention(path, model: Model, recording, events=(), title: str = "") -> None:
    """Features, what the decoder makes of them, both attentions with what they leave, and the tags.

    Args:
        path: picture to write (.png, .pdf, .svg). recording: file. events: ``(onset, offset, label)`` in seconds, which
            are outlined where their class has a line. title: by default the file's name.

    Raises:
        UserError: the model has no two-step attention, or the recording cannot be read.
    """
    waveform = audio.read(recording, model.sample_rate, convert=True)
    seen = heard(model, waveform)
    names, n_frames = model.classes.names, len(seen["features"])
    top = np.argsort(-seen["output"], kind="stable")[:SHOWN]
    end = n_frames * model.system.grid.frame_seconds
    with rc_context({**style.RC, "axes.grid": False}):
        rows = max(1.0, 0.13 * len(names))
        figure = Figure(figsize=(style.WIDTH, 5.4 + 2 * rows), layout="constrained")
        axes = figure.subplots(4, 2, height_ratios=(1.3, 1.3, rows, rows)).ravel()
        _image(figure, axes[0], seen["features"], end, "1  Features (scaled log mel)", "magma")
        if seen["made"] is None:
            axes[1].set_title("2  Reconstruction")
            axes[1].text(0.5, 0.5, "this model has no decoder", ha="center", transform=axes[1].transAxes)
            axes[1].set(xticks=[], yticks=[])
        else:
            _image(figure, axes[1], seen["made"], end, "2  Reconstruction", "magma")
        for place, c in enumerate(top):
            heading = f"{3 + place}  Attention over bands: {style.words(names[c])} ({seen['output'][c]:.2f})"
            _image(figure, axes[2 + place], seen["bands"][c], end, heading, "viridis")
        spans = [(onset, offset, names.index(label)) for onset, offset, label in events]
        _classes(figure, axes[5], seen["pooled"], end, names, "6  What attention over bands leaves", spans)
        _classes(figure, axes[6], seen["time"], end, names, "7  Attention over time", spans)
        tagged = {label for _, _, label in events}
        colours = [style.COLOURS[0] if name in tagged or not events else style.PALE for name in names]
        axes[7].barh(range(len(names)), seen["output"], 0.7, color=colours)
        axes[7].set(title="8  Tags" + " (in colour: those of the labels)" * bool(events), xlim=(0, 1), xlabel="Score")
        _lines(axes[7], names)
        figure.suptitle(title or str(recording).rsplit("/", 1)[-1], fontsize=8, weight="bold")
        style.save(figure, path)


@torch.no_grad()
def heard(model: Model, waveform: np.ndarray) -> dict:
    """What passes through a detector on the way to its tags.

    Returns:
        features and made ``(L, F)`` (None without a decoder), bands ``(C, L, F)``, pooled and time ``(C, L)``, output
        ``(C,)``; up to the end of the recording.

    Raises:
        UserError: the model has no two-step attention.
    """
    detector = model.system.parts(model.variant).get("detector")
    layers = [FEATURES, "network.encoder", BANDS, TIME]
    if detector is None or any(name not in dict(detector.named_modules()) for name in layers):
        raise UserError(f"{model.path}: {a(f'{model.kind} model')} without two-step attention (system.detector: "
                        "{kind: class_maps, pooling: {kind: two_step}})")  # fmt: skip
    waveforms = model.padded([waveform]).to(model.device)
    with taps(detector, layers) as said:
        output = detector(waveforms).weak[0]
    reconstruction = getattr(model.system, "reconstruction", None)
    made = None
    if reconstruction is not None and reconstruction.decoder is not None and reconstruction.layer in said:
        made = reconstruction.made(said)[0]
    n = max(1, min(model.system.grid.n_frames(len(waveform)), said[FEATURES].shape[-2]))
    found = {"features": said[FEATURES][0][..., :n, :], "made": None if made is None else made[..., :n, :]}
    # Where a compression gives several maps, the first one is drawn.
    found = {name: None if maps is None else maps.reshape(-1, *maps.shape[-2:])[0] for name, maps in found.items()}
    found |= {"bands": said[BANDS].attention[0][:, :n], "pooled": said[BANDS].pooled[0][:, :n]}
    found |= {"time": said[TIME].attention[0][:, :n], "output": output}
    return {name: None if values is None else values.cpu().numpy() for name, values in found.items()}


def _image(figure, axis, values, end, title, colours) -> None:
    """A picture ``(L, F)``, time to the right."""
    image = axis.imshow(values.T, origin="lower", aspect="auto", extent=(0, end, 0, values.shape[1]), cmap=colours,
                        interpolation="nearest", rasterized=True)  # fmt: skip
    axis.set(title=title, xlabel="Time in s", ylabel="Mel band")
    figure.colorbar(image, ax=axis, pad=0.01, aspect=30).ax.tick_params(labelsize=6)


def _classes(figure, axis, values, end, names, title, spans) -> None:
    """A picture ``(C, L)`` with a line for each class, and frames around where its events are."""
    image = axis.imshow(values, aspect="auto", extent=(0, end, len(names) - 0.5, -0.5), cmap="viridis",
                        interpolation="nearest", rasterized=True)  # fmt: skip
    for onset, offset, c in spans:
        axis.plot([onset, offset, offset, onset, onset], np.array([-0.5, -0.5, 0.5, 0.5, -0.5]) * 0.96 + c,
                  color="white", linewidth=0.9)  # fmt: skip
    axis.set(title=title, xlabel="Time in s", xlim=(0, end))
    _lines(axis, names)
    figure.colorbar(image, ax=axis, pad=0.01, aspect=30).ax.tick_params(labelsize=6)


def _lines(axis, names) -> None:
    size = 6 if len(names) > 12 else 7
    axis.set_yticks(range(len(names)), [style.words(name) for name in names], fontsize=size)
    axis.set_ylim(len(names) - 0.5, -0.5)
    axis.tick_params(axis="y", length=0)
