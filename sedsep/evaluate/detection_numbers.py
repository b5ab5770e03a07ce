"""The numbers of sound event detection: PSDS, and F1 of events, intersections and segments."""

import numpy as np
import pandas as pd

from sedsep.evaluate.number import Number
from sedsep.evaluate.output import Output
from sedsep.evaluate.truth import Truth
from sedsep.metrics import event_f1, intersection, psds, sed_eval_f1, segment_f1
from sedsep.metrics.counts import Counts, mean_where
from sedsep.metrics.operating_points import PointCounts
from sedsep.metrics.psd_roc import PSDS_2020, PSDS_2021

NO_REFERENCE = "a class without reference events has no value and is left out of the mean"


def psds_numbers(truth: Truth, output: Output, options) -> list:
    """PSDS1 and PSDS2 by the published procedure."""
    return _published_psds("psds", PSDS_2021, truth, output, options)


def psds_2020_numbers(truth: Truth, output: Output, options) -> list:
    """The three PSDS of 2020 by the published procedure."""
    return _published_psds("psds-2020", PSDS_2020, truth, output, options)


def event_f1_numbers(truth: Truth, output: Output, options) -> list:
    """Collar F1 by sed_eval; counts per clip by our own, which follow the same rules."""
    events = output.events(truth.classes, options.threshold, "event-f1")
    counts = event_f1.event_counts(events, truth.events, truth.filenames, truth.classes)
    result = sed_eval_f1.sed_eval_f1(events, truth.events, truth.classes, truth.filenames)
    parameters = f"sed_eval {sed_eval_f1.version()},onset=0.2s,offset=max(0.2s,20%)"
    return _f1_numbers("event-f1", parameters, result, counts, event_f1.published_classes, NO_REFERENCE, truth, options)


def segment_f1_numbers(truth: Truth, output: Output, options) -> list:
    """Segment F1 of 1 s."""
    events = output.events(truth.classes, options.threshold, "segment-f1")
    counts = segment_f1.segment_counts(events, truth.events, truth.filenames, truth.classes)
    total = counts.total()
    result = segment_f1.summary(total, segment_f1.published_classes(total))
    note = "a class without reference or without estimated segments has no value and is left out of the mean"
    parameters = "segment=1s"
    return _f1_numbers("segment-f1", parameters, result, counts, segment_f1.published_classes, note, truth, options)


def intersection_f1_numbers(truth: Truth, output: Output, options) -> list:
    """Intersection F1: as published, and with a class without true positives counted as 0."""
    events = output.events(truth.classes, options.threshold, "intersection-f1")
    counts = intersection.intersection_counts(events, truth.events, truth.durations, truth.classes)
    total = counts.total()
    result = intersection.summary(total, intersection.published_classes(total))
    note = "a class without true positives has no value and is left out of the mean, which raises it; see macro-zero"
    parameters = "dtc=0.5,gtc=0.5"
    published = intersection.published_classes
    return _f1_numbers("intersection-f1", parameters, result, counts, published, note, truth, options)


def _published_psds(metric, settings, truth, output, options) -> list:
    points = output.operating_points(truth.classes, metric)
    results = psds.psds(points, truth.events, truth.durations, truth.classes, settings)
    numbers, counted = [], {}
    for setting in settings:
        replicates = None
        if options.weights is not None:
            criteria = (setting.dtc, setting.gtc, setting.cttc)
            if criteria not in counted:
                counted[criteria] = PointCounts(points, truth.events, truth.durations, truth.classes, *criteria)
            replicates = counted[criteria].psds(setting, options.weights)
        parameters = f"psds_eval {psds.version()},{len(points)} operating points,{setting.parameters()}"
        found = results[setting.name]
        name = setting.name if metric == "psds" else setting.name.replace("psds", metric, 1)
        note = "per class: area under the class's own curve; " + NO_REFERENCE
        identifier = f"{name}[{parameters}]"
        numbers.append(Number(name, identifier, found.value, found.per_class, note=note, replicates=replicates))
    return numbers


def _f1_numbers(metric, parameters, result, counts: Counts, published, note, truth, options) -> list:
    """Macro as published, macro with the undefined as 0, and micro F1."""
    replicates = {"macro": None, "macro-zero": None, "micro": None}
    if options.weights is not None:
        totals = counts.total(options.weights)
        per_class = totals.class_f1()
        known = ~np.isnan(per_class)
        replicates["macro"] = mean_where(per_class, published(totals) & known)
        replicates["macro-zero"] = mean_where(per_class, known)
        replicates["micro"] = totals.micro_f1()
    zero = "the mean over all classes with a reference or an estimate; what is undefined counts 0"
    total = counts.total()
    events = {
        kind: dict(zip(truth.classes, map(int, getattr(total, kind)))) for kind in ("tp", "fp", "fn")
    }
    table = per_clip(counts, truth)
    return [
        Number(
            f"{metric}-{mean}",
            f"{metric}-{mean}[{parameters}]",
            value,
            result.per_class if mean == "macro" else None,
            note={"macro": note, "macro-zero": zero, "micro": ""}[mean],
            replicates=replicates[mean],
            details={"counts": events} if mean == "macro" else {},
            per_clip=table if mean == "macro" else None,
        )
        for mean, value in (("macro", result.macro), ("macro-zero", result.macro_zero), ("micro", result.micro))
    ]


def per_clip(counts: Counts, truth: Truth) -> pd.DataFrame:
    """Counts and F1 of each clip over its classes; a clip without reference and estimate has no F1."""
    columns = {kind: getattr(counts, kind).sum(1).astype(int) for kind in ("tp", "fp", "fn")}
    return pd.DataFrame({"filename": truth.filenames, **columns, "value": counts.micro_f1()})
