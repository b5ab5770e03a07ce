"""CRNN: convolutions with gating, a bidirectional GRU, and a pooling from frames to the clip.

Source: DCASE 2021 task 4 baseline (mean-teacher CRNN), layer for layer; that of 2020 has the same.
"""

import math
from typing import Annotated

import torch
from torch import nn

from sedsep.config import Count, Range, build
from sedsep.errors import UserError
from sedsep.nnet.batch_norm import BatchNorm2d
from sedsep.nnet.dropout import Dropout
from sedsep.nnet.initialisation import Initialisation, initialise
from sedsep.nnet.poolings import POOLINGS, Detection


class Gate(nn.Module):
    """``linear(x) * sigmoid(x)`` over channels at each time and band; the baselines call it GLU.

    The gate is the input itself and not a second projection, so that the number of channels stays.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.linear = nn.Conv2d(channels, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(B, channels, L, F)`` -> the same shape."""
        return self.linear(x) * torch.sigmoid(x)


class ConvBlock(nn.Sequential):
    """Convolution 3 x 3, batch norm, gate, dropout, average pooling: ``(B, n_in, L, F)`` -> ``(B, n_out, L', F')``.

    Args:
        pool: ``(time, mel)``. dropout: the probability.
    """

    def __init__(self, n_in: int, n_out: int, pool: tuple, dropout: float):
        super().__init__(
            nn.Conv2d(n_in, n_out, 3, padding=1),
            # momentum 0.99 is a Keras value of the baselines: running statistics are almost those of the batch.
            BatchNorm2d(n_out, eps=1e-3, momentum=0.99),
            Gate(n_out),
            Dropout(dropout),
            nn.AvgPool2d(pool),
        )


class CRNN(nn.Module):
    """Features ``(B, L, F)`` -> ``Detection``.

    Args:
        n_classes: C. n_bands: F; the mel poolings must reduce it to 1. n_maps: P; more than one map of features per
            clip are taken as ``(B, P, L, F)``.
        channels: of each convolution. pools: ``[time, mel]`` pooling after each convolution.
        hidden: units of the GRU per direction, so that the embedding has D = 2 hidden. n_layers: of the GRU.
        dropout: after each gate and after the GRU.
        pooling: from frames to the clip: its ``kind`` and keys (``nnet/poolings.py``).
        initialisation: of the weights (``nnet/initialisation.py``).

    Attributes:
        tap, width: the layer before the GRU, whose output is ``(B, width, L', 1)``, for what listens there.

    Raises:
        UserError: channels and pools differ in number, or the poolings do not reduce n_bands to 1.

    >>> detection = CRNN(n_classes=10, pooling={"kind": "attention"})(torch.zeros(1, 626, 128))
    >>> detection.strong.shape, detection.weak.shape
    (torch.Size([1, 156, 10]), torch.Size([1, 10]))
    """

    tap = "cnn"

    def __init__(
        self,
        n_classes: int,
        n_bands: int = 128,
        n_maps: int = 1,
        channels: list[int] = (16, 32, 64, 128, 128, 128, 128),
        pools: list[list[int]] = ((2, 2), (2, 2), (1, 2), (1, 2), (1, 2), (1, 2), (1, 2)),
        hidden: Count = 128,
        n_layers: Count = 2,
        dropout: Annotated[float, Range(0, 0.99)] = 0.5,
        pooling: Annotated[dict, POOLINGS, ("width", "n_classes")] = None,
        initialisation: Initialisation = "torch",
    ):
        super().__init__()
        check_pools(n_bands, channels, pools)
        self.n_bands, self.n_maps, self.width = n_bands, n_maps, channels[-1]
        self.pool = math.prod(time for time, _ in pools)
        widths = [n_maps, *channels]
        self.cnn = nn.Sequential(
            *(ConvBlock(a, b, tuple(pool), dropout) for a, b, pool in zip(widths, channels, pools))
        )
        self.layers = (*(f"cnn.{block}" for block in range(len(channels))), "rnn")
        self.rnn = nn.GRU(channels[-1], hidden, n_layers, bidirectional=True, batch_first=True)
        self.dropout = Dropout(dropout)
        self.pooling = build(POOLINGS, pooling, {"width": 2 * hidden, "n_classes": n_classes})
        initialise(self, initialisation)

    def convolved(self, features: torch.Tensor) -> torch.Tensor:
        """Features -> output of the convolutions ``(B, L', channels[-1])``."""
        x = features.unsqueeze(1) if features.ndim == 3 else features  # (B, L, F) -> (B, 1, L, F)
        assert x.ndim == 4 and x.shape[1] == self.n_maps and x.shape[3] == self.n_bands, features.shape
        if x.shape[2] < self.pool:
            raise UserError(f"a clip of {x.shape[2]} frames is shorter than the detector's pooling of {self.pool}")
        return self.cnn(x).squeeze(3).transpose(1, 2)  # (B, channels, L', 1) -> (B, L', channels)

    def forward(self, features: torch.Tensor) -> Detection:
        """Features ``(B, L, F)`` -> strong ``(B, L', C)``, weak ``(B, C)``, embedding ``(B, L', D)``."""
        return self.pooling(self.dropout(self.rnn(self.convolved(features))[0]))


def check_pools(n_bands: int, channels, pools) -> None:
    """Raise UserError unless every convolution has its pooling and n_bands is reduced to 1."""
    if len(channels) != len(pools) or any(len(pool) != 2 for pool in pools):
        raise UserError(
            f"detector.pools must hold one [time, mel] pair for each of the {len(channels)} channels, not {list(pools)}"
        )
    bands = n_bands
    for _, mel in pools:
        bands //= mel
    if bands != 1:
        raise UserError(
            f"detector.pools leave {bands} of {n_bands} mel bands; their mel factors must multiply to {n_bands} "
            f"(now {math.prod(mel for _, mel in pools)})"
        )
