"""TCN: temporal convolutional network, blocks of dilated depth-wise convolutions with residual and skip outputs.

Source: Luo & Mesgarani, "Conv-TasNet", TASLP 2019 (section II-C); it serves Conv-TasNet, SoundBeam and the domain
classifier. Frames come before channels, so that every 1 x 1 convolution is one matrix product.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

from sedsep.errors import UserError
from sedsep.nnet.fast.crew import fusable
from sedsep.nnet.fast.block import EPS
from sedsep.nnet.fast.tcn import FusedBlock, FusedTCN


class LayerNorm(nn.Module):
    """Normalisation of ``(B, L, D)`` with a gain and a bias per channel.

    Args:
        channels: D.
        kind: "gln" takes mean and variance over L and D of a clip (global), "cln" over D of each frame, "fgln" over
            L of each channel.
    """

    def __init__(self, channels: int, kind: Literal["gln", "cln", "fgln"] = "gln"):
        super().__init__()
        self.kind = kind
        self.gain = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(B, L, D)`` -> the same shape."""
        if self.kind == "cln":
            return F.layer_norm(x, x.shape[2:], self.gain, self.bias, EPS)
        if self.kind == "fgln":
            variance, mean = torch.var_mean(x, 1, correction=0, keepdim=True)
            return torch.addcmul(self.bias, (x - mean) * (variance + EPS).rsqrt(), self.gain)
        return torch.addcmul(self.bias, F.layer_norm(x, x.shape[1:], eps=EPS), self.gain)


class TCNBlock(nn.Module):
    """1 x 1 convolution, PReLU, norm, dilated depth-wise convolution, PReLU, norm, 1 x 1 convolution.

    Args:
        channels: of the residual stream. hidden: between the two 1 x 1 convolutions.
        skip: channels of the skip output, 0 for none. kernel: taps of the depth-wise convolution (odd).
        dilation: frames between taps. norm: see :class:`LayerNorm`.
    """

    def __init__(self, channels: int, hidden: int, skip: int, kernel: int, dilation: int, norm: str = "gln"):
        super().__init__()
        if kernel % 2 == 0:
            raise UserError(f"the depth-wise kernel must have an odd number of taps, not {kernel}")
        self.channels, self.dilation = channels, dilation
        self.expand = nn.Linear(channels, hidden)
        self.act1, self.norm1 = nn.PReLU(), LayerNorm(hidden, norm)
        self.depthwise = nn.Conv1d(
            hidden, hidden, kernel, padding=dilation * (kernel - 1) // 2, dilation=dilation, groups=hidden
        )
        self.act2, self.norm2 = nn.PReLU(), LayerNorm(hidden, norm)
        # One matrix for both outputs: the residual's rows first, then the skip's.
        self.project = nn.Linear(hidden, channels + skip)

    def forward(self, x: torch.Tensor, residual: bool = True) -> tuple:
        """``(B, L, channels)`` -> residual ``(B, L, channels)`` and skip ``(B, L, skip)``, neither added yet.

        ``residual=False`` spares the residual output and gives None in its place.
        """
        if self.fusable(x):
            out = FusedBlock.apply(x, self.dilation, *self.ordered(residual))
        else:
            z = self.norm1(self.act1(self.expand(x)))
            z = self.depthwise(z.transpose(1, 2)).transpose(1, 2)  # over L: (B, L, D) -> (B, D, L) -> (B, L, D)
            out = F.linear(self.norm2(self.act2(z)), *self.projection(residual))
        return out.split([self.channels, out.shape[2] - self.channels], dim=2) if residual else (None, out)

    def fusable(self, x: torch.Tensor) -> bool:
        """Whether the fast path takes the block with the input ``x``.

        It reads the sign of a PReLU's input from its output, so the slopes must be positive.
        """
        return self.norm1.kind == "gln" and fusable(x) and bool(self.act1.weight > 0 and self.act2.weight > 0)

    def projection(self, residual: bool) -> tuple:
        """Weight and bias of the last 1 x 1 convolution, with or without the residual's rows."""
        weight, bias = self.project.weight, self.project.bias
        return (weight, bias) if residual else (weight[self.channels :], bias[self.channels :])

    def ordered(self, residual: bool) -> tuple:
        """The parameters in the order of :class:`sedsep.nnet.fast.block.Block`."""
        return (
            self.expand.weight, self.expand.bias, self.act1.weight, self.norm1.gain, self.norm1.bias,
            self.depthwise.weight, self.depthwise.bias, self.act2.weight, self.norm2.gain, self.norm2.bias,
            *self.projection(residual),
        )  # fmt: skip


class TCN(nn.Module):
    """Repeats of blocks with dilations 1, 2, 4, ...: ``(B, L, channels)`` -> ``(B, L, n_out)``.

    The output is the sum of the skips, or the residual stream where ``skip`` is 0. The residual output of the very
    last block reaches nothing when there are skips; its weights exist (as in the peers) but it is not computed.
    On the fast path the blocks are run together and not called one by one, so hooks on them are not called either.

    Args:
        channels, hidden, skip, kernel, norm: see :class:`TCNBlock`.
        n_blocks: per repeat. n_repeats: how many times the dilations start again at 1.
    """

    def __init__(
        self,
        channels: int,
        hidden: int,
        skip: int = 0,
        kernel: int = 3,
        n_blocks: int = 8,
        n_repeats: int = 3,
        norm: Literal["gln", "cln", "fgln"] = "gln",
    ):
        super().__init__()
        self.n_out = skip or channels
        self.skip = skip
        self.blocks = nn.ModuleList(
            TCNBlock(channels, hidden, skip, kernel, 2**i, norm) for _ in range(n_repeats) for i in range(n_blocks)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(B, L, channels)`` -> ``(B, L, n_out)``."""
        x, total = self.advance(x, None, 0, len(self.blocks))
        return total if self.skip else x

    def advance(self, x: torch.Tensor, total: torch.Tensor | None, first: int, last: int) -> tuple:
        """Run the blocks ``first`` to ``last - 1``.

        Args:
            x: residual stream ``(B, L, channels)``. total: sum of the skips so far ``(B, L, skip)``, or None.

        Returns:
            the two after these blocks; the stream is None after a last block without a residual output.
        """
        blocks = self.blocks[first:last]
        if not blocks:
            return x, total
        residual = not (self.skip and last == len(self.blocks))  # of the last one; all others have it
        if all(block.fusable(x) for block in blocks):
            dilations = [block.dilation for block in blocks]
            parameters = [p for block in blocks for p in block.ordered(residual or block is not blocks[-1])]
            inputs = [x, *parameters] if total is None else [x, total, *parameters]
            keeps = torch.is_grad_enabled() and any(y.requires_grad for y in inputs)
            return FusedTCN.apply(x, total, dilations, self.skip, residual, keeps, *parameters)
        for block in blocks:
            to_stream, skip = block(x, residual or block is not blocks[-1])
            x = None if to_stream is None else x + to_stream
            total = skip if total is None else total + skip
        return x, total
