"""Benchmarks of separation against asteroid, in float32: MixIT loss, Conv-TasNet forward and training step.

That both sides compute the same is shown in ``tests/losses/test_mixit.py`` and ``tests/nnet/test_conv_tasnet.py``.
"""

import torch
from asteroid.losses import MixITLossWrapper, multisrc_neg_snr
from asteroid.models import ConvTasNet as PeerConvTasNet

from sedsep.losses.mixit import mixit
from sedsep.nnet.conv_tasnet import ConvTasNet

N_CLIPS, N_SAMPLES = 2, 64000  # 4 s at 16 kHz
PEER_MIXIT = MixITLossWrapper(multisrc_neg_snr, generalized=True)


def our_mixit(estimates, mixtures):
    """The peer removes means, so ours does."""
    return mixit(estimates, mixtures, zero_mean=True)[0].mean()


def loss_and_backward(loss, n_sources: int):
    """A call that computes the loss of random estimates and its gradient."""
    generator = torch.Generator().manual_seed(n_sources)
    estimates = torch.randn(N_CLIPS, n_sources, N_SAMPLES, generator=generator).requires_grad_()
    mixtures = torch.randn(N_CLIPS, 2, N_SAMPLES, generator=generator)
    return lambda: torch.autograd.grad(loss(estimates, mixtures), estimates)


def forward(network):
    """A call that separates, without gradients."""
    mixture = torch.randn(N_CLIPS, N_SAMPLES, generator=torch.Generator().manual_seed(0))

    def call():
        with torch.no_grad():
            network(mixture)

    return call


def training_step(network):
    """A call that does one step of MixIT with Adam; the loss is ours on both sides."""
    mixtures = 0.1 * torch.randn(N_CLIPS, 2, N_SAMPLES, generator=torch.Generator().manual_seed(0))
    optimiser = torch.optim.Adam(network.parameters())

    def call():
        optimiser.zero_grad()
        our_mixit(network(mixtures.sum(1)), mixtures).backward()
        optimiser.step()

    return call


def benchmarks():
    """Yield (name, ours, peer)."""
    for n_sources in (4, 8):
        calls = [loss_and_backward(loss, n_sources) for loss in (our_mixit, PEER_MIXIT)]
        yield f"MixIT loss and backward, M={n_sources}, 2 clips x 4 s", *calls
    for name, call in (("forward", forward), ("training step", training_step)):
        networks = ConvTasNet(), PeerConvTasNet(4, n_repeats=1, n_blocks=4, sample_rate=16000)
        yield f"Conv-TasNet JSS {name}, 2 clips x 4 s", *(call(network) for network in networks)
