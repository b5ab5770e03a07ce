"""The numbers of the FUSS evaluation: SI-SNR by how many sources a clip has, and how many sources were found.

Source: Wisdom et al. 2021; spec 06, H.7. Every stem is a source, the background and sounds without a label too.
Means and deviations are over sources, fractions over clips.
"""

import numpy as np
import pandas as pd

from sedsep.errors import UserError
from sedsep.evaluate.score.number import Number, plain
from sedsep.evaluate.score.output import Output
from sedsep.evaluate.score.separation import resampled, separated_clips
from sedsep.evaluate.score.truth import Truth
from sedsep.evaluate.score.unit import DECIBEL, SHARE
from sedsep.metrics import fuss

# name, active references of the clips, column: one source needs no separation, so there is nothing to improve
QUALITIES = (
    ("fuss-1-source-si-snr", (1,), "si_snr"),
    ("fuss-2-source-si-snri", (2,), "improvement"),
    ("fuss-3-source-si-snri", (3,), "improvement"),
    ("fuss-4-source-si-snri", (4,), "improvement"),
    ("fuss-multi-source-si-snri", (2, 3, 4), "improvement"),
)
# name, sign of active outputs minus active references
FRACTIONS = (("fuss-under-separated", -1), ("fuss-equally-separated", 0), ("fuss-over-separated", 1))
PARAMETERS = (
    f"best assignment,reference active: rms>{fuss.AUDIBLE:g},"
    f"output active: power>{fuss.SHARE:g} of smallest active reference"
)
NOTE = "clips whose references are all silent, and clips with a stem that has no audio, are skipped and counted"
NOTE_QUALITY = f"mean over pairs of active outputs and references; null where no clip has so many sources; {NOTE}"
CLIP_COLUMNS = ["filename", "references", "outputs"]
SOURCE_COLUMNS = [*CLIP_COLUMNS, "reference", "estimate", "si_snr", "improvement"]


def fuss_numbers(truth: Truth, output: Output, options) -> list:
    """SI-SNR of clips with one source, its improvement in those with 2, 3, 4 and 2 to 4, and three fractions.

    Raises:
        UserError: no clip has active references and separated sources, or a source is not as long as its clip.
    """
    clips, sources, skipped = _measured(truth, output)
    numbers = []
    for name, counts, column in QUALITIES:
        table = sources[sources["references"].isin(counts)]
        of_counts = clips[clips["references"].isin(counts)]
        details = {
            "standard_deviation": plain(table[column].std(ddof=0)),
            "clips": len(of_counts),
            "sources": len(table),
            "unmatched_references": int(of_counts["references"].sum()) - len(table),
        }
        values = table[SOURCE_COLUMNS[:-2]].assign(value=table[column])
        identifier = f"{name}[{PARAMETERS},epsilon={fuss.EPSILON:g}]"
        numbers.append(_number(name, identifier, values, DECIBEL, NOTE_QUALITY, details | skipped, truth, options))
    found = np.sign(clips["outputs"] - clips["references"])
    for name, sign in FRACTIONS:
        values = clips.assign(value=(found == sign).astype(float))
        details = {"clips": len(clips)} | skipped
        numbers.append(_number(name, f"{name}[{PARAMETERS}]", values, SHARE, NOTE, details, truth, options))
    return numbers


def _number(name, identifier, table, unit, note, details, truth, options) -> Number:
    """The mean of a table's values."""
    replicates = resampled(table, truth, options)
    return Number(
        name, identifier, float(table["value"].mean()), part="stems", unit=unit, note=note, replicates=replicates,
        details=details, per_clip=table,
    )  # fmt: skip


def _measured(truth, output) -> tuple:
    """Tables of clips and of their matched sources, and how many clips were skipped for which reason."""
    clips, sources, skipped = [], [], {"silent_clips": 0, "clips_lacking_stems": 0}
    for clip in separated_clips("fuss", truth, output):
        if len(clip.stems) < len(truth.clips[clip.filename].stems):
            skipped["clips_lacking_stems"] += 1
            continue
        measured = fuss.measure(clip.estimates, clip.references, clip.mixture)
        if measured is None:
            skipped["silent_clips"] += 1
            continue
        clips.append((clip.filename, measured.n_references, measured.n_outputs))
        pairs = zip(measured.references, measured.estimates, measured.si_snr, measured.improvement)
        sources += [(*clips[-1], clip.stems[m].path.name, clip.paths[n].name, *values) for m, n, *values in pairs]
    if not clips:
        raise UserError(f"{truth.source}: fuss found no clip with active reference stems and separated sources")
    return pd.DataFrame(clips, columns=CLIP_COLUMNS), pd.DataFrame(sources, columns=SOURCE_COLUMNS), skipped
