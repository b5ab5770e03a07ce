"""The numbers of clip tagging: F1, average precision, area under the ROC curve."""

import numpy as np

from sedsep.evaluate.score.detection import f1_numbers
from sedsep.evaluate.score.number import Number
from sedsep.evaluate.score.output import Output
from sedsep.evaluate.score.truth import Truth
from sedsep.evaluate.score.unit import FRACTION
from sedsep.metrics import tagging

NO_CLIPS = "a class that no clip has (for auc: or that all have) has no value and is left out of the mean"


def tagging_f1_numbers(truth: Truth, output: Output, options) -> list:
    """F1 of clip tags; the macro mean is over all classes, the empty ones counting 0, as published."""
    scores = output.clip_scores(truth, "tagging-f1")
    counts = tagging.tagging_counts(scores, truth.tags, options.threshold)
    result = tagging.tagging_f1(scores, truth.tags, options.threshold)
    note = "the mean over all classes; one with neither truth nor tag counts 0"
    parameters = f"classes={len(truth.classes)},{output.clip_decision()},threshold={options.threshold:g}"
    published = tagging.published_classes
    return f1_numbers("tagging-f1", parameters, result, counts, published, note, truth, options, "tags")


def ap_numbers(truth: Truth, output: Output, options) -> list:
    """Average precision: macro over classes, and micro over all (clip, class) pairs."""
    scores = output.clip_scores(truth, "ap")
    per_class = tagging.average_precision(scores, truth.tags)
    micro = tagging.micro_average_precision(scores, truth.tags)
    of_macro = _resampled(lambda s, t: tagging.macro(tagging.average_precision(s, t)), scores, truth, options)
    of_micro = _resampled(tagging.micro_average_precision, scores, truth, options)
    where = f"classes={len(truth.classes)},{output.clip_decision()}"
    return [
        Number(
            "ap-macro", f"ap-macro[{where}]", tagging.macro(per_class), per_class, "tags", FRACTION, NO_CLIPS, of_macro
        ),
        Number("ap-micro", f"ap-micro[{where}]", micro, part="tags", replicates=of_micro),
    ]


def auc_numbers(truth: Truth, output: Output, options) -> list:
    """Area under the ROC curve, macro over classes."""
    scores = output.clip_scores(truth, "auc")
    per_class = tagging.roc_auc(scores, truth.tags)
    of_macro = _resampled(lambda s, t: tagging.macro(tagging.roc_auc(s, t)), scores, truth, options)
    identifier = f"auc-macro[classes={len(truth.classes)},{output.clip_decision()}]"
    return [Number("auc-macro", identifier, tagging.macro(per_class), per_class, "tags", FRACTION, NO_CLIPS, of_macro)]


def _resampled(function, scores, truth, options):
    """``function(scores, tags)`` of each resample of the clips."""
    if options.weights is None:
        return None
    drawn = (np.repeat(np.arange(len(scores)), row.astype(int)) for row in options.weights)
    return np.array([function(scores[rows], truth.tags[rows]) for rows in drawn])
