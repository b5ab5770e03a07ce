"""PSD-ROC: one staircase for each class, their mean less their spread, and the area under it, which is PSDS.

Source: Bilen et al., "A framework for the robust evaluation of sound event detection" (ICASSP 2020).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np


@dataclass(frozen=True)
class Setting:
    """The parameters of one PSDS.

    Args:
        dtc, gtc: shares of a detection and of a reference that have to be covered; cttc: of a cross-trigger.
        alpha_ct: weight of the cross-triggers in the effective false positive rate.
        alpha_st: weight of the standard deviation over classes.
        max_efpr: end of the axis, effective false positives per hour.
        triggered: which classes the mean of a class's cross-triggers is over: the "others", or "all" with the class
            itself, which it never triggers: psds_eval before 0.5, and so the 2021 baseline's published figures.
    """

    name: str
    dtc: float
    gtc: float
    cttc: float
    alpha_ct: float
    alpha_st: float
    max_efpr: float = 100.0
    triggered: Literal["others", "all"] = "others"

    def trigger_weight(self, n_classes):
        """What the mean over the other classes counts, of one or several numbers of classes with references."""
        return self.alpha_ct * (n_classes - 1) / n_classes if self.triggered == "all" else self.alpha_ct

    def parameters(self) -> str:
        """The parameters as they stand in a metric's id; ``cttc`` only where cross-triggers count."""
        cttc = f",cttc={self.cttc:g}" if self.alpha_ct else ""
        mean = "*(C-1)/C as psds_eval<0.5" if self.alpha_ct and self.triggered == "all" else ""
        weights = f"alpha_ct={self.alpha_ct:g}{mean},alpha_st={self.alpha_st:g},e_max={self.max_efpr:g}/h"
        return f"dtc={self.dtc:g},gtc={self.gtc:g}{cttc},{weights}"


PSDS_2021 = (
    Setting("psds1", dtc=0.7, gtc=0.7, cttc=0.3, alpha_ct=0, alpha_st=1),
    Setting("psds2", dtc=0.1, gtc=0.1, cttc=0.3, alpha_ct=0.5, alpha_st=1),
)
PSDS_2020 = (
    Setting("psds", dtc=0.5, gtc=0.5, cttc=0.3, alpha_ct=0, alpha_st=0),
    Setting("psds-cross-trigger", dtc=0.5, gtc=0.5, cttc=0.3, alpha_ct=1, alpha_st=0),
    Setting("psds-macro", dtc=0.5, gtc=0.5, cttc=0.3, alpha_ct=0, alpha_st=1),
)


@dataclass(frozen=True)
class Psds:
    """A PSDS with its curve.

    Args:
        value: area under the curve up to ``max_efpr``, divided by it.
        efpr: ``(K,)`` effective false positives per hour, from 0 to ``max_efpr``.
        etpr: ``(K,)`` effective true positive ratio from each ``efpr`` on.
        per_class: ``(C,)`` area under each class's own staircase; NaN without references.
    """

    value: float
    efpr: np.ndarray
    etpr: np.ndarray
    per_class: np.ndarray


def staircase(efpr, tpr):
    """The corners of one class's ROC: its best true positive ratio at or below each rate, from (0, 0) on.

    Returns:
        Rates and ratios, both strictly increasing but for the start at rate 0.

    >>> staircase(np.array([2.0, 1.0, 1.0]), np.array([0.4, 0.5, 0.2]))
    (array([0., 1.]), array([0. , 0.5]))
    """
    order = np.lexsort((-tpr, efpr))
    efpr, best = efpr[order], np.maximum.accumulate(tpr[order])
    rises = np.diff(best, prepend=0) > 0
    efpr, best = efpr[rises], best[rises]
    if len(efpr) and efpr[0] == 0:
        return efpr, best
    return np.append(0.0, efpr), np.append(0.0, best)


def ratios(efpr, tpr, axis):
    """The staircase's true positive ratio at each rate of ``axis``."""
    return tpr[np.searchsorted(efpr, axis, side="right") - 1]


def area(efpr, etpr, max_efpr) -> float:
    """Area under a staircase up to ``max_efpr``, divided by it."""
    inside = efpr < max_efpr
    width = np.diff(np.append(efpr[inside], max_efpr))
    return float(np.sum(width * etpr[inside]) / max_efpr)


def psds_of_curves(curves, setting: Setting) -> Psds:
    """PSDS of the classes' staircases.

    Args:
        curves: one ``(efpr, tpr)`` of :func:`staircase` for each class, None for a class without references;
            at least one is known.
    """
    known = [curve for curve in curves if curve is not None]
    axis = np.unique(np.concatenate([efpr for efpr, _ in known]))
    axis = axis[axis < setting.max_efpr]
    # Row by row and in two passes: many classes need no matrix, and equal ratios have a deviation of 0 exactly.
    mean = sum(ratios(*curve, axis) for curve in known) / len(known)
    variance = sum((ratios(*curve, axis) - mean) ** 2 for curve in known) / len(known)
    spread = np.sqrt(variance)
    etpr = np.maximum(mean - setting.alpha_st * spread, 0)
    per_class = [np.nan if curve is None else area(*curve, setting.max_efpr) for curve in curves]
    value = area(axis, etpr, setting.max_efpr)
    return Psds(value, np.append(axis, setting.max_efpr), np.append(etpr, etpr[-1]), np.array(per_class))
