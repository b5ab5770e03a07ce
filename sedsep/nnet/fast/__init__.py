"""The fast path: compiled kernels and fused operations that take the place of plain modules, and its one switch."""

import functools
import os

from torch import nn

from sedsep.nnet.detectors.crnn import ConvBlock
from sedsep.nnet.fast import modules as fast
from sedsep.nnet.fast.pcen import FastPCEN
from sedsep.nnet.fast.rank import FastRankMap
from sedsep.nnet.frontends.pcen import PCEN
from sedsep.nnet.map_poolings import RankMap
from sedsep.nnet.separators.conv_tasnet import ConvTasNet
from sedsep.nnet.soundbeam import EnrolmentEncoder
from sedsep.nnet.tcn import TCN, TCNBlock

FAST = {
    ConvTasNet: fast.FastConvTasNet, EnrolmentEncoder: fast.FastEnrolmentEncoder, TCN: fast.FastTCN,
    TCNBlock: fast.FastTCNBlock, ConvBlock: fast.FastConvBlock, nn.GRU: fast.FastGRU, PCEN: FastPCEN,
    RankMap: FastRankMap,
}  # fmt: skip


def accelerate(network: nn.Module) -> nn.Module:
    """Give all modules of ``network`` their fast forms, in place; parameters and state are the same ones.

    The results are those of the plain modules but for rounding. ``SEDSEP_FAST=0`` in the environment leaves the
    plain modules as they are, to compare or to find a fault.

    Returns:
        ``network`` itself.
    """
    if os.environ.get("SEDSEP_FAST") == "0":
        return network
    for module in network.modules():
        if isinstance(module, tuple(FAST)):
            module.__class__ = _fast(type(module))
    return network


@functools.cache
def _fast(kind: type) -> type:
    """The fast form of a class of modules; the class itself where it is fast."""
    for plain, quick in FAST.items():
        if kind is plain:
            kind = quick
        elif issubclass(kind, plain) and not issubclass(kind, quick):
            # The fast form comes between the subclass and the plain class, so that what the subclass changes holds.
            kind = type(f"Fast{kind.__name__}", (kind, quick), {"__doc__": kind.__doc__})
    return kind
