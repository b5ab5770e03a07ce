"""TDCN++, Google's two definitions: sizes, front-ends against brute force, the core against its plain formula."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from sedsep.nnet.separators.tdcn import FussTDCN, MixitTDCN, TDCNBlock, TDCNCore

SMALL = dict(bottleneck=6, hidden=8, n_blocks=3, n_repeats=3)


def count(net):
    return sum(p.numel() for p in net.parameters())


@pytest.mark.parametrize(
    "net, n_sources, expected",
    [(FussTDCN, 4, 9179401), (FussTDCN, 3, 9113353), (MixitTDCN, 8, 9067009), (MixitTDCN, 4, 8803841)],
)
def test_parameter_counts(net, n_sources, expected):
    assert count(net(n_sources)) == expected


def test_published_defaults():
    assert FussTDCN().n_sources == 4 and MixitTDCN().n_sources == 8
    assert (FussTDCN().n_bins, FussTDCN().kernel, FussTDCN().stride) == (257, 512, 128)
    blocks = FussTDCN().core.blocks
    assert [block.depthwise.dilation[0] for block in blocks] == [2**i for i in range(8)] * 4
    np.testing.assert_allclose([block.project.scale.item() for block in blocks], 0.9 ** np.arange(32), rtol=1e-6)
    assert all(block.act1.weight.item() == pytest.approx(0.1) for block in blocks)
    assert sorted(FussTDCN().core.skips) == ["0_1", "0_2", "0_3", "1_2", "1_3", "2_3"]
    assert not MixitTDCN().core.skips


@pytest.mark.parametrize("net", [FussTDCN, MixitTDCN])
@pytest.mark.parametrize("n_samples", [30, 512, 1000, 4001])
def test_estimates_add_up_to_mixtures_of_any_length(net, n_samples):
    mixture = torch.randn(2, n_samples)
    estimates = net(3, **SMALL)(mixture)
    assert estimates.shape == (2, 3, n_samples)
    torch.testing.assert_close(estimates.sum(1), mixture, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("net", [FussTDCN, MixitTDCN])
def test_a_batch_is_its_clips(net):
    net, mixture = net(2, **SMALL).eval(), torch.randn(3, 900)
    torch.testing.assert_close(net(mixture), torch.cat([net(clip[None]) for clip in mixture]), rtol=1e-4, atol=1e-5)


def test_the_stft_is_the_plain_one():
    net, mixture = FussTDCN(**SMALL), torch.randn(1, 1000)
    spectrum = net.encode(mixture)[0]
    window = np.sqrt(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(512) / 512))
    padded = np.pad(mixture[0].numpy(), (0, 512))
    assert spectrum.shape == (8, 257), "one frame for every hop that begins inside the clip"
    for frame in (0, 5, 7):
        expected = np.fft.rfft(padded[128 * frame : 128 * frame + 512] * window)
        np.testing.assert_allclose(spectrum[frame].numpy(), expected, atol=1e-4)


def test_masks_of_one_give_the_mixture_back_where_all_windows_overlap():
    net, mixture = FussTDCN(1, mixture_consistency="none", **SMALL), torch.randn(1, 2000)
    with torch.no_grad():
        net.masks.weight.zero_()  # masks of one half
        estimate = 2 * net(mixture)[0, 0]
    torch.testing.assert_close(estimate[384:], mixture[0, 384:], rtol=1e-4, atol=1e-5)


def test_learned_coefficients_are_those_of_plain_frames():
    net, mixture = MixitTDCN(**SMALL), torch.randn(1, 105)
    latent = net.encode(mixture)[0]
    assert len(latent) == 5 and latent.min() >= 0  # 1 + ceil((105 - 40) / 20)
    padded = F.pad(mixture, (0, 15))[0]
    for frame in range(5):
        expected = F.relu(net.encoder.weight @ padded[20 * frame : 20 * frame + 40])
        torch.testing.assert_close(latent[frame], expected)


def plain_block(block: TDCNBlock, x):
    """The block by the words of its definition, channels first, with biased variances."""

    def norm(y, layer):
        y = (y - y.mean(2, keepdim=True)) / (y.var(2, keepdim=True, unbiased=False) + 1e-3).sqrt()
        return y * layer.gain + layer.bias

    y = block.expand.scale * torch.einsum("hc,bcl->bhl", block.expand.weight, x)
    y = norm(torch.where(y > 0, y, block.act1.weight * y), block.norm1)
    d, taps = block.depthwise.dilation[0], block.depthwise.weight
    y = F.pad(y, (d, d))
    length = x.shape[2]
    y = sum(taps[:, 0, k].view(1, -1, 1) * y[..., k * d : k * d + length] for k in range(3))
    y = y + block.depthwise.bias.view(1, -1, 1)
    y = norm(torch.where(y > 0, y, block.act2.weight * y), block.norm2)
    return x + block.project.scale * torch.einsum("ch,bhl->bcl", block.project.weight, y)


@pytest.mark.parametrize("long_skips", [True, False])
def test_the_core_is_its_plain_formula(long_skips):
    core, x = TDCNCore(5, 6, 8, 3, 2, 3, long_skips).double(), torch.randn(2, 20, 5).double()
    with torch.no_grad():
        for parameter in core.parameters():
            if parameter.ndim <= 1:
                parameter.normal_(0, 0.3)
    y = (core.first.scale * (x @ core.first.weight.t() + core.first.bias)).transpose(1, 2)
    inputs = []
    for repeat in range(3):
        for earlier in range(repeat if long_skips else 0):
            dense = core.skips[f"{earlier}_{repeat}"]
            skipped = inputs[earlier].transpose(1, 2) @ dense.weight.t() + dense.bias
            y = y + dense.scale * skipped.transpose(1, 2)
        inputs.append(y)
        for block in core.blocks[2 * repeat : 2 * repeat + 2]:
            y = plain_block(block, y)
    torch.testing.assert_close(core(x), y.transpose(1, 2))


@pytest.mark.parametrize("net", [FussTDCN, MixitTDCN])
def test_silence_stays_silent_and_trains(net):
    net = net(2, **SMALL)
    estimates = net(torch.zeros(1, 1000))
    assert torch.isfinite(estimates).all() and estimates.abs().max() < 1e-6
    estimates.square().sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in net.parameters() if p.grad is not None)
