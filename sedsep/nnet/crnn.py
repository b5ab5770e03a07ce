"""CRNN: convolutions with gating, a bidirectional GRU, and attention pooling from frames to the clip.

Source: DCASE 2021 task 4 baseline (mean-teacher CRNN), layer for layer.
"""

import math
from typing import Annotated, NamedTuple

import torch
from torch import nn

from sedsep.config import Count, Range
from sedsep.errors import UserError
from sedsep.nnet.batch_norm import BatchNorm2d
from sedsep.nnet.dropout import Dropout


class Detection(NamedTuple):
    """What a detector says: strong ``(B, L', C)`` and weak ``(B, C)`` in [0, 1], embedding ``(B, L', D)``."""

    strong: torch.Tensor
    weak: torch.Tensor
    embedding: torch.Tensor


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


def conv_block(n_in: int, n_out: int, pool: tuple, dropout: float) -> nn.Sequential:
    """Convolution 3 x 3, batch norm, gate, dropout, average pooling ``(time, mel)``."""
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, 3, padding=1),
        # momentum 0.99 is a Keras value of the baselines: running statistics are almost those of the batch.
        BatchNorm2d(n_out, eps=1e-3, momentum=0.99),
        Gate(n_out),
        Dropout(dropout),
        nn.AvgPool2d(pool),
    )


class CRNN(nn.Module):
    """Scaled log-mel ``(B, L, F)`` -> :class:`Detection`.

    Args:
        n_classes: C. n_mels: F; the mel poolings must reduce it to 1.
        channels: of each convolution. pools: ``[time, mel]`` pooling after each convolution.
        hidden: units of the GRU per direction, so that the embedding has D = 2 hidden. n_layers: of the GRU.
        dropout: after each gate and after the GRU.
        n_channels_in: feature maps per clip; more than one take ``(B, n_channels_in, L, F)``.

    Raises:
        UserError: channels and pools differ in number, or the poolings do not reduce n_mels to 1.

    >>> detection = CRNN(n_classes=10)(torch.zeros(1, 626, 128))
    >>> detection.strong.shape, detection.weak.shape
    (torch.Size([1, 156, 10]), torch.Size([1, 10]))
    """

    def __init__(
        self,
        n_classes: int,
        n_mels: int = 128,
        channels: list[int] = (16, 32, 64, 128, 128, 128, 128),
        pools: list[list[int]] = ((2, 2), (2, 2), (1, 2), (1, 2), (1, 2), (1, 2), (1, 2)),
        hidden: Count = 128,
        n_layers: Count = 2,
        dropout: Annotated[float, Range(0, 0.99)] = 0.5,
        n_channels_in: int = 1,
    ):
        super().__init__()
        check_pools(n_mels, channels, pools)
        self.n_classes, self.n_mels, self.n_channels_in = n_classes, n_mels, n_channels_in
        self.pool = math.prod(time for time, _ in pools)
        widths = [n_channels_in, *channels]
        self.cnn = nn.Sequential(
            *(conv_block(a, b, tuple(pool), dropout) for a, b, pool in zip(widths, channels, pools))
        )
        self.rnn = nn.GRU(channels[-1], hidden, n_layers, bidirectional=True, batch_first=True)
        self.dropout = Dropout(dropout)
        self.strong = nn.Linear(2 * hidden, n_classes)
        self.attention = nn.Linear(2 * hidden, n_classes)

    def features(self, mel: torch.Tensor) -> torch.Tensor:
        """Scaled log-mel -> output of the convolutions ``(B, L', channels[-1])``."""
        x = mel.unsqueeze(1) if self.n_channels_in == 1 and mel.ndim == 3 else mel  # (B, L, F) -> (B, 1, L, F)
        assert x.ndim == 4 and x.shape[1] == self.n_channels_in and x.shape[3] == self.n_mels, mel.shape
        if x.shape[2] < self.pool:
            raise UserError(f"a clip of {x.shape[2]} frames is shorter than the detector's pooling of {self.pool}")
        return self.cnn(x).squeeze(3).transpose(1, 2)  # (B, channels, L', 1) -> (B, L', channels)

    def forward(self, mel: torch.Tensor) -> Detection:
        """Scaled log-mel ``(B, L, F)`` -> strong ``(B, L', C)``, weak ``(B, C)``, embedding ``(B, L', D)``."""
        embedding = self.dropout(self.rnn(self.features(mel))[0])
        strong = torch.sigmoid(self.strong(embedding))
        # The baseline's softmax runs over classes, not over time; the sum over time below normalises the weights.
        weight = torch.softmax(self.attention(embedding), dim=2).clamp(1e-7, 1.0)
        return Detection(strong, (strong * weight).sum(1) / weight.sum(1), embedding)


def check_pools(n_mels: int, channels, pools) -> None:
    """Raise UserError unless every convolution has its pooling and n_mels is reduced to 1."""
    if len(channels) != len(pools) or any(len(pool) != 2 for pool in pools):
        raise UserError(
            f"detector.pools must hold one [time, mel] pair for each of the {len(channels)} channels, "
            f"not {list(pools)}"
        )
    bands = n_mels
    for _, mel in pools:
        bands //= mel
    if bands != 1:
        raise UserError(
            f"detector.pools leave {bands} of {n_mels} mel bands; their mel factors must multiply to {n_mels} "
            f"(now {math.prod(mel for _, mel in pools)})"
        )
