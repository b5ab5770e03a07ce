"""Long recordings: an extractor layer by layer over a recording whose activations are on disk, in constant memory.

A global norm takes mean and variance over a whole clip, so that pieces of a recording which run through the
network on their own do not add up to the recording's extraction: each has its own idea of loud and soft, and seams
show. Here every layer runs over all pieces before the next one begins; the norms' statistics are those of the whole
recording, and the result is that of the network on all of it at once. Or, with a window, the statistics at each
moment are those of its surroundings: a network that was trained on short clips hears a rare sound in a long
recording as it heard sounds in training. A cumulative norm knows, of either, what has been.
"""

import os
import tempfile

import numpy as np
import torch
import torch.nn.functional as F

from sedsep.nnet.encoder import encoded
from sedsep.nnet.norms import EPS, Moments
from sedsep.nnet.soundbeam import Extractor


class Frames:
    """Activations ``(L, D)`` of a recording in an unnamed file in ``directory``, which vanishes with the object.

    What is read is on ``device``; what is written may be on any.
    """

    def __init__(self, directory, n_frames: int, width: int, device: str = "cpu"):
        self.n_frames, self.width, self.device = n_frames, width, device
        self.file = tempfile.TemporaryFile(dir=directory)

    def read(self, first: int, last: int) -> torch.Tensor:
        """The frames ``first`` to ``last - 1``."""
        content = os.pread(self.file.fileno(), 4 * self.width * (last - first), 4 * self.width * first)
        values = torch.from_numpy(np.frombuffer(bytearray(content), np.float32))
        return values.view(last - first, self.width).to(self.device)

    def write(self, first: int, frames: torch.Tensor) -> None:
        """Put ``frames (l, D)`` at ``first``. Raises OSError on a full disk."""
        content, done = frames.cpu().numpy().tobytes(), 0
        while done < len(content):
            done += os.pwrite(self.file.fileno(), content[done:], 4 * self.width * first + done)


