"""The fast path: compiled kernels and fused operations that take the place of plain modules, and its one switch."""

import functools
import os

from torch import nn

from sedsep.nnet.fast.modules import FastConvTasNet, FastEnrolmentEncoder, FastTCN, FastTCNBlock
from sedsep.nnet.fast.pcen import FastPCEN
from sedsep.nnet.frontends.pcen import PCEN
from sedsep.nnet.separators.conv_tasnet import ConvTasNet
from sedsep.nnet.soundbeam import EnrolmentEncoder
from sedsep.nnet.tcn import TCN, TCNBlock

FAST = {
    ConvTasNet: FastConvTasNet, EnrolmentEncoder: FastEnrolmentEncoder, TCN: FastTCN, TCNBlock: FastTCNBlock,
    PCEN: FastPCEN,
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
    for plain, fast in FAST.items():
        if kind is plain:
            kind = fast
        elif issubclass(kind, plain) and not issubclass(kind, fast):
            # The fast form comes between the subclass and the plain class, so that what the subclass changes holds.
            kind = type(f"Fast{kind.__name__}", (kind, fast), {"__doc__": kind.__doc__})
    return kind
