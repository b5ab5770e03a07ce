"""Separators by name: the section of a configuration that describes one, and what builds it.

Every one maps a mixture ``(B, T)`` to estimates ``(B, N, T)`` and has the attribute ``n_sources``.
"""

from typing import Annotated

from torch import nn

from sedsep.nnet.separators.conv_tasnet import ConvTasNet
from sedsep.nnet.separators.tdcn import FussTDCN, MixitTDCN
from sedsep.nnet.separators.tdcn_asteroid import AsteroidTDCN

SEPARATORS = {
    "conv_tasnet": ConvTasNet,
    "tdcn_fuss": FussTDCN,
    "tdcn_mixit": MixitTDCN,
    "tdcn_asteroid": AsteroidTDCN,
}
SeparatorSection = Annotated[dict, SEPARATORS]


def build_separator(section: dict) -> nn.Module:
    """The separator ``section["kind"]`` with the other keys as its arguments."""
    section = dict(section)
    return SEPARATORS[section.pop("kind")](**section)
