"""TDCN++: a time-dilated convolutional network that masks an STFT or learned coefficients; Google's two definitions.

Sources: Kavalerov et al., "Universal sound separation", WASPAA 2019; the FUSS baseline (Wisdom et al., ICASSP 2021)
and MixIT (Wisdom et al., NeurIPS 2020); spec 06, H.2. asteroid's definition is ``tdcn_asteroid.py``.
"""

import torch
import torch.nn.functional as F
from torch import nn

from sedsep.nnet.mixture_consistency import Consistency, MixtureConsistency
from sedsep.nnet.separators.conv_tasnet import overlap_add

NORM_EPS = 1e-3  # Keras's default, which the released code keeps


class ScalarNorm(nn.Module):
    """Normalisation of ``(B, L, D)`` with one gain and one bias for all channels.

    Args:
        over: axes that mean and variance run over: ``(1,)`` each channel over time, ``(1, 2)`` all of a clip.
    """

    def __init__(self, over: tuple):
        super().__init__()
        self.over = over
        self.gain, self.bias = nn.Parameter(torch.ones(())), nn.Parameter(torch.zeros(()))

    def forward(self, x):
        """``(B, L, D)`` -> the same shape."""
        variance, mean = torch.var_mean(x, self.over, correction=0, keepdim=True)
        return (x - mean) * (variance + NORM_EPS).rsqrt() * self.gain + self.bias


class Dense(nn.Linear):
    """A linear layer times a learned scalar."""

    def __init__(self, n_in: int, n_out: int, scale: float = 1.0, bias: bool = False):
        super().__init__(n_in, n_out, bias)
        glorot(self)
        self.scale = nn.Parameter(torch.tensor(float(scale)))

    def forward(self, x):
        """``(B, L, n_in)`` -> ``(B, L, n_out)``."""
        return self.scale * super().forward(x)


class TDCNBlock(nn.Module):
    """Dense, PReLU, norm, dilated depth-wise convolution, PReLU, norm, dense; the input is added to the output.

    Args:
        channels: of the stream. hidden: between the two dense layers. kernel: taps. dilation: frames between taps.
        scale: initial one of the second dense layer.
    """

    def __init__(self, channels: int, hidden: int, kernel: int, dilation: int, scale: float):
        super().__init__()
        self.expand = Dense(channels, hidden)
        self.act1, self.norm1 = nn.PReLU(init=0.1), ScalarNorm((1,))
        padding = dilation * (kernel - 1) // 2
        self.depthwise = nn.Conv1d(hidden, hidden, kernel, padding=padding, dilation=dilation, groups=hidden)
        bound = (6 / (kernel * (hidden + 1))) ** 0.5  # Glorot's, by the fans that Keras gives a depth-wise kernel
        nn.init.uniform_(self.depthwise.weight, -bound, bound)
        nn.init.zeros_(self.depthwise.bias)
        self.act2, self.norm2 = nn.PReLU(init=0.1), ScalarNorm((1,))
        self.project = Dense(hidden, channels, scale)

    def forward(self, x):
        """``(B, L, channels)`` -> the same shape."""
        y = self.norm1(self.act1(self.expand(x)))
        y = self.depthwise(y.transpose(1, 2)).transpose(1, 2)  # over L: (B, L, D) -> (B, D, L) -> (B, L, D)
        return x + self.project(self.norm2(self.act2(y)))


class TDCNCore(nn.Module):
    """Blocks with dilations 1, 2, 4, ..., again in each repeat: ``(B, L, n_in)`` -> ``(B, L, channels)``.

    The scale of block b, counted through all repeats, starts at ``0.9^b``.

    Args:
        n_in: channels of the input. channels, hidden, kernel: see :class:`TDCNBlock`.
        n_blocks: per repeat. n_repeats: how many times the dilations start again at 1.
        long_skips: the input of every repeat is added to that of every later one, through a dense layer.
    """

    def __init__(
        self, n_in: int, channels: int, hidden: int, kernel: int, n_blocks: int, n_repeats: int, long_skips: bool
    ):
        super().__init__()
        self.n_blocks = n_blocks
        self.first = Dense(n_in, channels, bias=True)
        self.blocks = nn.ModuleList(
            TDCNBlock(channels, hidden, kernel, 2 ** (b % n_blocks), 0.9**b) for b in range(n_blocks * n_repeats)
        )
        later = range(1, n_repeats) if long_skips else ()
        self.skips = nn.ModuleDict({f"{a}_{b}": Dense(channels, channels, bias=True) for b in later for a in range(b)})

    def forward(self, x):
        """``(B, L, n_in)`` -> ``(B, L, channels)``."""
        x, inputs = self.first(x), []
        for index, block in enumerate(self.blocks):
            repeat, place = divmod(index, self.n_blocks)
            if place == 0:
                if self.skips:
                    x = x + sum(self.skips[f"{earlier}_{repeat}"](y) for earlier, y in enumerate(inputs))
                inputs.append(x)
            x = block(x)
        return x


