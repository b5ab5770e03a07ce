"""Map poolings: what an encoder makes of each time and band -> class maps -> strong and weak scores; the list of them.

Sources: Kong et al., TASLP 2019 (mean, maximum and ranks over maps; frames by the mean over bands); Ren et al.,
ICASSP 2019 (attention over dilated convolutions); Deshmukh et al. 2021 for their settings.
"""

from typing import Annotated

import torch
from torch import nn

from sedsep.config import Range
from sedsep.nnet.poolings import Detection
from sedsep.nnet.two_step import TwoStep
from sedsep.nnet.vgg import initialised


class MapPooling(nn.Module):
    """Encoded ``(B, D, L, F)`` -> :class:`Detection`, by way of class maps ``(B, C, L, F)`` in [0, 1].

    Args:
        width: D. n_classes: C. n_bands: F.
    """

    def __init__(self, width: int, n_classes: int, n_bands: int):
        super().__init__()
        self.maps = initialised(nn.Conv2d(width, n_classes, 1))

    def forward(self, encoded: torch.Tensor) -> Detection:
        """``(B, D, L, F)`` -> strong ``(B, L, C)``, weak ``(B, C)``, and the mean over bands ``(B, L, D)``."""
        maps = torch.sigmoid(self.maps(encoded))
        frames = self.frames(maps).transpose(1, 2)  # (B, C, L) -> (B, L, C)
        return Detection(frames, self.pool(maps.flatten(2)), encoded.mean(3).transpose(1, 2))

    def frames(self, maps: torch.Tensor) -> torch.Tensor:
        """Maps ``(B, C, L, F)`` -> scores of frames ``(B, C, L)``."""
        return maps.mean(3)

    def pool(self, cells: torch.Tensor) -> torch.Tensor:
        """Maps ``(B, C, L F)`` -> scores of the clip ``(B, C)``."""
        raise NotImplementedError


class MeanMap(MapPooling):
    """The mean over all times and bands (GAP)."""

    def pool(self, cells):
        return cells.mean(2)


class MaxMap(MapPooling):
    """The maximum over all times and bands (GMP); that over bands for the frames."""

    def frames(self, maps):
        return maps.amax(3)

    def pool(self, cells):
        return cells.amax(2)


class RankMap(MapPooling):
    """The mean with weights that fall with the rank: ``decay`` to the power of it, the largest first (GWRP).

    Args:
        decay: 0 is the maximum, 1 the mean.
    """

    def __init__(self, width: int, n_classes: int, n_bands: int, decay: Annotated[float, Range(0, 1)] = 0.9998):
        super().__init__(width, n_classes, n_bands)
        self.decay = decay

    def pool(self, cells):
        return cells.sort(dim=2, descending=True).values @ rank_weights(cells.shape[2], self.decay).to(cells)


def rank_weights(count: int, decay: float) -> torch.Tensor:
    """Weights of the ranks ``(count,)``, which add up to 1.

    >>> float(1 / rank_weights(311 * 64, 0.9998)[0])  # doctest: +ELLIPSIS
    4906.6...
    """
    weights = torch.tensor(decay, dtype=torch.float64) ** torch.arange(count)
    return weights / weights.sum()


class AttentionMap(MapPooling):
    """The sigmoid of a weighted mean of log-probabilities over classes.

    The mean is below zero, so that no score is above 0.5: it can rank clips, and nothing else.
    """

    def __init__(self, width: int, n_classes: int, n_bands: int):
        super().__init__(width, n_classes, n_bands)
        self.attention = initialised(nn.Conv2d(width, n_classes, 1))
        nn.init.zeros_(self.attention.weight)

    def forward(self, encoded: torch.Tensor) -> Detection:
        """As :meth:`MapPooling.forward`; a frame's score is what the clip's would be, were there no other frame."""
        maps = torch.log_softmax(self.maps(encoded), dim=1)
        weights = torch.sigmoid(self.attention(encoded)).clamp(0.1, 0.9)
        sums, totals = (maps * weights).sum(3), weights.sum(3)  # (B, C, L)
        strong = torch.sigmoid(sums / totals).transpose(1, 2)
        weak = torch.sigmoid(sums.sum(2) / totals.sum(2))
        return Detection(strong, weak, encoded.mean(3).transpose(1, 2))


MAP_POOLINGS = {"two_step": TwoStep, "mean": MeanMap, "max": MaxMap, "rank": RankMap, "attention": AttentionMap}
