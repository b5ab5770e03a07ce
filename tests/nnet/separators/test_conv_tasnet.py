"""Conv-TasNet in both forms: the peer's outputs and gradients from the peer's weights, sizes, edges."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from sedsep.engine.peers.asteroid import from_asteroid
from sedsep.errors import UserError
from sedsep.nnet.separators.conv_tasnet import ConvTasNet, overlap_add

SHARED = Path(__file__).resolve().parents[3].parent / "shared"
SMALL = dict(n_sources=3, n_filters=32, bottleneck=16, hidden=24, skip=16, n_blocks=3, n_repeats=2)


@pytest.mark.parametrize("name, settings", [("jss", {}), ("small", SMALL)])
def test_outputs_are_those_of_asteroid(form, name, settings):
    path = SHARED / "golden" / f"conv_tasnet_{name}.npz"
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    golden = {key: torch.from_numpy(value) for key, value in np.load(path).items()}
    net = form(ConvTasNet(**settings))
    weights = {k.removeprefix("weight/"): v for k, v in golden.items() if k.startswith("weight/")}
    net.load_state_dict(from_asteroid(weights, net.state_dict()))
    scale = golden["output"].abs().max()

    @torch.no_grad()
    def agrees(mixture):
        torch.testing.assert_close(net(mixture) / scale, golden["output"] / scale, rtol=0, atol=1e-5)

    agrees(golden["input"])
    for wrong in (golden["input"].flip(0), golden["input"].flip(1), 1.001 * golden["input"]):
        with pytest.raises(AssertionError):
            agrees(wrong)
    last = f"tcn.blocks.{len(net.tcn.blocks) - 1}"
    for layer in (
        "encoder",
        "decoder",
        "norm.gain",
        "tcn.blocks.0.depthwise.weight",
        f"{last}.norm2.gain",
        "masks.bias",
    ):
        with torch.no_grad():
            kept = net.get_parameter(layer).clone()
            net.get_parameter(layer).mul_(1.01).add_(1e-3)
        with pytest.raises(AssertionError):
            agrees(golden["input"])
        with torch.no_grad():
            net.get_parameter(layer).copy_(kept)


def test_gradients_are_those_of_asteroid(form):
    models = pytest.importorskip("asteroid.models", reason="asteroid is not installed")
    # In float64: in float32 a PReLU's input near zero may change its sign and a gradient with it, on either side.
    net, peer = form(ConvTasNet()).double(), models.ConvTasNet(4, n_repeats=1, n_blocks=4, sample_rate=16000).double()
    net.load_state_dict(from_asteroid(peer.state_dict(), net.state_dict()))
    mixture, direction = torch.randn(2, 4000).double(), torch.randn(2, 4, 4000).double()
    (net(mixture) * direction).sum().backward()
    (peer(mixture) * direction).sum().backward()
    # The peer leaves the unused residual convolution of the last block without a gradient; here it has zeros.
    grads = {n: torch.zeros_like(p) if p.grad is None else p.grad for n, p in peer.named_parameters()}
    for name, expected in from_asteroid(grads, net.state_dict()).items():
        ours = net.get_parameter(name).grad
        assert (ours - expected).norm() <= 1e-6 * expected.norm(), name


@pytest.mark.parametrize("settings, expected", [({}, 1153161), (dict(n_sources=2, n_blocks=8, n_repeats=3), 5050545)])
def test_parameter_count(settings, expected):
    assert sum(p.numel() for p in ConvTasNet(**settings).parameters()) == expected


@pytest.mark.parametrize("n_samples", [16, 23, 24, 1000])
@pytest.mark.parametrize("kernel, stride", [(16, 8), (16, 6), (5, 5)])
def test_estimates_are_as_long_as_the_mixture(form, n_samples, kernel, stride):
    net = form(ConvTasNet(**SMALL | dict(kernel=kernel, stride=stride)))
    assert net(torch.randn(2, n_samples)).shape == (2, 3, n_samples)


def test_batch_equals_single_clips(form):
    net, mixture = form(ConvTasNet(**SMALL)), torch.randn(4, 800)
    torch.testing.assert_close(net(mixture), torch.cat([net(m[None]) for m in mixture]), rtol=1e-5, atol=1e-5)


def test_mixture_consistency_adds_up_to_the_mixture(form):
    mixture = torch.randn(2, 803)
    estimates = form(ConvTasNet(**SMALL, mixture_consistency=True))(mixture)
    torch.testing.assert_close(estimates.sum(1), mixture, rtol=0, atol=1e-5)


def test_silence_gives_silence_and_finite_gradients(form):
    net = form(ConvTasNet(**SMALL))
    estimates = net(torch.zeros(1, 400))
    estimates.square().sum().backward()
    assert not estimates.any() and all(p.grad.isfinite().all() for p in net.parameters())


def test_overlap_add_is_the_transposed_convolution():
    frames, bank = torch.randn(2, 3, 9, 5), torch.randn(5, 7)
    expected = F.conv_transpose1d(frames.flatten(0, 1).transpose(1, 2), bank.unsqueeze(1), stride=3)[:, 0]
    torch.testing.assert_close(overlap_add(frames @ bank, 3, 31).flatten(0, 1), expected, rtol=1e-5, atol=1e-5)
    assert overlap_add(frames @ bank, 3, 20).shape == (2, 3, 20)


def test_a_mixture_shorter_than_a_frame_is_an_error():
    with pytest.raises(UserError, match="shorter than the encoder"):
        ConvTasNet(**SMALL)(torch.zeros(1, 15))


@pytest.mark.parametrize("norm", ["gln", "cln", "cgln", "fgln"])
def test_every_norm_in_both_forms(form, norm):
    torch.manual_seed(0)
    plain, mixture = ConvTasNet(**SMALL, norm=norm), torch.randn(2, 803)
    net = form(ConvTasNet(**SMALL, norm=norm))
    net.load_state_dict(plain.state_dict())
    torch.testing.assert_close(net(mixture), plain(mixture), rtol=1e-4, atol=1e-5)
    net(mixture).square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())
