"""Poolings: embeddings of frames -> strong and weak scores; lists of what there is.

Sources: DCASE 2021 task 4 baseline (attention); Wang, Li & Metze, "A comparison of five multiple instance learning
pooling functions", ICASSP 2019 (the others).
"""

from typing import NamedTuple

import torch
from torch import nn


class Detection(NamedTuple):
    """What a detector says: strong ``(B, L', C)`` and weak ``(B, C)`` in [0, 1], embedding ``(B, L', D)``."""

    strong: torch.Tensor
    weak: torch.Tensor
    embedding: torch.Tensor


class Pooling(nn.Module):
    """Embedding ``(B, L', D)`` -> :class:`Detection`: a sigmoid of one linear layer for the frames, pooled over time.

    Args:
        width: D. n_classes: C.
    """

    def __init__(self, width: int, n_classes: int):
        super().__init__()
        self.strong = nn.Linear(width, n_classes)

    def forward(self, embedding: torch.Tensor) -> Detection:
        """``(B, L', D)`` -> strong ``(B, L', C)``, weak ``(B, C)``, and the embedding itself."""
        strong = torch.sigmoid(self.strong(embedding))
        return Detection(strong, self.pool(strong, embedding), embedding)

    def pool(self, strong: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
        """Strong scores ``(B, L', C)`` -> weak ones ``(B, C)``."""
        raise NotImplementedError


class AttentionPooling(Pooling):
    """The mean over time with weights from a second linear layer."""

    def __init__(self, width: int, n_classes: int):
        super().__init__(width, n_classes)
        self.attention = nn.Linear(width, n_classes)

    def pool(self, strong, embedding):
        # The baseline's softmax runs over classes, not over time; the sum over time below normalises the weights.
        weight = torch.softmax(self.attention(embedding), dim=2).clamp(1e-7, 1.0)
        return (strong * weight).sum(1) / weight.sum(1)


class MeanPooling(Pooling):
    """The mean over time."""

    def pool(self, strong, embedding):
        return strong.mean(1)


class MaxPooling(Pooling):
    """The maximum over time."""

    def pool(self, strong, embedding):
        return strong.amax(1)


class LinearSoftmaxPooling(Pooling):
    """The mean over time in which every frame's weight is its own score."""

    def pool(self, strong, embedding):
        return strong.square().sum(1) / strong.sum(1).clamp(min=1e-7)


POOLINGS = {
    "attention": AttentionPooling, "mean": MeanPooling, "max": MaxPooling, "linear_softmax": LinearSoftmaxPooling,
}  # fmt: skip
