"""Sources: mel spectrograms of a clip and of what a model separates it into, with what the detector hears in each.

Source: Cornell et al., "Task-aware separation for the DCASE 2020 task 4 sound event detection and separation
challenge", DCASE 2020, figure 3.
"""

import numpy as np
import torch
from matplotlib import rc_context
from matplotlib.figure import Figure

from sedsep.data import audio
from sedsep.errors import UserError, a, nearest
from sedsep.evaluate.report import style
from sedsep.evaluate.score.truth import Truth
from sedsep.files import clip_id

RANGE = 60.0  # dB below the mixture's maximum
HEARD = 0.5  # a clip score above which a class is named


def draw_sources(path, model, truth: Truth, name: str = None) -> str:
    """Draw the mixture and every source on one scale of levels, and return the clip's id.

    Args:
        path: picture to write (.png, .pdf, .svg). model: ``apply.model.Model`` that separates what it detects in.
        truth: of a directory. name: filename or id of a clip; None takes one in which most classes overlap.

    Raises:
        UserError: the model has no sources to hear, the set no such clip, or its audio cannot be read.
    """
    if not hasattr(model.system, "listen"):
        raise UserError(f"{model.path}: holds {a(f'{model.kind} model')}, which hears no sources by themselves")
    by_id = {clip_id(filename): filename for filename in truth.filenames}
    name = clip_id(name) if name else busiest(truth)
    if name not in by_id:
        raise UserError(f"{truth.source}: no clip {name!r}{nearest(name, by_id)}")
    waveform = audio.read(truth.clips[by_id[name]].path, model.sample_rate)
    with torch.no_grad():
        mixture, sources, heard = model.system.listen(model.padded([waveform]).to(model.device), model.variant)
    spectra = torch.cat([mixture, sources[0]]).cpu().numpy()  # (1 + N, L, F)
    titles = [f"{name}: {', '.join(map(style.words, _true(truth, by_id[name]))) or 'no events known'}"]
    for number, scores in enumerate(heard.weak[0].cpu().numpy(), start=1):
        found = [f"{style.words(model.classes.names[c])} {scores[c]:.2f}" for c in np.flatnonzero(scores > HEARD)]
        titles.append(f"source {number}: {', '.join(found) or 'nothing heard'}")
    _draw(path, spectra, titles, len(waveform) / model.sample_rate, model.system.grid)
    return name


def busiest(truth: Truth) -> str:
    """The id of the first clip in which most classes sound at one time. Raises UserError without events."""
    if truth.events is None or not len(truth.events):
        raise UserError(f"{truth.source}: has no strong labels that say where classes overlap; name a clip")
    most, best = 0, None
    for filename, events in truth.events.groupby("filename", sort=True):
        for onset in events["onset"]:
            at = events[(events["onset"] <= onset) & (onset < events["offset"])]
            if at["event_label"].nunique() > most:
                most, best = at["event_label"].nunique(), filename
    return clip_id(best)


def _true(truth, filename) -> list:
    """The classes of a clip, as far as they are known."""
    events = truth.events
    return [] if events is None else sorted(set(events[events["filename"] == filename]["event_label"]))


def _draw(path, spectra, titles, seconds, grid) -> None:
    """Panels below each other, on the levels of the first."""
    level = 20 * np.log10(np.maximum(spectra, 1e-10))
    top = level[0].max()
    edges = np.arange(spectra.shape[1] + 1) * grid.hop / grid.sample_rate
    with rc_context(style.RC):
        figure = Figure(figsize=(style.WIDTH, 0.5 + 1.0 * len(spectra)), layout="constrained")
        axes = np.atleast_1d(figure.subplots(len(spectra), 1, sharex=True))
        for axis, one, title in zip(axes, level, titles):
            bands = np.arange(one.shape[1] + 1)
            image = axis.pcolormesh(edges, bands, one.T - top, cmap="magma", vmin=-RANGE, vmax=0, rasterized=True)
            axis.set(xlim=(0, seconds), ylabel="Mel band")
            axis.set_title(title, loc="left")
            axis.grid(False)
        axes[-1].set_xlabel("Time in s")
        figure.colorbar(image, ax=axes, label="dB below the mixture's maximum", shrink=0.6)
        style.save(figure, path)
