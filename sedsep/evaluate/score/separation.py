"""The numbers of separation: SI-SDR and SDR of the separated sources, and their improvement over the mixture."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from sedsep import progress
from sedsep.data import audio
from sedsep.errors import UserError
from sedsep.evaluate.score.number import Number
from sedsep.evaluate.score.output import Output
from sedsep.evaluate.score.truth import Truth
from sedsep.evaluate.score.unit import DECIBEL
from sedsep.files import clip_id, located
from sedsep.metrics import separation


@dataclass(frozen=True)
class Separated:
    """Every active reference stem that has an estimate, as a table, and what was left out of it."""

    table: pd.DataFrame
    silent: int
    unmatched: int
    leakage: list


class SeparatedClip(NamedTuple):
    """A clip: mixture ``(T,)``, stems with their audio ``(M, T)``, files of estimates with theirs ``(N, T)``."""

    filename: str
    mixture: np.ndarray
    stems: list
    references: np.ndarray
    paths: list
    estimates: np.ndarray


def si_sdr_numbers(truth: Truth, output: Output, options) -> list:
    """SI-SDR and its improvement."""
    return _numbers("si-sdr", separation.pairwise_si_sdr, "", truth, output, options)


def sdr_numbers(truth: Truth, output: Output, options) -> list:
    """BSSEval's SDR and its improvement."""
    return _numbers("sdr", separation.pairwise_sdr, f"bsseval,taps={separation.TAPS},", truth, output, options)


def _numbers(metric, pairwise, parameters, truth, output, options) -> list:
    found = _separated(metric, pairwise, truth, output)
    details = {
        "sources": len(found.table),
        "silent_references": found.silent,
        "unmatched_references": found.unmatched,
        "leakage_db": round(float(np.mean(found.leakage)), 3) if found.leakage else None,
    }
    note = (
        "mean over active references, each with the estimate that the best assignment gives it; silent references "
        "and those for which there were too few estimates, are counted apart; leakage_db: level of the estimates "
        "left over, relative to the mixture"
    )
    numbers = []
    for name, column in ((metric, "value"), (f"{metric}-improvement", "improvement")):
        means = found.table.groupby("event_label")[column].mean()
        per_class = np.array([means.get(label, np.nan) for label in truth.classes])
        table = found.table[["filename", "event_label"]].assign(value=found.table[column])
        identifier = f"{name}[{parameters}best assignment]"
        replicates = resampled(table, truth, options)
        value = float(table["value"].mean())
        numbers.append(Number(name, identifier, value, per_class, "stems", DECIBEL, note, replicates, details, table))
    return numbers


def _separated(metric, pairwise, truth, output) -> Separated:
    """Score every clip that has both references and estimates."""
    rows, silent, unmatched, leakage = [], 0, 0, []
    for clip in separated_clips(metric, truth, output):
        estimates, mixture = clip.estimates, clip.mixture
        sounding = separation.active(clip.references)
        silent += int((~sounding).sum())
        if not sounding.any():
            leakage.append(separation.leakage(estimates, mixture))
            continue
        values = pairwise(np.concatenate([estimates, mixture[None]]), clip.references[sounding])
        chosen = separation.assign(values[:-1])
        for m, index in enumerate(np.flatnonzero(sounding)):
            if chosen[m] < 0:
                unmatched += 1
                continue
            value, before, stem = values[chosen[m], m], values[-1, m], clip.stems[index]
            rows.append((clip.filename, stem.label or stem.role, value, value - before))
        left = np.setdiff1d(np.arange(len(estimates)), chosen)
        if len(left):
            leakage.append(separation.leakage(estimates[left], mixture))
    if not rows:
        raise UserError(f"{truth.source}: {metric} found no clip with both active reference stems and estimates")
    table = pd.DataFrame(rows, columns=["filename", "event_label", "value", "improvement"])
    return Separated(table, silent, unmatched, leakage)


def separated_clips(metric, truth, output):
    """Read one :class:`SeparatedClip` after the other: those with stems and separated sources.

    Raises:
        UserError: the output has no separated sources, or one is not as long as its clip.
    """
    if output.separated is None:
        raise UserError(f"{metric} needs separated sources: decode with --sources and give that directory")
    with progress.bar(len(truth.filenames), "clip", metric) as bar:
        for name, clip in truth.clips.items():
            bar.update(1)
            paths = sorted(located(output.separated / clip_id(name)).glob("source*.wav"))
            stems = [stem for stem in clip.stems or () if stem.path is not None]
            if not paths or not stems:
                continue
            rate, _ = audio.form(clip.path)
            mixture = audio.read(clip.path, rate)
            references = np.stack([read_like(stem.path, rate, mixture) for stem in stems])
            estimates = np.stack([read_like(path, rate, mixture) for path in paths])
            yield SeparatedClip(name, mixture, stems, references, paths, estimates)


def read_like(path, rate, mixture) -> np.ndarray:
    """A source ``(T,)``. Raises UserError where it is not as long as its mixture."""
    waveform = audio.read(path, rate)
    if waveform.shape != mixture.shape:
        raise UserError(f"{path}: {len(waveform)} samples, but its mixture has {len(mixture)}")
    return waveform


def resampled(table, truth, options):
    """Mean of a table's values over the sources of each resample of the clips; None without resampling."""
    if options.weights is None:
        return None
    clip = pd.Index(truth.filenames).get_indexer(table["filename"])
    sums = np.bincount(clip, table["value"], len(truth.filenames))
    counts = np.bincount(clip, minlength=len(truth.filenames))
    totals = options.weights @ counts
    return np.divide(options.weights @ sums, totals, out=np.full(len(totals), np.nan), where=totals > 0)
