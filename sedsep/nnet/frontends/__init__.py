"""Front-ends: waveform -> spectrum -> compression -> scaling, each chosen by kind; lists of what there is.

A spectrum maps waveforms ``(B, T)`` to magnitudes ``(B, L, F)``, none below zero, and owns the frames: it has
``sample_rate``, ``n_bands`` F, ``hop`` and ``shortest`` (samples), and ``grid(pool)``. A compression maps these to
``(B, L, F)``, or to P maps ``(B, P, L, F)``, and has ``n_maps`` P. A scaling keeps the shape.
"""

from sedsep.nnet.frontends.linear import Linear
from sedsep.nnet.frontends.log import Log
from sedsep.nnet.frontends.mel import Mel
from sedsep.nnet.frontends.pcen import PCEN
from sedsep.nnet.frontends.scaling import Dataset, MinMax, SignedMinMax, Unscaled

SPECTRA = {"mel": Mel}
COMPRESSIONS = {"log": Log, "linear": Linear, "pcen": PCEN}
SCALINGS = {"minmax": MinMax, "minmax_signed": SignedMinMax, "dataset": Dataset, "none": Unscaled}
