"""TCN: temporal convolutional network, blocks of dilated depth-wise convolutions with residual and skip outputs.

Source: Luo & Mesgarani, "Conv-TasNet", TASLP 2019 (section II-C); it serves Conv-TasNet, SoundBeam and the domain
classifier. Frames come before channels, so that every 1 x 1 convolution is one matrix product.
"""

import torch
import torch.nn.functional as F
from torch import nn

from sedsep.errors import UserError
from sedsep.nnet.norms import Kind, LayerNorm


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

        ``residual=False`` spares the residual output and gives None in its place; ``project`` is then not called.
        """
        z = self.norm1(self.act1(self.expand(x)))
        z = self.depthwise(z.transpose(1, 2)).transpose(1, 2)  # over L: (B, L, D) -> (B, D, L) -> (B, L, D)
        z = self.norm2(self.act2(z))
        if not residual:
            return None, F.linear(z, self.project.weight[self.channels :], self.project.bias[self.channels :])
        out = self.project(z)
        return out.split([self.channels, out.shape[2] - self.channels], dim=2)


class TCN(nn.Module):
    """Repeats of blocks with dilations 1, 2, 4, ...: ``(B, L, channels)`` -> ``(B, L, n_out)``.

    The output is the sum of the skips, or the residual stream where ``skip`` is 0. The residual output of the very
    last block reaches nothing when there are skips; its weights exist (as in the peers) but it is not computed.

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
        norm: Kind = "gln",
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
        for index in range(first, last):
            residual, skip = self.blocks[index](x, self.has_residual(index))
            x = None if residual is None else x + residual
            total = skip if total is None else total + skip
        return x, total

    def has_residual(self, index: int) -> bool:
        """Whether the residual output of this block reaches anything."""
        return not (self.skip and index == len(self.blocks) - 1)
