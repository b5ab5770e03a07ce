"""Maskers: magnitudes of a mixture -> magnitudes of its sources, by masks on them; the list of what there is.

Every one maps ``(B, L, F)`` to ``(B, N, L, F)`` and has the attribute ``n_sources``. It is told ``n_bands`` F.
"""

from typing import Annotated

from sedsep.nnet.maskers.conv_tasnet import CountMasker, TextMasker

MASKERS = {"text": TextMasker, "count": CountMasker}
# The section of a configuration that describes one.
MaskerSection = Annotated[dict, MASKERS, ("n_bands",)]
