"""Conv-TasNet: a learned encoder, masks estimated by a TCN, and a learned decoder.

Source: Luo & Mesgarani, "Conv-TasNet", TASLP 2019; defaults of the joint system (JSS: R=1, X=4, M=4).
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

from sedsep.errors import UserError
from sedsep.nnet.tcn import TCN, LayerNorm

MASKS = {
    "sigmoid": torch.sigmoid,
    "relu": F.relu,
    "softmax": lambda score: torch.softmax(score, dim=2),  # over the sources of (B, L, N, n_filters)
    "linear": lambda score: score,
}


class ConvTasNet(nn.Module):
    """Mixture ``(B, T)`` -> estimates ``(B, N, T)``.

    Args:
        n_sources: N. n_filters, kernel, stride: of encoder and decoder (filters, samples, samples).
        bottleneck, hidden, skip, conv_kernel, n_blocks, n_repeats, norm: of the TCN; skip 0 leaves out the skips.
        mask: activation of the masks; softmax makes those of a point sum to one over the sources.
        mixture_consistency: add an equal share of what the estimates miss of the mixture to each of them.

    >>> ConvTasNet()(torch.zeros(1, 8001)).shape
    torch.Size([1, 4, 8001])
    """

    def __init__(
        self,
        n_sources: int = 4,
        n_filters: int = 512,
        kernel: int = 16,
        stride: int = 8,
        bottleneck: int = 128,
        hidden: int = 512,
        skip: int = 128,
        conv_kernel: int = 3,
        n_blocks: int = 4,
        n_repeats: int = 1,
        mask: Literal["sigmoid", "relu", "softmax", "linear"] = "sigmoid",
        norm: Literal["gln", "cln"] = "gln",
        mixture_consistency: bool = False,
    ):
        super().__init__()
        self.n_sources, self.n_filters, self.kernel, self.stride = n_sources, n_filters, kernel, stride
        self.mask, self.mixture_consistency = mask, mixture_consistency
        self.encoder = nn.Parameter(filterbank(n_filters, kernel))
        self.decoder = nn.Parameter(filterbank(n_filters, kernel))
        self.norm = LayerNorm(n_filters, norm)
        self.bottleneck = nn.Linear(n_filters, bottleneck)
        self.tcn = TCN(bottleneck, hidden, skip, conv_kernel, n_blocks, n_repeats, norm)
        self.act = nn.PReLU()
        self.masks = nn.Linear(self.tcn.n_out, n_sources * n_filters)

    def forward(self, mixture: torch.Tensor) -> torch.Tensor:
        """``(B, T)`` -> ``(B, N, T)``. Raises UserError for a mixture that is shorter than one encoder frame."""
        assert mixture.ndim == 2, mixture.shape
        if mixture.shape[1] < self.kernel:
            raise UserError(f"a mixture of {mixture.shape[1]} samples is shorter than the encoder's {self.kernel}")
        latent = mixture.unfold(1, self.kernel, self.stride) @ self.encoder.t()  # (B, L, kernel) -> (B, L, n_filters)
        score = self.masks(self.act(self.tcn(self.bottleneck(self.norm(latent)))))
        score = score.unflatten(2, (self.n_sources, self.n_filters))  # (B, L, N, n_filters)
        frames = (MASKS[self.mask](score) * latent.unsqueeze(2)) @ self.decoder  # (B, L, N, kernel)
        estimates = overlap_add(frames.transpose(1, 2), self.stride, mixture.shape[1])
        if self.mixture_consistency:
            estimates = estimates + (mixture - estimates.sum(1)).unsqueeze(1) / self.n_sources
        return estimates


def filterbank(n_filters: int, kernel: int) -> torch.Tensor:
    """Xavier-normal filters ``(n_filters, kernel)`` with the variance of a convolution over one input channel."""
    return nn.init.xavier_normal_(torch.empty(n_filters, 1, kernel)).squeeze(1)


def overlap_add(frames: torch.Tensor, stride: int, n_samples: int) -> torch.Tensor:
    """Frames ``(B, N, L, kernel)`` -> signals ``(B, N, n_samples)``, padded with zeros or cut on the right.

    >>> overlap_add(torch.ones(1, 1, 3, 4), 2, 9)
    tensor([[[1., 1., 2., 2., 2., 2., 1., 1., 0.]]])
    """
    n_batch, n_sources, n_frames, kernel = frames.shape
    columns = frames.flatten(0, 1).transpose(1, 2)  # (B, N, L, kernel) -> (B N, kernel, L)
    length = (n_frames - 1) * stride + kernel
    signals = F.fold(columns, (1, length), (1, kernel), stride=(1, stride)).view(n_batch, n_sources, length)
    return F.pad(signals, (0, n_samples - length))
