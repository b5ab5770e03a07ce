"""Frozen parts of a system: what training leaves alone, in parameters, statistics and dropout."""

from torch import nn


def batch_norms(network: nn.Module) -> list:
    """The batch-norm layers of a network."""
    return [layer for layer in network.modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)]


def keep_still(network: nn.Module, dropout: bool = False) -> None:
    """Evaluation mode, in which gradients still pass: no batch-norm statistics, and dropout only if asked for."""
    network.eval()
    for layer in network.modules():
        if isinstance(layer, nn.RNNBase):
            layer.train()  # cuDNN passes gradients only in this mode; our GRU has no dropout to wake
        elif isinstance(layer, nn.Dropout):
            layer.train(dropout)