class LongExtraction:
    """Extraction of one sound from one long recording.

    Args:
        net: the extractor, on ``device``. read: ``read(first, last)`` -> these samples ``(T',)`` at the net's rate.
        n_samples: of the recording. embedding: ``(D,)``. directory: where the activations may take place,
            ``8 (bottleneck + skip)`` bytes per frame. piece: frames in memory at a time.
        window: frames around each moment that its norms' statistics are of; None takes the whole recording.
        advanced: called as the work goes on, each time with the part of all of it that was done since; in all 1.
    """

    def __init__(
        self, net: Extractor, read, n_samples: int, embedding: torch.Tensor, directory, piece: int = 4096,
        window: int | None = None, device: str = "cpu", advanced=lambda part: None,
    ):  # fmt: skip
        self.net, self.samples, self.n_samples, self.embedding = net, read, n_samples, embedding.to(device)
        self.device = device
        self.directory, self.window, self.advanced = directory, window, advanced
        self.n_frames = (n_samples - net.kernel) // net.stride + 1
        self.starts, blocks = range(0, self.n_frames, piece), len(net.tcn.blocks)
        # One for each norm that looks at the whole, one for what each block writes, and the first and the last.
        self.passes = (0 if net.norm.kind == "cln" else 1 + 2 * blocks) + blocks + 2
        widths = (*2 * [net.bottleneck.out_features], net.tcn.skip)
        self.stream, self.next, self.skips = (Frames(directory, self.n_frames, width, device) for width in widths)

    def _pieces(self):
        """First and last frame of each piece, for one pass over the recording."""
        for first in self.starts:
            last = min(first + self.starts.step, self.n_frames)
            yield first, last
            self.advanced((last - first) / self.n_frames / self.passes)

    @torch.no_grad()
    def run(self):
        """Yield the extracted sound from its beginning to its end in pieces ``(T',)``, n_samples in all."""
        self._compress()
        last_of_repeat = self.net.first_repeat - 1
        for index, block in enumerate(self.net.tcn.blocks):
            self._block(block, self.embedding if index == last_of_repeat else None, index == 0)
        yield from self._decode()

    def _compress(self):
        net = self.net

        def latent(first, last):
            return encoded(self._frames(first, last), net.encoder, net.magnitudes)

        normalise = self._norm(net.norm, latent)
        for first, last in self._pieces():
            self.stream.write(first, net.bottleneck(normalise(latent(first, last), first)))

    def _block(self, block, embedding, is_first):
        """One block: a pass for each of its norms, and one that writes the stream and the sum of the skips."""
        margin = block.dilation * (block.depthwise.kernel_size[0] // 2)

        def expanded(first, last):
            return block.act1(block.expand(self.stream.read(first, last)))

        def convolved(first, last):
            low, high = max(0, first - margin), min(self.n_frames, last + margin)
            outside = (margin - (first - low), margin - (high - last))
            inside = F.pad(norm1(expanded(low, high), low).t().unsqueeze(0), outside)  # (1, D, l + 2 margin)
            weight, bias = block.depthwise.weight, block.depthwise.bias
            z = F.conv1d(inside, weight, bias, dilation=block.dilation, groups=len(weight))
            return block.act2(z[0].t())

        norm1 = self._norm(block.norm1, expanded)
        norm2 = self._norm(block.norm2, convolved)
        for first, last in self._pieces():
            out = block.project(norm2(convolved(first, last), first))
            residual, skip = out.split([self.stream.width, self.skips.width], dim=1)
            stream = self.stream.read(first, last)
            total = torch.zeros_like(skip) if is_first else self.skips.read(first, last)
            if embedding is None:
                stream = stream + residual
            elif self.net.adaptation == "stream":
                stream = (stream + residual) * embedding
            else:
                to_residual, to_skip = embedding.split([self.stream.width, self.skips.width])
                stream, skip = stream + residual * to_residual, skip * to_skip
            self.next.write(first, stream)  # the next piece needs the old stream's frames before it
            self.skips.write(first, total + skip)
        self.stream, self.next = self.next, self.stream

    def _decode(self):
        net, overlap = self.net, self.net.kernel - self.net.stride
        tail, done = torch.zeros(max(overlap, 0), device=self.device), 0
        for first, last in self._pieces():
            hidden = (self.skips if net.tcn.skip else self.stream).read(first, last)
            frames = self._frames(first, last)
            silence = torch.zeros(1, (last - first) * net.stride + max(overlap, 0), device=self.device)
            sound = net.decode(hidden.unsqueeze(0), frames.unsqueeze(0), silence)[0, 0]
            sound[: len(tail)] += tail
            kept = (last - first) * net.stride
            tail = sound[kept:]
            yield sound[:kept]
            done += kept
        rest = self.n_samples - done
        yield F.pad(tail, (0, max(0, rest - len(tail))))[:rest]

    def _frames(self, first, last):
        """Frames of the waveform ``(l, kernel)``."""
        waveform = self.samples(first * self.net.stride, (last - 1) * self.net.stride + self.net.kernel)
        return waveform.to(self.device).unfold(0, self.net.kernel, self.net.stride)

    def _norm(self, norm, values):
        """How to normalise ``(x, first)``, frames ``(l, D)`` from ``first`` on, once all ``values`` were seen."""
        if norm.kind == "cln":
            return lambda x, first: norm(x.unsqueeze(0))[0]
        if self.window is not None:
            return self._local_norm(norm, values)
        if norm.kind == "cgln":
            return self._past_norm(norm, values)
        seen = Moments()
        for first, last in self._pieces():
            seen.add(values(first, last).contiguous())
        found = seen.norm(norm.gain, norm.bias)
        return lambda x, first: torch.addcmul(found.shift, x, found.scale)

    def _local_norm(self, norm, values):
        """The same with the moments of the window around each frame, from the means of frames and their squares."""
        means, half = Frames(self.directory, self.n_frames, 2, self.device), self.window // 2
        before, after = (self.window, 0) if norm.kind == "cgln" else (half, half)
        for first, last in self._pieces():
            seen = values(first, last).double()
            means.write(first, torch.stack([seen.mean(1), seen.square().mean(1)], 1).float())

        def normalise(x, first):
            low, high = max(0, first - before), min(self.n_frames, first + len(x) + after)
            sums = F.pad(means.read(low, high).double().cumsum(0), (0, 0, 1, 0))  # (l + window + 1, 2)
            frames = torch.arange(first, first + len(x), device=self.device)
            begin, end = (frames - before).clamp(min=0) - low, (frames + after + 1).clamp(max=high) - low
            mean, square = ((sums[end] - sums[begin]) / (end - begin).unsqueeze(1)).split(1, dim=1)  # (l, 1)
            rate = (square - mean.square()).clamp(min=0).add(EPS).rsqrt()
            return torch.addcmul(norm.bias, ((x - mean) * rate).to(x.dtype), norm.gain)

        return normalise

    def _past_norm(self, norm, values):
        """The same with the moments of each frame and all before it."""
        found, sums, count = Frames(self.directory, self.n_frames, 2, self.device), 0, 0
        for first, last in self._pieces():
            seen = values(first, last).double()
            sums = sums + torch.stack([seen.sum(1), seen.square().sum(1)], 1).cumsum(0)  # (l, 2)
            numbers = count + torch.arange(1, len(seen) + 1, device=seen.device) * seen.shape[1]
            mean, square = (sums / numbers.unsqueeze(1)).unbind(1)
            rate = (square - mean.square()).clamp(min=0).add(EPS).rsqrt()
            found.write(first, torch.stack([mean, rate], 1).float())
            sums, count = sums[-1], count + seen.numel()

        def normalise(x, first):
            mean, rate = found.read(first, first + len(x)).split(1, dim=1)
            return torch.addcmul(norm.bias, (x - mean) * rate, norm.gain)

        return normalise
