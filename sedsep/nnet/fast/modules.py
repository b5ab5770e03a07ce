"""Modules with the fast path: each has the parameters of the plain one and takes its place.

Where the fast path does not apply, they do what the plain ones do. That is also so where a hook waits for the output
of a layer that the fast path would not call.
"""

import torch

from sedsep.nnet.fast.conditions import fusable, hooked
from sedsep.nnet.fast.encoder import compress
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
