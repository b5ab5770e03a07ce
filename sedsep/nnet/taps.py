"""Taps: the output of any layer of a network, without a flag that changes what the network returns.

For what listens to a network from outside: a domain classifier on the convolutions, a loss between the activations of
two inputs.
"""

import contextlib

from torch import nn

from sedsep.errors import nearest


@contextlib.contextmanager
def taps(network: nn.Module, names):
    """Within the block, a dict of the latest output of each named layer; gradients pass through them.

    Args:
        names: of modules inside the network, as ``named_modules`` has them.

    Raises:
        KeyError: the network has no such layer; with the nearest name.

    >>> import torch
    >>> network = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    >>> with taps(network, ["0"]) as heard:
    ...     out = network(torch.ones(1, 2))
    >>> bool((out == heard["0"].relu()).all())
    True
    """
    modules, heard, hooks = dict(network.named_modules()), {}, []
    for name in names:
        if name not in modules:
            raise KeyError(f"{type(network).__name__} has no layer {name!r}{nearest(name, modules)}")

    def listener(name):
        return lambda module, inputs, output: heard.update({name: output})

    try:
        hooks = [modules[name].register_forward_hook(listener(name)) for name in names]
        yield heard
    finally:
        for hook in hooks:
            hook.remove()
