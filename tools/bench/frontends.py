"""Benchmarks of PCEN against the obvious loop over frames, and against librosa, in float32.

That both sides compute the same is shown in ``tests/nnet/frontends/test_pcen.py``.
"""

import librosa
import numpy as np
import torch

from sedsep.config import resolve
from sedsep.nnet.fast import accelerate
from sedsep.nnet.fast.pcen import Smooth
from sedsep.nnet.frontends.pcen import EPS, PCEN

SHAPE = 8, 626, 128  # clips, frames, bands
S = 0.015


def over_frames(x, s, backwards=False):
    """The recursion as it is written: from frame to frame, beginning with the first."""
    times = range(x.shape[1])[::-1] if backwards else range(x.shape[1])
    state, found = x[:, times[0]], []
    for t in times:
        state = (1 - s) * state + s * x[:, t]
        found.append(state)
    return torch.stack(found[::-1] if backwards else found, 1)


class Obvious(PCEN):
    """The layer as the formula has it, with that loop, forwards and backwards."""

    def normalise(self, energy):
        alpha, delta, r, weights = self.settings()
        smoothed = torch.stack([over_frames(over_frames(energy, s), s, True) for s in self.smoothing], 1)
        mean = torch.einsum("pkf,bklf->bplf", weights, smoothed)
        alpha, delta, r = (x[:, None, None] for x in (alpha, delta, r))
        return (energy.unsqueeze(1) / (EPS + mean) ** alpha + delta) ** r - delta**r


def layer(kind=PCEN, **keys):
    """A layer of 128 bands, with the same weights each time."""
    torch.manual_seed(0)
    return kind(SHAPE[2], **resolve(PCEN, keys, given=("n_bands",)))


def trained(function, *parameters):
    """A call that computes forwards and backwards, with a gradient for the input too."""
    energy = torch.rand(SHAPE, generator=torch.Generator().manual_seed(0)).requires_grad_()

    def call():
        out = function(energy)
        return torch.autograd.grad(out, (energy, *parameters), torch.ones_like(out))

    return call


def benchmarks():
    """Yield (name, ours, peer)."""
    name = f"{' x '.join(map(str, SHAPE))}"
    ours = trained(lambda x: Smooth.apply(x, (S,), "causal", "first"))
    yield f"PCEN smoother forward and backward, {name}", ours, trained(lambda x: over_frames(x, S))
    fused, obvious = accelerate(layer(n_layers=2)), layer(Obvious, n_layers=2)
    calls = [trained(one.normalise, *one.parameters()) for one in (fused, obvious)]
    yield f"PPCEN of 2 layers forward and backward, {name}", *calls
    energy = torch.rand(SHAPE)
    keys = dict(alpha=[0.98], delta=[2.0], smoothing=[0.039], direction="causal", start="one", trainable=False)
    fixed = accelerate(layer(**keys))
    peer = dict(gain=0.98, bias=2.0, power=0.5, b=0.039, eps=EPS, axis=1)
    np.testing.assert_allclose(fixed.normalise(energy)[:, 0], librosa.pcen(energy.numpy(), **peer), rtol=1e-2)
    yield f"fixed PCEN forward, {name}", lambda: fixed.normalise(energy), lambda: librosa.pcen(energy.numpy(), **peer)
