"""Score: a system's output against the ground truth -> numbers with their ids, as JSON and for people."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from sedsep import __version__
from sedsep.errors import UserError, nearest
from sedsep.evaluate.score import detection, extraction, fuss, separation, size, tags
from sedsep.evaluate.score.truth import Truth, few, from_directory, from_files
from sedsep.files import write_json, write_table
from sedsep.metrics.bootstrap import interval, resamples


@dataclass(frozen=True)
class Options:
    """How to score: ``threshold`` of the F1 numbers; ``weights (n, n_clips)`` of resamples, or None; of PSDS the
    classes ``triggered`` (:class:`sedsep.metrics.psd_roc.Setting`).
    """

    threshold: float = 0.5
    weights: np.ndarray = None
    triggered: Literal["others", "all"] = "others"


# metric -> (function, what of the ground truth it needs)
METRICS = {
    "psds": (detection.psds_numbers, "events"),
    "psds-2020": (detection.psds_2020_numbers, "events"),
    "psds-exact": (detection.exact_psds_numbers, "events"),
    "event-f1": (detection.event_f1_numbers, "events"),
    "event-f1-held-out": (detection.held_out_numbers, "events"),
    "segment-f1": (detection.segment_f1_numbers, "events"),
    "intersection-f1": (detection.intersection_f1_numbers, "events"),
    "tagging-f1": (tags.tagging_f1_numbers, "tags"),
    "ap": (tags.ap_numbers, "tags"),
    "auc": (tags.auc_numbers, "tags"),
    "si-sdr": (separation.si_sdr_numbers, "stems"),
    "sdr": (separation.sdr_numbers, "stems"),
    "fuss": (fuss.fuss_numbers, "stems"),
    "extraction": (extraction.extraction_numbers, "stems"),
    "parameters": (size.size_numbers, "events"),
}


def read_truth(data=None, ground_truth=None, durations=None, classes=None) -> Truth:
    """Ground truth of a data directory, or of two tables and the names of the classes, where the events lack some.

    Raises:
        UserError: neither or both are given, or classes with a directory, which has its own.
    """
    if bool(data) == bool(ground_truth or durations) or bool(ground_truth) != bool(durations):
        raise UserError("give the ground truth: either --data DIR, or --ground-truth TSV and --durations TSV")
    if data and classes:
        raise UserError(f"--classes goes with --ground-truth; the classes of {data} stand in its classes.txt")
    return from_directory(data) if data else from_files(ground_truth, durations, classes)


def score(truth: Truth, output, metrics, threshold=0.5, bootstrap=0, seed=0, triggered="others") -> list:
    """Numbers of a system.

    Args:
        truth, output: lined up by :func:`sedsep.evaluate.score.output.read`.
        metrics: names out of ``METRICS``. threshold: of the F1 numbers; not used for a given table of events.
        bootstrap: resamples of the clips for intervals, 0 for none; ``seed`` draws them.
        triggered: of PSDS, the classes that cross-triggers are averaged over: the "others", or "all" as psds_eval
            before 0.5, which the metric's id says.

    Raises:
        UserError: an unknown metric, or one for which the truth or the output has not what it needs.
    """
    if not 0 <= threshold <= 1:
        raise UserError(f"a threshold of {threshold:g} decides nothing: scores lie between 0 and 1")
    for metric in metrics:
        if metric not in METRICS:
            raise UserError(f"unknown metric {metric!r}{nearest(metric, METRICS)}; known: {', '.join(METRICS)}")
        truth.require(METRICS[metric][1], metric)
    weights = resamples(len(truth.filenames), bootstrap, seed) if bootstrap else None
    options = Options(threshold, weights, triggered)
    numbers = []
    for metric in metrics:
        numbers += METRICS[metric][0](truth, output, options)
    return numbers


def results(truth: Truth, output, numbers, bootstrap=0, seed=0) -> dict:
    """What is written as JSON: data, system, and under ``metrics`` one entry per number."""
    fingerprints = {part: truth.fingerprint(part) for part in {number.part for number in numbers}}
    data = {
        "source": truth.source,
        "clips": len(truth.filenames),
        "seconds": round(sum(truth.durations.values()), 3),
        "absent_clips": len(truth.absent),
        "absent": list(truth.absent),
    }
    if truth.events is not None:
        data |= {"events": len(truth.events), "classes_without_references": truth.without_references()}
    entries = {
        number.name: number.as_json(truth.classes, fingerprints[number.part], len(output.missing)) for number in numbers
    }
    found = {
        "sedsep": __version__,
        "system": {**output.sources, "missing_clips": len(output.missing), "missing": list(output.missing)},
        "data": data,
        "metrics": entries,
    }
    return found | ({"bootstrap": {"resamples": bootstrap, "seed": seed}} if bootstrap else {})


def write(path, found: dict, numbers, with_clips=False) -> Path:
    """Write the results, and beside them the table of single clips where it is asked for; returns its path."""
    write_json(path, found)
    if not with_clips:
        return None
    tables = [number.per_clip.assign(metric=number.name) for number in numbers if number.per_clip is not None]
    if not tables:
        raise UserError("none of these metrics is defined for a single clip; drop --per-clip")
    clips_path = Path(path).with_suffix(".clips.tsv")
    table = pd.concat(tables, ignore_index=True)
    columns = ["metric", "filename", *(c for c in table.columns if c not in ("metric", "filename", "value")), "value"]
    write_table(clips_path, table[columns])
    return clips_path


def table(truth: Truth, numbers, missing=()) -> str:
    """The numbers for people: overall with intervals, then one row per class; and which clips are missing."""
    lines = [f"{len(truth.filenames)} clips of {truth.source}"]
    if truth.absent:
        expected = len(truth.filenames) + len(truth.absent)
        lines.append(f"{len(truth.absent)} of its {expected} clips are ABSENT, so not scored: {few(truth.absent)}")
    if missing:
        lines.append(f"{len(missing)} MISSING, taken for clips without detections: {few(missing)}")
    width = max(len(number.name) for number in numbers)
    for number in numbers:
        bounds = ""
        if number.replicates is not None:
            low, high = interval(number.replicates)
            bounds = f"  [{number.unit.text(low)}, {number.unit.text(high)}]"
        lines.append(f"{number.name:<{width}}  {number.unit.text(number.value)}{bounds}  {number.id}")
    by_class = [number for number in numbers if number.per_class is not None]
    if by_class:
        first = max(len(name) for name in truth.classes)
        widths = [max(len(number.name), 9) for number in by_class]
        lines += ["", " ".join([" " * first, *(f"{n.name:>{w}}" for n, w in zip(by_class, widths))])]
        for index, name in enumerate(truth.classes):
            cells = [f"{n.unit.text(n.per_class[index]):>{w}}" for n, w in zip(by_class, widths)]
            lines.append(" ".join([f"{name:<{first}}", *cells]))
    return "\n".join(lines)
