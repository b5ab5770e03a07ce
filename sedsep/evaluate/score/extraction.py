"""The numbers of target sound extraction, for every clue: SDR and SI-SDR with their improvements, and leakage.

Source: Delcroix et al. 2021, section 5.2: the SDR of BSSEval, averaged over each target sound of each mixture. The
paper calls it scale-invariant, so SI-SDR stands beside it. What is extracted for a class that does not sound in
the clip has no SDR: its level relative to the mixture is the leakage.
"""

import numpy as np
import pandas as pd

from sedsep import progress
from sedsep.data import audio
from sedsep.errors import UserError
from sedsep.evaluate.score.number import Number
from sedsep.evaluate.score.output import Output
from sedsep.evaluate.score.separation import read_like, resampled
from sedsep.evaluate.score.truth import Truth
from sedsep.evaluate.score.unit import DECIBEL
from sedsep.files import clip_id, located
from sedsep.metrics import separation
from sedsep.names import normal

PAIRWISE = {"sdr": separation.pairwise_sdr, "si-sdr": separation.pairwise_si_sdr}
NAMES = ("sdr", "sdr-improvement", "si-sdr", "si-sdr-improvement", "leakage")
IDENTIFIERS = {"sdr": f"bsseval,taps={separation.TAPS},", "si-sdr": "", "leakage": ""}
NOTE = (
    "mean over the targets of all clips; a class that does not sound in the clip counts in leakage alone: level "
    "of what was extracted for it, relative to the mixture"
)


def extraction_numbers(truth: Truth, output: Output, options) -> list:
    """For every clue ``<clue>.sdr``, ``<clue>.si-sdr``, their improvements, and ``<clue>.leakage`` where known.

    Raises:
        UserError: nothing was extracted, or what was extracted does not fit its clip.
    """
    table = _table(truth, output)
    numbers = []
    for clue, rows in table.groupby("clue", sort=True):
        for name in NAMES:
            known = rows[rows[name].notna()]
            if not len(known):
                continue
            means = known.groupby("event_label")[name].mean()
            per_class = np.array([means.get(label, np.nan) for label in truth.classes])
            values = known[["filename", "event_label"]].assign(value=known[name])
            identifier = f"{name}[{IDENTIFIERS[name.removesuffix('-improvement')]}mean over targets]"
            numbers.append(Number(
                f"{clue}.{name}", identifier, float(values["value"].mean()), per_class, "stems", DECIBEL, NOTE,
                resampled(values, truth, options), _behind(values, truth), values,
            ))  # fmt: skip
    return numbers


def _behind(values, truth) -> dict:
    """How many sounds a number is the mean of, and of how many recordings of each class these are, where known."""
    sources = {}
    for row in values.itertuples():
        for stem in truth.clips[row.filename].stems or ():
            if stem.label == row.event_label:
                sources.setdefault(stem.label, set()).add(stem.source)
    if not sources or any("" in of_class for of_class in sources.values()):
        return {"sounds": len(values)}
    return {"sounds": len(values), "recordings": {label: len(of_class) for label, of_class in sources.items()}}


def _table(truth, output) -> pd.DataFrame:
    """One row for each extracted sound: filename, event_label, clue and the numbers, NaN where there is none."""
    if output.extracted is None:
        raise UserError("extraction needs extracted sounds: give a directory that sedsep decode-tse wrote")
    rows = []
    with progress.bar(len(truth.filenames), "clip", "extraction") as bar:
        for name, clip in truth.clips.items():
            bar.update(1)
            folders = (located(clue / clip_id(name)) for clue in output.extracted.iterdir())
            paths = sorted(path for folder in folders for path in folder.glob("*.wav"))
            if not paths:
                continue
            rate, _ = audio.form(clip.path)
            mixture = audio.read(clip.path, rate)
            targets = _targets(clip, rate)
            for label in sorted({normal(path.stem) for path in paths}):
                truth.classes.index(label, str(output.extracted))
                named = [path for path in paths if normal(path.stem) == label]
                found = {path.parent.parent.name: read_like(path, rate, mixture) for path in named}
                if label not in targets:
                    for clue, sound in found.items():
                        level = separation.leakage(sound[None], mixture)
                        rows.append({"filename": name, "event_label": label, "clue": clue, "leakage": level})
                elif separation.active(targets[label]):
                    rows += _compared(name, label, found, targets[label], mixture)
    if not any("sdr" in row for row in rows):
        raise UserError(f"{truth.source}: no extracted sound has a reference stem")
    return pd.DataFrame(rows, columns=["filename", "event_label", "clue", *NAMES])


def _targets(clip, rate) -> dict:
    """class -> its sound in the clip ``(T,)``, the sum of the class's stems."""
    targets = {}
    for stem in clip.stems or ():
        if stem.role == "foreground" and stem.path is not None:
            targets[stem.label] = targets.get(stem.label, 0) + audio.read(stem.path, rate)
    return targets


def _compared(name, label, found, target, mixture) -> list:
    """A row for each clue's sound: all of them and the mixture against the target at once."""
    signals = np.stack([*found.values(), mixture])
    values = {metric: pairwise(signals, target[None])[:, 0] for metric, pairwise in PAIRWISE.items()}
    return [
        {"filename": name, "event_label": label, "clue": clue}
        | {metric: value[index] for metric, value in values.items()}
        | {f"{metric}-improvement": value[index] - value[-1] for metric, value in values.items()}
        for index, clue in enumerate(found)
    ]
