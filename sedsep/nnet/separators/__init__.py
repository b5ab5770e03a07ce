"""Separators: mixtures -> estimates of their sources; the list of what there is.

Every one maps a mixture ``(B, T)`` to estimates ``(B, N, T)`` and has the attribute ``n_sources``.
"""

from typing import Annotated

from sedsep.nnet.separators.conv_tasnet import ConvTasNet
from sedsep.nnet.separators.tdcn import FussTDCN, MixitTDCN
from sedsep.nnet.separators.tdcn_asteroid import AsteroidTDCN

SEPARATORS = {"conv_tasnet": ConvTasNet, "tdcn_fuss": FussTDCN, "tdcn_mixit": MixitTDCN, "tdcn_asteroid": AsteroidTDCN}
# The section of a configuration that describes one; ``config.build(SEPARATORS, section)`` makes it.
SeparatorSection = Annotated[dict, SEPARATORS]
