"""Two-step attention: class maps are summed over bands with weights of attention, and then over time.

Source: Deshmukh et al., "Improving weakly supervised sound event detection with self-supervised auxiliary tasks",
Interspeech 2021, eqs. 4 to 7.
"""

from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from sedsep.config import Count
from sedsep.nnet.poolings import Detection
from sedsep.nnet.vgg import initialised

Place = Literal["classes", "attention"]


class Attended(NamedTuple):
    """What one step leaves: attention of the shape of its input, which adds up to 1 over the last axis; the sum."""

    attention: torch.Tensor
    pooled: torch.Tensor


class AttentionStep(nn.Module):
    """``(..., n)`` -> :class:`Attended`: classes and attention are each a linear layer over the last axis.

    The layers see ``size`` places. A longer axis goes through them in pieces of that size, the last one filled up with
    zeros, and the attention is over the whole axis: so clips may have any length, and one of ``size`` is the paper's.

    Args:
        sigmoid: where it stands: on the "classes" as released, or inside the softmax, on the "attention", as printed
            in the paper, whose classes are unbounded.
    """

    def __init__(self, size: int, sigmoid: Place = "classes"):
        super().__init__()
        self.size, self.sigmoid = size, sigmoid
        self.classes, self.attention = nn.Linear(size, size), nn.Linear(size, size)

    def forward(self, x: torch.Tensor) -> Attended:
        """``(..., n)`` -> attention ``(..., n)``, pooled ``(...)``."""
        n = x.shape[-1]
        pieces = F.pad(x, (0, -n % self.size)).unflatten(-1, (-1, self.size))
        classes, attention = (layer(pieces).flatten(-2)[..., :n] for layer in (self.classes, self.attention))
        if self.sigmoid == "classes":
            classes = torch.sigmoid(classes)
        else:
            attention = torch.sigmoid(attention)
        attention = torch.softmax(attention, dim=-1)
        return Attended(attention, (attention * classes).sum(-1))


class TwoStep(nn.Module):
    """Encoded ``(B, D, L, F)`` -> :class:`Detection`, by way of class maps ``(B, C, L, F)`` without limits.

    Args:
        width: D. n_classes: C. n_bands: F.
        n_frames: frames that the attention over time sees at once: those of the training clips.
        sigmoid: see :class:`AttentionStep`.
        strong: a frame's score is the clip's times its "attention" relative to the frame with most of it, or what the
            step over "bands" gives there.
    """

    def __init__(
        self,
        width: int,
        n_classes: int,
        n_bands: int,
        n_frames: Count = 311,
        sigmoid: Place = "classes",
        strong: Literal["attention", "bands"] = "attention",
    ):
        super().__init__()
        self.maps = initialised(nn.Conv2d(width, n_classes, 1))
        self.bands, self.time = AttentionStep(n_bands, sigmoid), AttentionStep(n_frames, sigmoid)
        self.strong = strong

    def forward(self, encoded: torch.Tensor) -> Detection:
        """``(B, D, L, F)`` -> strong ``(B, L, C)``, weak ``(B, C)``, and the mean over bands ``(B, L, D)``."""
        frames = self.bands(self.maps(encoded)).pooled  # (B, C, L)
        attention, weak = self.time(frames)
        weak = weak.clamp(0, 1)
        if self.strong == "attention":
            frames = weak.unsqueeze(2) * attention / attention.amax(2, keepdim=True)
        return Detection(frames.clamp(0, 1).transpose(1, 2), weak, encoded.mean(3).transpose(1, 2))
