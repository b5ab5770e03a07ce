"""Modules with the fast path: each has the parameters of the plain one and takes its place.

Where the fast path does not apply, they do what the plain ones do. That is also so where a hook waits for the output
of a layer that the fast path would not call.
"""

import numpy as np
import torch
from torch import nn

from sedsep import ranks
from sedsep.nnet import dropout
from sedsep.nnet.detectors.crnn import ConvBlock
from sedsep.nnet.fast.conditions import fusable, hooked
from sedsep.nnet.fast.conv import MOST, NarrowConv
from sedsep.nnet.fast.encoder import compress
from sedsep.nnet.fast.gate import GatedPool, plan, statistics
from sedsep.nnet.fast.gru import bidirectional
from sedsep.nnet.fast.mask import MaskDecode
from sedsep.nnet.fast.tcn import FusedBlock, FusedTCN
from sedsep.nnet.separators.conv_tasnet import ConvTasNet
from sedsep.nnet.soundbeam import EnrolmentEncoder
from sedsep.nnet.tcn import TCN, TCNBlock


class FastTCNBlock(TCNBlock):
    """A block in one operation."""

    def forward(self, x: torch.Tensor, residual: bool = True) -> tuple:
        """As the plain block."""
        if not self.fusable(x) or hooked(*self.children()):
            return super().forward(x, residual)
        out = FusedBlock.apply(x, self.dilation, *self.ordered(residual))
        return out.split([self.channels, out.shape[2] - self.channels], dim=2) if residual else (None, out)

    def fusable(self, x: torch.Tensor) -> bool:
        """Whether the fused operations take the block with the input ``x``.

        They read the sign of a PReLU's input from its output, so the slopes must be positive.
        """
        return self.norm1.kind == "gln" and fusable(x) and bool(self.act1.weight > 0 and self.act2.weight > 0)

    def ordered(self, residual: bool) -> tuple:
        """The parameters in the order of :class:`sedsep.nnet.fast.block.Block`, with or without the residual's rows."""
        weight, bias = self.project.weight, self.project.bias
        return (
            self.expand.weight, self.expand.bias, self.act1.weight, self.norm1.gain, self.norm1.bias,
            self.depthwise.weight, self.depthwise.bias, self.act2.weight, self.norm2.gain, self.norm2.bias,
            *((weight, bias) if residual else (weight[self.channels :], bias[self.channels :])),
        )  # fmt: skip


class FastTCN(TCN):
    """Blocks in a row in one operation."""

    def advance(self, x: torch.Tensor, total: torch.Tensor | None, first: int, last: int) -> tuple:
        """As the plain network."""
        blocks = self.blocks[first:last]
        if not blocks or not all(type(block) is FastTCNBlock and block.fusable(x) for block in blocks):
            return super().advance(x, total, first, last)
        if hooked(*blocks):
            return super().advance(x, total, first, last)
        residuals = [self.has_residual(index) for index in range(first, last)]
        dilations = [block.dilation for block in blocks]
        parameters = [p for block, residual in zip(blocks, residuals) for p in block.ordered(residual)]
        inputs = [x, *parameters] if total is None else [x, total, *parameters]
        keeps = torch.is_grad_enabled() and any(y.requires_grad for y in inputs)
        return FusedTCN.apply(x, total, dilations, self.skip, residuals[-1], keeps, *parameters)


class Compressing:
    """Encoder, norm and 1 x 1 convolution of a network in one product."""

    def compress(self, frames: torch.Tensor) -> torch.Tensor:
        """As the plain network."""
        if self.norm.kind != "gln" or self.magnitudes or hooked(self.norm, self.bottleneck):
            return super().compress(frames)
        return compress(frames, self.encoder, self.norm, self.bottleneck)


class FastConvTasNet(Compressing, ConvTasNet):
    """Masks and decoder in one operation."""

    def masked(self, hidden: torch.Tensor, frames: torch.Tensor) -> torch.Tensor:
        """As the plain network."""
        if not fusable(hidden) or hooked(self.act, self.masks):
            return super().masked(hidden, frames)
        weights = self.act.weight, self.masks.weight, self.masks.bias
        return MaskDecode.apply(hidden, *weights, frames, self.encoder, self.decoder, self.mask)


class FastEnrolmentEncoder(Compressing, EnrolmentEncoder):
    """An enrolment encoder with the product."""


class FastConvBlock(ConvBlock):
    """A first convolution in one pass, and what follows a convolution in two."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """As the plain block."""
        conv, norm, gate, drop, pool = self
        (n_clips, _, n_frames, n_bands), (times, bands) = x.shape, pool.kernel_size
        n_values = n_clips * n_frames * n_bands
        odd = n_bands % bands or n_frames < times or n_values < 2
        # Several ranks have their statistics in common.
        if odd or not fusable(x) or x.dtype != torch.float32 or ranks.shared() or hooked(*self):
            return super().forward(x)
        narrow = conv.in_channels <= MOST and not x.requires_grad
        y = NarrowConv.apply(x, conv.weight, conv.bias) if narrow else conv(x)
        p, keys, least = drop.p * drop.training, np.zeros((n_clips, 2), np.uint32), 0
        if p:
            keys, least = dropout.draw_keys(y), dropout.threshold(p)
        cut, y = plan(y.shape, (times, bands), keys, least, p), y.flatten(2)  # (B, C, L, F) -> (B, C, L F)
        mean, variance = norm.running_mean, norm.running_var
        if norm.training:
            mean, variance = statistics(y.detach(), cut)
            norm.num_batches_tracked += 1
            norm.running_mean.lerp_(mean, norm.momentum)
            norm.running_var.lerp_(variance * (n_values / (n_values - 1)), norm.momentum)
        rate = (variance + norm.eps).rsqrt()
        affine = norm.weight, norm.bias, gate.linear.weight.flatten(1), gate.linear.bias
        return GatedPool.apply(y, *affine, mean, rate, norm.training, cut).unflatten(2, (-1, n_bands // bands))


class FastGRU(nn.GRU):
    """Both directions side by side."""

    def forward(self, x, hx=None) -> tuple:
        """As torch's own."""
        plain = hx is not None or not (self.bidirectional and self.batch_first and self.bias) or self.dropout
        if plain or not isinstance(x, torch.Tensor) or x.ndim != 3 or not len(x):
            return super().forward(x, hx)
        if not fusable(x) or x.dtype != torch.float32:
            return super().forward(x, hx)
        return bidirectional(x, self)