class MaskingTDCN(nn.Module):
    """Mixture ``(B, T)`` -> estimates ``(B, N, T)``: sigmoid masks on the coefficients that ``encode`` gives.

    Args:
        n_bins: coefficients of a frame. core: ``(B, L, n_bins)`` -> ``(B, L, channels)``. channels: of its output.
    """

    def __init__(self, n_sources: int, n_bins: int, core: nn.Module, channels: int, mixture_consistency: Consistency):
        super().__init__()
        self.n_sources, self.n_bins = n_sources, n_bins
        self.core = core
        self.masks = glorot(nn.Linear(channels, n_sources * n_bins, bias=False))
        self.consistency = MixtureConsistency(n_sources, channels, mixture_consistency)

    def forward(self, mixture: torch.Tensor) -> torch.Tensor:
        """``(B, T)`` -> ``(B, N, T)``."""
        assert mixture.ndim == 2, mixture.shape
        latent = self.encode(mixture)  # (B, L, n_bins)
        hidden = self.core(self.features(latent))
        masks = torch.sigmoid(self.masks(hidden)).unflatten(2, (self.n_sources, self.n_bins))  # (B, L, N, n_bins)
        frames = self.decode(masks * latent.unsqueeze(2)).transpose(1, 2)  # (B, N, L, kernel)
        estimates = overlap_add(frames, self.stride, self.stride * (frames.shape[2] - 1) + frames.shape[3])
        return self.consistency(estimates[..., : mixture.shape[1]], mixture, hidden)


class FussTDCN(MaskingTDCN):
    """TDCN++ of the FUSS and DESED baselines of DCASE 2020: masks on an STFT, long skips between the repeats.

    Args:
        n_sources: N. window, hop: of the STFT, in samples; its FFT is the next power of two.
        bottleneck, hidden, conv_kernel, n_blocks, n_repeats, long_skips: of the core.
        mixture_consistency: see ``MixtureConsistency``.

    >>> FussTDCN(n_blocks=2, n_repeats=2)(torch.zeros(1, 8001)).shape
    torch.Size([1, 4, 8001])
    """

    def __init__(
        self,
        n_sources: int = 4,
        window: int = 512,
        hop: int = 128,
        bottleneck: int = 256,
        hidden: int = 512,
        conv_kernel: int = 3,
        n_blocks: int = 8,
        n_repeats: int = 4,
        long_skips: bool = True,
        mixture_consistency: Consistency = "predicted",
    ):
        n_fft = 1 << (window - 1).bit_length()
        n_bins = n_fft // 2 + 1
        core = TDCNCore(n_bins, bottleneck, hidden, conv_kernel, n_blocks, n_repeats, long_skips)
        super().__init__(n_sources, n_bins, core, bottleneck, mixture_consistency)
        self.kernel, self.stride, self.n_fft = window, hop, n_fft
        self.norm = ScalarNorm((1, 2))
        analysis = torch.hann_window(window, periodic=True).sqrt()
        # What all windows that overlap at a sample add up to, away from the ends, where the clip fades in and out.
        padded = F.pad(analysis.square(), (0, -window % hop)).view(-1, hop)
        synthesis = analysis / padded.sum(0).repeat(len(padded))[:window]
        self.register_buffer("analysis", analysis, persistent=False)
        self.register_buffer("synthesis", synthesis, persistent=False)

    def encode(self, mixture):
        """``(B, T)`` -> complex STFT ``(B, L, bins)``, one frame per hop, the last ones padded with zeros."""
        n_frames = -(-mixture.shape[1] // self.stride)
        missing = (n_frames - 1) * self.stride + self.kernel - mixture.shape[1]
        frames = F.pad(mixture, (0, missing)).unfold(1, self.kernel, self.stride)
        return torch.fft.rfft(frames * self.analysis, self.n_fft)

    def features(self, latent):
        """Magnitudes, normalised over the clip."""
        return self.norm(latent.abs())

    def decode(self, coefficients):
        """``(B, L, N, bins)`` -> frames ``(B, L, N, window)``."""
        return torch.fft.irfft(coefficients, self.n_fft)[..., : self.kernel] * self.synthesis


class MixitTDCN(MaskingTDCN):
    """TDCN++ of MixIT and of the DCASE 2021 SSep+SED baseline: masks on learned, rectified coefficients.

    Args:
        n_sources: N. n_filters, kernel, stride: of encoder and decoder (coefficients, samples, samples).
        bottleneck, hidden, conv_kernel, n_blocks, n_repeats, long_skips: of the core.
        mixture_consistency: see ``MixtureConsistency``.

    >>> MixitTDCN(n_blocks=2, n_repeats=2)(torch.zeros(1, 8001)).shape
    torch.Size([1, 8, 8001])
    """

    def __init__(
        self,
        n_sources: int = 8,
        n_filters: int = 256,
        kernel: int = 40,
        stride: int = 20,
        bottleneck: int = 256,
        hidden: int = 512,
        conv_kernel: int = 3,
        n_blocks: int = 8,
        n_repeats: int = 4,
        long_skips: bool = False,
        mixture_consistency: Consistency = "predicted",
    ):
        core = TDCNCore(n_filters, bottleneck, hidden, conv_kernel, n_blocks, n_repeats, long_skips)
        super().__init__(n_sources, n_filters, core, bottleneck, mixture_consistency)
        self.kernel, self.stride = kernel, stride
        self.encoder = glorot(nn.Linear(kernel, n_filters, bias=False))
        self.decoder = glorot(nn.Linear(n_filters, kernel, bias=False))

    def encode(self, mixture):
        """``(B, T)`` -> coefficients ``(B, L, n_filters)``, none below zero."""
        n_frames = 1 + max(0, -(-(mixture.shape[1] - self.kernel) // self.stride))
        missing = (n_frames - 1) * self.stride + self.kernel - mixture.shape[1]
        return F.relu(self.encoder(F.pad(mixture, (0, missing)).unfold(1, self.kernel, self.stride)))

    def features(self, latent):
        """The coefficients themselves."""
        return latent

    def decode(self, coefficients):
        """``(B, L, N, n_filters)`` -> frames ``(B, L, N, kernel)``."""
        return self.decoder(coefficients)


def glorot(layer: nn.Linear) -> nn.Linear:
    """The layer with Keras's initial values: Glorot-uniform weights, biases of zero."""
    nn.init.xavier_uniform_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
