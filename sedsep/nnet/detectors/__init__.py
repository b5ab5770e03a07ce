"""Detectors: features of a front-end -> scores of frames and of the clip; the list of what there is.

Every one maps ``(B, L, F)``, or ``(B, P, L, F)``, to ``Detection`` and has ``pool``, the front-end's frames that make
one frame of its scores, and ``layers``, the names of the modules whose outputs lie between the two. It is told
``n_classes`` C, ``n_bands`` F and ``n_maps`` P.
"""

from typing import Annotated

from sedsep.nnet.detectors.class_maps import ClassMaps
from sedsep.nnet.detectors.crnn import CRNN

DETECTORS = {"crnn": CRNN, "class_maps": ClassMaps}
# The section of a configuration that describes a detector: the rest of its arguments follows from elsewhere.
DetectorSection = Annotated[dict, DETECTORS, ("n_classes", "n_bands", "n_maps")]
