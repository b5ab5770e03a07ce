"""SoundBeam: a Conv-TasNet that extracts the sound that an embedding asks for, and the encoder of enrolments.

Source: Delcroix et al., "Few-shot learning of new sound classes for target sound extraction", Interspeech 2021;
for the second reading of its adaptation, SpeakerBeam (Delcroix et al., ICASSP 2020). Spec 05, G.b.
"""

from typing import Literal

import torch
from torch import nn

from sedsep.errors import UserError
from sedsep.nnet.encoder import cosines, encoded, filterbank, framed
from sedsep.nnet.norms import LayerNorm
from sedsep.nnet.separators.conv_tasnet import ConvTasNet
from sedsep.nnet.tcn import TCN


class Extractor(ConvTasNet):
    """Mixture ``(B, T)`` and N embeddings for each ``(B, N, D)`` -> the sounds they ask for ``(B, N, T)``.

    Everything up to the end of the first repeat is the same for all embeddings and computed once per mixture.

    Args:
        adaptation: what the embedding multiplies at the end of the first repeat. "stream": the residual stream, as
            the paper's ``z * e``; D is ``bottleneck``. "outputs": the residual and the skip output of the repeat's
            last block before they are added, as SpeakerBeam does; D is ``bottleneck + skip``.
        n_filters, kernel, stride, bottleneck, hidden, skip, conv_kernel, n_blocks, n_repeats, mask, norm: see
            :class:`ConvTasNet`; the paper states neither skip nor mask.
        filters: what encoder and decoder start from. magnitudes: the bottleneck takes the absolute values of what
            the encoder gives; the masks multiply it with its signs. With "cosine", an extractor begins to learn in
            minutes; the paper has neither.

    >>> net = Extractor(bottleneck=8, hidden=8, n_filters=8, n_blocks=2)
    >>> net(torch.zeros(1, 400), torch.ones(1, 3, net.width)).shape
    torch.Size([1, 3, 400])
    """

    def __init__(
        self,
        adaptation: Literal["stream", "outputs"] = "stream",
        n_filters: int = 256,
        kernel: int = 20,
        stride: int = 10,
        bottleneck: int = 256,
        hidden: int = 512,
        skip: int = 0,
        conv_kernel: int = 3,
        n_blocks: int = 8,
        n_repeats: int = 4,
        mask: Literal["sigmoid", "relu", "linear"] = "sigmoid",
        norm: Literal["gln", "cln", "cgln"] = "gln",
        filters: Literal["xavier", "cosine"] = "xavier",
        magnitudes: bool = False,
    ):
        super().__init__(
            1, n_filters, kernel, stride, bottleneck, hidden, skip, conv_kernel, n_blocks, n_repeats, mask, norm
        )
        self.magnitudes = magnitudes
        if filters == "cosine":
            self.encoder, self.decoder = (nn.Parameter(cosines(n_filters, kernel)) for _ in range(2))
        if n_repeats < 2:
            raise UserError("extractor.n_repeats must be at least 2: the embedding acts after the first repeat")
        self.adaptation, self.first_repeat = adaptation, n_blocks
        self.width = bottleneck if adaptation == "stream" else bottleneck + skip

    def forward(self, mixture: torch.Tensor, embeddings: torch.Tensor) -> torch.Tensor:
        """``(B, T)``, ``(B, N, D)`` -> ``(B, N, T)``. Raises UserError for a mixture shorter than one frame."""
        assert embeddings.ndim == 3 and embeddings.shape[2] == self.width, embeddings.shape
        n_targets = embeddings.shape[1]
        frames = framed(mixture, self.kernel, self.stride)
        hidden = self.adapted(self.compress(frames), embeddings)  # (B N, L, n_out)
        frames, mixture = spread(frames, n_targets), spread(mixture, n_targets)
        return self.decode(hidden, frames, mixture).unflatten(0, (-1, n_targets)).squeeze(2)

    def adapted(self, x: torch.Tensor, embeddings: torch.Tensor) -> torch.Tensor:
        """The TCN with the embeddings in it: ``(B, L, bottleneck)``, ``(B, N, D)`` -> ``(B N, L, n_out)``."""
        tcn, last, n_targets = self.tcn, self.first_repeat - 1, embeddings.shape[1]
        gain = embeddings.flatten(0, 1).unsqueeze(1)  # (B, N, D) -> (B N, 1, D)
        x, total = tcn.advance(x, None, 0, last)
        residual, skip = tcn.blocks[last](x)
        if self.adaptation == "stream":
            x = spread(x + residual, n_targets) * gain
            skip = spread(skip, n_targets)
        else:
            to_residual, to_skip = gain.split([residual.shape[2], skip.shape[2]], dim=2)
            x = spread(x, n_targets) + spread(residual, n_targets) * to_residual
            skip = spread(skip, n_targets) * to_skip
        total = skip.clone() if total is None else spread(total, n_targets) + skip
        x, total = tcn.advance(x, total, last + 1, len(tcn.blocks))
        return total if tcn.skip else x


def spread(x: torch.Tensor, n: int) -> torch.Tensor:
    """``(B, ...)`` -> ``(B n, ...)``: each clip n times in a row."""
    return x.unsqueeze(1).expand(-1, n, *x.shape[1:]).flatten(0, 1)


class EnrolmentEncoder(nn.Module):
    """Enrolments of any length -> embeddings ``(B, D)``: encoder, one repeat of the TCN, mean over time.

    Args:
        width: D. The others are those of the :class:`Extractor` that the embeddings are for.
    """

    def __init__(
        self, width: int, n_filters: int, kernel: int, stride: int, bottleneck: int, hidden: int, skip: int,
        conv_kernel: int, n_blocks: int, norm: str, filters: str = "xavier",
        magnitudes: bool = False,
    ):  # fmt: skip
        super().__init__()
        self.kernel, self.stride, self.magnitudes = kernel, stride, magnitudes
        self.encoder = nn.Parameter((cosines if filters == "cosine" else filterbank)(n_filters, kernel))
        self.norm = LayerNorm(n_filters, norm)
        self.bottleneck = nn.Linear(n_filters, bottleneck)
        self.tcn = TCN(bottleneck, hidden, skip, conv_kernel, n_blocks, 1, norm)
        self.act = nn.PReLU()
        self.output = nn.Linear(self.tcn.n_out, width)

    def forward(self, enrolments: torch.Tensor, n_samples: torch.Tensor) -> torch.Tensor:
        """``(B, T)`` padded on the right, and ``(B,)`` samples of each without its padding -> ``(B, D)``.

        Enrolments of one length go through together, without the padding of longer ones: a mask over the frames
        would keep it out of the mean, but not out of the global norms and the convolutions before.
        """
        found = [None] * len(enrolments)
        for length in n_samples.unique().tolist():
            (chosen,) = torch.nonzero(n_samples == length, as_tuple=True)
            waveforms = enrolments[chosen.to(enrolments.device), : max(length, self.kernel)]
            for place, embedding in zip(chosen.tolist(), self.embed(waveforms)):
                found[place] = embedding
        return torch.stack(found)

    def embed(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Enrolments of one length ``(B, T)`` -> ``(B, D)``. The mean is taken before the last, linear, layer."""
        frames = framed(waveforms, self.kernel, self.stride)
        hidden = self.tcn(self.compress(frames))
        return self.output(self.act(hidden).mean(1))

    def compress(self, frames: torch.Tensor) -> torch.Tensor:
        """Frames ``(B, L, kernel)`` -> ``(B, L, bottleneck)``."""
        return self.bottleneck(self.norm(encoded(frames, self.encoder, self.magnitudes)))
