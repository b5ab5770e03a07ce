"""Mixture consistency: what the estimates miss of the mixture is shared out among them, so that they add up to it.

Source: Wisdom et al., "Differentiable consistency constraints for improved deep speech enhancement", ICASSP 2019;
spec 06, H.3.
"""

from typing import Literal

import torch
from torch import nn

EPS = 1e-8
Consistency = Literal["none", "uniform", "magsq", "predicted"]


def share_out(estimates: torch.Tensor, mixture: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Estimates ``(B, N, T)`` plus their shares ``(B, N)`` of what they miss of the mixture ``(B, T)``.

    >>> share_out(torch.zeros(1, 2, 1), torch.ones(1, 1), torch.tensor([[0.25, 0.75]])).flatten()
    tensor([0.2500, 0.7500])
    """
    return estimates + weights.unsqueeze(2) * (mixture - estimates.sum(1)).unsqueeze(1)


class MixtureConsistency(nn.Module):
    """Adds to every estimate its share of the rest.

    Args:
        n_sources: N. width: D of the hidden frames.
        kind: "none" leaves the estimates alone; "uniform" gives equal shares, "magsq" shares by power, "predicted"
            a softmax over one weight per source, from the mean of the hidden frames over time.
        bias: of the prediction.
    """

    def __init__(self, n_sources: int, width: int, kind: Consistency = "predicted", bias: bool = False):
        super().__init__()
        self.kind = kind
        self.weights = nn.Linear(width, n_sources, bias) if kind == "predicted" else None

    def forward(self, estimates, mixture, hidden) -> torch.Tensor:
        """Estimates ``(B, N, T)``, mixture ``(B, T)``, hidden frames ``(B, L, D)`` -> estimates ``(B, N, T)``."""
        if self.kind == "none":
            return estimates
        if self.kind == "uniform":
            weights = estimates.new_full(estimates.shape[:2], 1 / estimates.shape[1])
        elif self.kind == "magsq":
            power = estimates.square().mean(2) + EPS
            weights = power / power.sum(1, keepdim=True)
        else:
            weights = torch.softmax(self.weights(hidden.mean(1)), dim=1)
        return share_out(estimates, mixture, weights)
