"""ClassMaps: convolutions that keep time and frequency, a map of both for each class, and a pooling over the map.

Source: Kong et al., TASLP 2019; Deshmukh et al., Interspeech 2021: what learns to find events from tags alone.
"""

from typing import Annotated

import torch
from torch import nn

from sedsep.config import build
from sedsep.nnet.map_poolings import MAP_POOLINGS
from sedsep.nnet.poolings import Detection
from sedsep.nnet.vgg import MAP_ENCODERS


class ClassMaps(nn.Module):
    """Features ``(B, L, F)`` -> ``Detection``, with the front-end's own frames.

    Args:
        n_classes: C. n_bands: F. n_maps: P; more than one map of features per clip are taken as ``(B, P, L, F)``.
        encoder: its ``kind`` and keys (``nnet/vgg.py``). pooling: from maps to frames and clip (``nnet/map_poolings``).
    """

    pool = 1

    def __init__(
        self,
        n_classes: int,
        n_bands: int = 64,
        n_maps: int = 1,
        encoder: Annotated[dict, MAP_ENCODERS, ("n_maps",)] = None,
        pooling: Annotated[dict, MAP_POOLINGS, ("width", "n_classes", "n_bands")] = None,
    ):
        super().__init__()
        self.n_bands, self.n_maps = n_bands, n_maps
        self.encoder = build(MAP_ENCODERS, encoder, {"n_maps": n_maps})
        given = {"width": self.encoder.width, "n_classes": n_classes, "n_bands": n_bands}
        self.pooling = build(MAP_POOLINGS, pooling, given)

    def forward(self, features: torch.Tensor) -> Detection:
        """Features ``(B, L, F)`` -> strong ``(B, L, C)``, weak ``(B, C)``, embedding ``(B, L, D)``."""
        x = features.unsqueeze(1) if features.ndim == 3 else features  # (B, L, F) -> (B, 1, L, F)
        assert x.ndim == 4 and x.shape[1] == self.n_maps and x.shape[3] == self.n_bands, features.shape
        return self.pooling(self.encoder(x))
