"""Benchmarks of separation against asteroid, in float32: MixIT loss, Conv-TasNet forward and training step.

That both sides compute the same is shown in ``tests/losses/test_mixit.py`` and
``tests/nnet/separators/test_conv_tasnet.py``. Both networks begin with the same weights, and their loss and its
gradients are compared before they are timed: that shows that the products of matrices are right on this processor.
"""

import torch
from asteroid.losses import MixITLossWrapper, multisrc_neg_snr
from asteroid.models import ConvTasNet as PeerConvTasNet

from sedsep.engine.peers.asteroid import from_asteroid
from sedsep.losses.mixit import mixit
from sedsep.nnet.fast import accelerate
from sedsep.nnet.separators.conv_tasnet import ConvTasNet

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
    mixtures = noise()
    optimiser = torch.optim.Adam(network.parameters())

    def call():
        optimiser.zero_grad()
        loss_of(network, mixtures).backward()
        optimiser.step()

    return call


def noise():
    """Two mixtures of a clip ``(B, 2, T)``."""
    return 0.1 * torch.randn(N_CLIPS, 2, N_SAMPLES, generator=torch.Generator().manual_seed(0))


def loss_of(network, mixtures):
    """MixIT of the network's estimates from the mixture of mixtures."""
    return our_mixit(network(mixtures.sum(1)), mixtures)


def same_networks() -> tuple:
    """Ours and the peer with the same weights. Raises AssertionError where loss or gradients differ."""
    ours, peer = accelerate(ConvTasNet()), PeerConvTasNet(4, n_repeats=1, n_blocks=4, sample_rate=16000)
    ours.load_state_dict(from_asteroid(peer.state_dict(), ours.state_dict()))
    losses = [loss_of(network, noise()) for network in (ours, peer)]
    torch.testing.assert_close(*losses, rtol=1e-5, atol=1e-5)
    for network, loss in zip((ours, peer), losses):
        network.zero_grad()
        loss.backward()
    # The peer leaves the unused residual convolution of the last block without a gradient; here it has zeros.
    grads = {n: torch.zeros_like(p) if p.grad is None else p.grad for n, p in peer.named_parameters()}
    expected = from_asteroid(grads, ours.state_dict())
    error = sum((ours.get_parameter(name).grad - grad).square().sum() for name, grad in expected.items()).sqrt()
    norm = sum(grad.square().sum() for grad in expected.values()).sqrt()
    assert error < 1e-3 * norm, f"gradients differ by {error / norm:.1e} of their norm"
    return ours, peer


def benchmarks():
    """Yield (name, ours, peer) and the work."""
    for n_sources in (4, 8):
        calls = [loss_and_backward(loss, n_sources) for loss in (our_mixit, PEER_MIXIT)]
        yield f"MixIT loss and backward, M={n_sources}, 2 clips x 4 s", *calls
    for name, call in (("forward", forward), ("training step", training_step)):
        ours, peer = same_networks()
        work = {"flops": (3 if call is training_step else 1, forward(peer))}
        yield f"Conv-TasNet JSS {name}, 2 clips x 4 s", call(ours), call(peer), work
