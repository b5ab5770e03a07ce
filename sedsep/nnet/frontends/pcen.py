"""PCEN: per-channel energy normalisation, fixed or trainable, one layer or several in parallel.

Source: Wang et al., "Trainable frontend for robust and far-field keyword spotting", ICASSP 2017; Cornell et al., DCASE
2020, section 3.3 (parallel layers, each with its own mix of fixed smoothers per band). The defaults are those of their
released code, which smooths forwards and backwards with s = 0.015 and 0.08 where the paper has a causal filter and
0.25. The smoother is part of the graph; theirs was not.
"""

import math
from typing import Annotated

import torch
from torch import nn

from sedsep.config import Count
from sedsep.errors import UserError
from sedsep.nnet.frontends.linear import Linear
from sedsep.nnet.frontends.log import Log
from sedsep.nnet.frontends.scaling import MinMax
from sedsep.nnet.frontends.smoother import Direction, Start, smooth

LEVELS = {"linear": Linear, "log": Log}
EPS = 1e-6
JITTER = 1e-4  # relative differences between layers that begin alike


class PCEN(nn.Module):
    """Magnitudes ``(B, L, F)`` -> ``(E / (eps + M)^alpha + delta)^r - delta^r`` of each of P layers ``(B, P, L, F)``.

    E is the clip in [0, 1]: PCEN takes nothing below zero. M is the sum of its smoothed versions with weights of each
    layer and band that add up to 1. One layer gives ``(B, L, F)``.

    Args:
        n_bands: F. n_layers: P. levels: E is the min-max of "linear" magnitudes or of "log" ones (and their keys).
        alpha, delta, r: of each layer, or one value from which all begin, nearly alike. alpha and r lie in (0, 1).
        smoothing: coefficients s of the smoothers, in (0, 1]; see ``smoother.coefficient``.
        direction, start: of the smoothers (``smoother.smooth``).
        trainable: whether alpha, delta, r and the smoothers' weights are learned; else they are as given, with equal
            weights. Settings 1, 2, 3 of Cornell et al. are fixed and causal: alpha .98, .8, .8, delta 2 and time
            constants of 400, 400, 60 ms.

    Raises:
        UserError: a value is outside its limits, or their number fits neither one nor P.

    >>> PCEN(128, n_layers=2, levels={"kind": "linear"})(torch.rand(1, 626, 128)).shape
    torch.Size([1, 2, 626, 128])
    """

    def __init__(
        self,
        n_bands: int,
        n_layers: Count = 1,
        levels: Annotated[dict, LEVELS, ("n_bands",)] = None,
        alpha: list[float] = (0.8,),
        delta: list[float] = (10.0,),
        r: list[float] = (0.5,),
        smoothing: list[float] = (0.015, 0.08),
        direction: Direction = "zero_phase",
        start: Start = "first",
        trainable: bool = True,
    ):
        super().__init__()
        rest = dict(levels)
        self.levels, self.minmax = LEVELS[rest.pop("kind")](n_bands=n_bands, **rest), MinMax(n_bands)
        self.n_maps, self.direction, self.start = n_layers, direction, start
        for name, values, limit in (("alpha", alpha, 1), ("delta", delta, math.inf), ("r", r, 1)):
            if len(values) not in (1, n_layers) or not all(0 < value < limit for value in values):
                raise UserError(f"compression.{name} must be one number, or one for each of the {n_layers} layers, "
                                f"above 0{' and below 1' * (limit == 1)}; not {list(values)}")  # fmt: skip
        if not smoothing or not all(0 < s <= 1 for s in smoothing):
            raise UserError(f"compression.smoothing must be numbers above 0 and not above 1, not {list(smoothing)}")
        self.smoothing = tuple(smoothing)
        # One draw of the smoothers' weights for all layers.
        mixing = torch.full((len(smoothing), n_bands), math.log(1 / len(smoothing)))
        if trainable:
            mixing = mixing + 0.1 * torch.randn_like(mixing)
        self.alpha_logit = self._of_layers(torch.logit(torch.tensor(alpha)), trainable)
        self.delta_log = self._of_layers(torch.tensor(delta).log(), trainable)
        self.r_logit = self._of_layers(torch.logit(torch.tensor(r)), trainable)
        self.mixing = self._of_layers(mixing[None], trainable)  # (P, smoothers, F), before the softmax

    def _of_layers(self, values, trainable) -> nn.Parameter:
        """One value for each layer, apart by the jitter where they would be alike."""
        if len(values) == 1 < self.n_maps:
            values = values.repeat(self.n_maps, *[1] * (values.ndim - 1))
            values = values * (1 + JITTER * trainable * torch.rand_like(values))
        return nn.Parameter(values, requires_grad=trainable)

    def settings(self) -> tuple:
        """alpha, delta, r ``(P,)`` and the smoothers' weights ``(P, smoothers, F)``."""
        weights = torch.softmax(self.mixing, 1)
        return torch.sigmoid(self.alpha_logit), self.delta_log.exp(), torch.sigmoid(self.r_logit), weights

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """``(B, L, F)`` -> ``(B, P, L, F)``, or ``(B, L, F)`` for one layer; in float32 even under autocast."""
        with torch.autocast(mel.device.type, enabled=False):
            out = self.normalise(self.minmax(self.levels(mel.float() if mel.dtype != torch.double else mel)))
        return out.squeeze(1)

    def normalise(self, energy: torch.Tensor) -> torch.Tensor:
        """Energy ``(B, L, F)``, none below zero -> ``(B, P, L, F)``.

        ``log1p`` and ``expm1`` keep what a difference of powers would lose in float32, 9 % at E = 1e-5.
        """
        alpha, delta, r, weights = self.settings()
        smoothed = torch.stack([smooth(energy, s, self.direction, self.start) for s in self.smoothing], 1)
        mean = torch.einsum("pkf,bklf->bplf", weights, smoothed)
        alpha, delta, r = (x[:, None, None] for x in (alpha, delta, r))
        gain = torch.exp(-alpha * (math.log(EPS) + torch.log1p(mean / EPS)))
        return delta**r * torch.expm1(r * torch.log1p(energy.unsqueeze(1) * gain / delta))
