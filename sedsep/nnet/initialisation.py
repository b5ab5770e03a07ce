"""Initialisation of a detector's weights.

Source: DCASE 2020 task 4 baseline (spec 03, E2); "torch" leaves what torch draws, as the 2021 baseline and the DCASE
2020 system of Cornell et al. do.
"""

import math
from typing import Literal

from torch import nn

Initialisation = Literal["torch", "baseline_2020"]


def initialise(network: nn.Module, kind: Initialisation) -> None:
    """Draw the weights of a network anew, in place; "torch" draws nothing.

    Convolutions: Xavier, uniform, gain sqrt 2. Batch norms: N(1, 0.02). Matrices of a GRU: orthogonal. Linear layers,
    which a convolution of one point is: N(0, 0.01). Biases, those of the GRU apart: 0.
    """
    if kind == "torch":
        return
    for layer in network.modules():
        if isinstance(layer, nn.GRU):
            for weight in layer.parameters():
                if weight.ndim > 1:
                    nn.init.orthogonal_(weight)
            continue
        if isinstance(layer, nn.Conv2d) and layer.kernel_size != (1, 1):
            nn.init.xavier_uniform_(layer.weight, gain=math.sqrt(2))
        elif isinstance(layer, nn.modules.batchnorm._BatchNorm):
            nn.init.normal_(layer.weight, 1.0, 0.02)
        elif isinstance(layer, (nn.Linear, nn.Conv2d)):
            nn.init.normal_(layer.weight, 0.0, 0.01)
        else:
            continue
        nn.init.zeros_(layer.bias)
