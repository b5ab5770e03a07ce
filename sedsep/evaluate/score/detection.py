"""The numbers of sound event detection: PSDS, and F1 of events, intersections and segments."""

from dataclasses import replace

import numpy as np
import pandas as pd

from sedsep.errors import UserError
from sedsep.evaluate.score.halves import halves
from sedsep.evaluate.score.number import Number
from sedsep.evaluate.score.output import Output
from sedsep.evaluate.score.truth import Truth
from sedsep.evaluate.score.unit import PER_CENT
from sedsep.metrics import event_f1, intersection, psds, sed_eval_f1, segment_f1
from sedsep.metrics.counts import Counts, macro_f1
from sedsep.metrics.exact_psds import ExactPsds
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
    return _event_f1_numbers("event-f1", "", truth, events, output, options)


def _event_f1_numbers(metric, clips, truth, events, output, options):
    counts = event_f1.event_counts(events, truth.events, truth.filenames, truth.classes)
    result = sed_eval_f1.sed_eval_f1(events, truth.events, truth.classes, truth.filenames)
    decision = output.decision(options.threshold)
    parameters = f"sed_eval {sed_eval_f1.version()},onset=0.2s,offset=max(0.2s,20%),{decision}{clips}"
    published = event_f1.published_classes
    return f1_numbers(metric, parameters, result, counts, published, NO_REFERENCE, truth, options)


def held_out_numbers(truth: Truth, output: Output, options) -> list:
    """Collar F1 on the half of the clips that ``sedsep smooth --fit`` does not tune on, tuned or not.

    Raises:
        UserError: the scores were tuned on other halves.
    """
    fitted = output.notes.get("fitted", {})
    if fitted.get("seed", 0) != 0:
        raise UserError(f"{output.sources['scores']}: tuned with --seed {fitted['seed']}, so that event-f1-held-out, "
                        "the half of seed 0, holds clips that it was tuned on")  # fmt: skip
    _, names = halves(truth.filenames)
    rows = [truth.filenames.index(name) for name in names]
    part = replace(
        truth,
        durations={name: truth.durations[name] for name in names},
        events=truth.events[truth.events["filename"].isin(names)],
    )
    events = output.events(truth.classes, options.threshold, "event-f1-held-out")
    weights = None if options.weights is None else options.weights[:, rows]
    return _event_f1_numbers("event-f1-held-out", ",half=seed 0", part, events[events["filename"].isin(names)],
                             output, replace(options, weights=weights))  # fmt: skip


def segment_f1_numbers(truth: Truth, output: Output, options) -> list:
    """Segment F1 of 1 s."""
    events = output.events(truth.classes, options.threshold, "segment-f1")
    counts = segment_f1.segment_counts(events, truth.events, truth.filenames, truth.classes)
    total = counts.total()
    result = segment_f1.summary(total, segment_f1.published_classes(total))
    note = "a class without reference or without estimated segments has no value and is left out of the mean"
    parameters = f"segment=1s,{output.decision(options.threshold)}"
    published = segment_f1.published_classes
    return f1_numbers("segment-f1", parameters, result, counts, published, note, truth, options)


def intersection_f1_numbers(truth: Truth, output: Output, options) -> list:
    """Intersection F1: as published, and with a class without true positives counted as 0."""
    events = output.events(truth.classes, options.threshold, "intersection-f1")
    counts = intersection.intersection_counts(events, truth.events, truth.durations, truth.classes)
    total = counts.total()
    result = intersection.summary(total, intersection.published_classes(total))
    note = "a class without true positives has no value and is left out of the mean, which raises it; see macro-zero"
    published = intersection.published_classes
    parameters = f"dtc=0.5,gtc=0.5,{output.decision(options.threshold)}"
    return f1_numbers("intersection-f1", parameters, result, counts, published, note, truth, options)


def exact_psds_numbers(truth: Truth, output: Output, options) -> list:
    """PSDS1 and PSDS2 over all thresholds."""
    exact = ExactPsds(output.frame_scores("psds-exact"), truth.events, truth.durations, truth.classes)
    settings = _triggering(PSDS_2021, options)
    results = exact.psds(settings)
    replicates = exact.replicates(settings, options.weights) if options.weights is not None else {}
    return [
        _psds_number(_named("psds-exact", setting), "all thresholds", setting, found, replicates.get(setting.name))
        for setting, found in zip(settings, results.values())
    ]


def _triggering(settings, options) -> list:
    return [replace(setting, triggered=options.triggered) for setting in settings]


def _published_psds(metric, settings, truth, output, options) -> list:
    points = output.operating_points(truth.classes, metric)
    settings = _triggering(settings, options)
    results = psds.psds(points, truth.events, truth.durations, truth.classes, settings)
    numbers, counted = [], {}
    for setting in settings:
        replicates = None
        if options.weights is not None:
            criteria = (setting.dtc, setting.gtc, setting.cttc)
            if criteria not in counted:
                counted[criteria] = PointCounts(points, truth.events, truth.durations, truth.classes, *criteria)
            replicates = counted[criteria].psds(setting, options.weights)
        procedure = f"psds_eval {psds.version()},{len(points)} operating points"
        number = _psds_number(_named(metric, setting), procedure, setting, results[setting.name], replicates)
        numbers.append(number)
    return numbers


def _named(metric, setting) -> str:
    """A number's name begins with what was asked for: psds-exact1 of psds-exact."""
    return setting.name.replace("psds", metric, 1)


def _psds_number(name, procedure, setting, found, replicates) -> Number:
    note = "per class: area under the class's own curve; " + NO_REFERENCE
    identifier = f"{name}[{procedure},{setting.parameters()}]"
    return Number(name, identifier, found.value, found.per_class, note=note, replicates=replicates)


def f1_numbers(metric, parameters, result, counts, published, note, truth, options, part="events") -> list:
    """Macro as published, macro with the undefined as 0, and micro F1.

    Args:
        result: :class:`sedsep.metrics.counts.F1`. counts: :class:`sedsep.metrics.counts.Counts` of each clip.
        published: summed counts -> which classes the published mean is taken over; ``note`` says it in words.
    """
    replicates = {"macro": None, "macro-zero": None, "micro": None}
    if options.weights is not None:
        totals = counts.total(options.weights)
        replicates["macro"] = macro_f1(totals, published(totals))
        replicates["macro-zero"] = macro_f1(totals, ~np.isnan(totals.class_f1()))
        replicates["micro"] = totals.micro_f1()
    zero = "the mean over all classes with a reference or an estimate; what is undefined counts 0"
    total = counts.total()
    events = {kind: dict(zip(truth.classes, map(int, getattr(total, kind)))) for kind in ("tp", "fp", "fn")}
    table = per_clip(counts, truth)
    return [
        Number(
            f"{metric}-{mean}",
            f"{metric}-{mean}[{parameters}]",
            value,
            result.per_class if mean == "macro" else None,
            part,
            PER_CENT,
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
