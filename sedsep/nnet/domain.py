"""Domain classifier: is a clip synthetic or recorded? And the reversal of gradients in front of it.

Source: Cornell et al., DCASE 2020, section 3.1 (the separator of Conv-TasNet without skips, mean over time); Ganin et
al., "Domain-adversarial training of neural networks", JMLR 2016 (the reversal). Their code holds 65 parameters more, of
an attention that it never calls.
"""

import torch
from torch import nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from sedsep.config import Count
from sedsep.nnet.norms import LayerNorm
from sedsep.nnet.tcn import TCN


class Reversal(Function):
    """The input itself; its gradient times minus ``factor``."""

    @staticmethod
    def forward(ctx, x, factor):
        """``x`` of any shape."""
        ctx.factor = factor
        return x.view_as(x)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        """Turned round."""
        return -ctx.factor * grad, None


class DomainClassifier(nn.Module):
    """Features ``(B, L', D)`` -> logit of each clip ``(B,)``, positive for the synthetic domain.

    Args:
        width: D. channels, hidden, n_blocks, n_repeats: of the temporal convolutional network.

    >>> network = DomainClassifier(128)
    >>> sum(p.numel() for p in network.parameters()) + 65, network(torch.zeros(3, 157, 128)).shape
    (149459, torch.Size([3]))
    """

    def __init__(
        self, width: int, channels: Count = 64, hidden: Count = 128, n_blocks: Count = 4, n_repeats: Count = 2
    ):
        super().__init__()
        self.norm, self.bottleneck = LayerNorm(width), nn.Linear(width, channels)
        self.tcn = TCN(channels, hidden, n_blocks=n_blocks, n_repeats=n_repeats)
        self.act, self.out = nn.PReLU(), nn.Linear(channels, 1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """``(B, L', D)`` -> ``(B,)``."""
        return self.out(self.act(self.tcn(self.bottleneck(self.norm(features))))).mean((1, 2))
