"""PSDS by the published procedure: psds_eval on a set of operating points (DCASE task 4: 50 thresholds).

The area is that of a staircase through the given operating points only, hence below exact PSDS
(:mod:`sedsep.metrics.exact_psds`); the two are different metrics and are never compared. Traps of psds_eval 0.5.3:
two operating points with the same events are one; detections of a class without reference events are ignored;
the mean over cross-triggered classes leaves out the class itself (versions before 0.5 did not), so a set with one
class scores 0 whatever is found: there the area under its curve without cross-triggers is taken.
"""

import contextlib
import warnings

import numpy as np
import pandas as pd
import psds_eval

from sedsep.errors import UserError
from sedsep.labels import EVENT_COLUMNS
from sedsep.metrics.psd_roc import Psds, area


def psds(operating_points, reference, durations, classes, settings) -> dict:
    """PSDS of a system, for one setting or several.

    Args:
        operating_points: tables of events, one for each threshold.
        reference: table of events. durations: filename -> seconds; clips without events are in it too.
        classes: names in order. settings: :class:`sedsep.metrics.psd_roc.Setting` s.

    Returns:
        setting's name -> :class:`sedsep.metrics.psd_roc.Psds`.

    Raises:
        UserError: no operating points, no reference events, or events that psds_eval refuses.
    """
    operating_points = list(operating_points)
    if not operating_points:
        raise UserError("PSDS needs at least one operating point")
    if reference.empty:
        raise UserError("PSDS needs reference events; the ground truth has none")
    results = {}
    for criteria in dict.fromkeys((s.dtc, s.gtc, s.cttc) for s in settings):
        evaluation = _evaluate(operating_points, reference, durations, criteria)
        for setting in settings:
            if (setting.dtc, setting.gtc, setting.cttc) == criteria:
                results[setting.name] = _psds(evaluation, classes, setting)
    return {setting.name: results[setting.name] for setting in settings}


def version() -> str:
    """psds_eval's version, which belongs to the metric's id."""
    return psds_eval.__version__


def _evaluate(operating_points, reference, durations, criteria):
    """psds_eval with all operating points added."""
    metadata = pd.DataFrame({"filename": list(durations), "duration": list(durations.values())})
    dtc, gtc, cttc = criteria
    with _quiet():
        try:
            evaluation = psds_eval.PSDSEval(dtc, gtc, cttc, ground_truth=reference, metadata=metadata)
            for events in operating_points:
                evaluation.add_operating_point(events[EVENT_COLUMNS])
        except psds_eval.psds.PSDSEvalError as error:
            raise UserError(f"psds_eval refuses the events: {error}") from None
    return evaluation


def _psds(evaluation, classes, setting) -> Psds:
    known = sorted(set(evaluation.class_names) - {psds_eval.psds.WORLD})
    alpha_ct = setting.trigger_weight(len(known))
    with _quiet():
        over_fpr, _, over_efpr = evaluation.psd_roc_curves(alpha_ct)
        if len(known) > 1:
            result, curves = evaluation.psds(alpha_ct, setting.alpha_st, setting.max_efpr), over_efpr
            value, efpr, etpr = float(result.value), result.plt.xp, result.plt.yp
        else:
            curves, efpr, etpr = over_fpr, over_fpr.xp, over_fpr.yp[0]
            value = area(efpr, etpr, setting.max_efpr)
    areas = {name: area(curves.xp, ratio, setting.max_efpr) for name, ratio in zip(known, curves.yp)}
    inside = efpr < setting.max_efpr
    efpr, etpr = np.append(efpr[inside], setting.max_efpr), np.append(etpr[inside], etpr[inside][-1])
    return Psds(value, efpr, etpr, np.array([areas.get(name, np.nan) for name in classes]))


@contextlib.contextmanager
def _quiet():
    """Without psds_eval's warnings: old calls to pandas and NumPy, empty means, repeated operating points."""
    with warnings.catch_warnings():
        for category in (FutureWarning, DeprecationWarning, RuntimeWarning):
            warnings.simplefilter("ignore", category)
        warnings.filterwarnings("ignore", "A similar operating point exists")
        yield
