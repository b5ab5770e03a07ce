"""VGG-like convolutions over time and frequency that keep both axes: encoders of class maps, and their decoder.

Sources: Kong et al., "Sound event detection and time-frequency segmentation from weakly labelled data", TASLP 2019
(blocks of two convolutions); Deshmukh et al., Interspeech 2021 (a smoothing after each block; the decoder is the same
network backwards); Ren et al., ICASSP 2019 (dilated convolutions).
"""

import torch
from torch import nn

from sedsep.config import Count
from sedsep.errors import UserError
from sedsep.nnet.batch_norm import BatchNorm2d


def initialised(convolution: nn.Conv2d) -> nn.Conv2d:
    """The same with weights uniform up to ``sqrt(3) sqrt(2 / fan_in)``, and no bias."""
    nn.init.kaiming_uniform_(convolution.weight, nonlinearity="relu")
    if convolution.bias is not None:
        nn.init.zeros_(convolution.bias)
    return convolution


class Block(nn.Module):
    """Twice a convolution 3 x 3, batch norm and ReLU; then, where it is to smooth, the mean of 3 x 3 neighbours.

    The mean counts the padding as zeros, so that the edges come out weaker: as released.
    """

    def __init__(self, n_in: int, n_out: int, smooth: bool):
        super().__init__()
        self.conv1 = initialised(nn.Conv2d(n_in, n_out, 3, padding=1, bias=False))
        self.norm1 = BatchNorm2d(n_out)
        self.conv2 = initialised(nn.Conv2d(n_out, n_out, 3, padding=1, bias=False))
        self.norm2 = BatchNorm2d(n_out)
        self.smooth = nn.AvgPool2d(3, stride=1, padding=1) if smooth else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(B, n_in, L, F)`` -> ``(B, n_out, L, F)``."""
        x = torch.relu(self.norm1(self.conv1(x)))
        return self.smooth(torch.relu(self.norm2(self.conv2(x))))


class VGG(nn.Sequential):
    """``(B, P, L, F)`` -> ``(B, channels[-1], L, F)``: blocks in a row.

    Args:
        n_maps: P. channels: of each block. smooth: whether each ends with the mean of neighbours.

    >>> VGG(1, [2, 4])(torch.zeros(1, 1, 5, 6)).shape
    torch.Size([1, 4, 5, 6])
    """

    def __init__(self, n_maps: int, channels: list[int] = (32, 64, 128, 256), smooth: bool = True):
        check_channels(channels)
        widths = [n_maps, *channels]
        super().__init__(*(Block(a, b, smooth) for a, b in zip(widths, channels)))
        self.width = channels[-1]


class Dilated(nn.Sequential):
    """``(B, P, L, F)`` -> ``(B, channels[-1], L, F)``: convolutions further and further apart, batch norm and ReLU.

    Args:
        n_maps: P. channels, dilations: of each convolution. kernel: its size, odd.
    """

    def __init__(
        self, n_maps: int, channels: list[int] = (64, 128, 256), dilations: list[int] = (1, 2, 4), kernel: Count = 5
    ):
        check_channels(channels)
        if len(channels) != len(dilations) or min(dilations) < 1 or kernel % 2 == 0:
            raise UserError("detector.encoder: dilations must be as many as channels, from 1 on, and kernel odd; not "
                            f"{list(dilations)} for {list(channels)} with kernel {kernel}")  # fmt: skip
        layers = []
        for n_in, n_out, dilation in zip([n_maps, *channels], channels, dilations):
            convolution = nn.Conv2d(n_in, n_out, kernel, dilation=dilation, padding=kernel // 2 * dilation, bias=False)
            layers += [initialised(convolution), BatchNorm2d(n_out), nn.ReLU()]
        super().__init__(*layers)
        self.width = channels[-1]


def check_channels(channels) -> None:
    """Raise UserError unless every layer has a channel."""
    if not channels or min(channels) < 1:
        raise UserError(f"channels must be one number from 1 on for each layer, not {list(channels)}")


MAP_ENCODERS = {"vgg": VGG, "dilated": Dilated}
