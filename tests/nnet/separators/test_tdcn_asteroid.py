"""TDCN++ as asteroid defines it, against asteroid where it is installed, and against its published size."""

import pytest
import torch

from sedsep.errors import UserError
from sedsep.nnet.separators.tdcn_asteroid import AsteroidTDCN

SMALL = dict(n_sources=3, n_filters=12, bottleneck=6, hidden=8, skip=5, n_blocks=3, n_repeats=3)
BLOCK = {
    "expand": "shared_block.0", "act1": "shared_block.1", "norm1": "shared_block.2",
    "depthwise": "shared_block.3", "act2": "shared_block.4", "norm2": "shared_block.5",
}  # fmt: skip
AROUND = {
    "norm": "bottleneck.0", "bottleneck": "bottleneck.1", "act": "mask_net.0", "masks": "mask_net.1",
    "consistency.weights": "consistency",
}  # fmt: skip


def from_peer(peer: dict, own: dict) -> dict:
    """The peer's masker under our names, in our shapes; the filterbank stays ours."""
    renamed = {}
    for name in own:
        head, _, last = name.rpartition(".")
        if name in ("encoder", "decoder"):
            renamed[name] = own[name]
        elif name == "scales":
            renamed[name] = peer["scaling_param"]
        elif name.startswith("blocks."):
            index, part = head.split(".")[1:3]
            if part == "project":
                outputs = [peer[f"TCN.{index}.{kind}_conv.{last}"] for kind in ("res", "skip")]
                renamed[name] = torch.cat(outputs)
            else:
                last = {"gain": "gamma", "bias": "beta"}[last] if part.startswith("norm") else last
                renamed[name] = peer[f"TCN.{index}.{BLOCK[part]}.{last}"]
        elif name.startswith("long_skips."):
            renamed[name] = peer[name.replace("long_skips", "dense_skip")]
        else:
            last = {"gain": "gamma", "bias": "beta"}[last] if head == "norm" else last
            renamed[name] = peer[f"{AROUND[head]}.{last}"]
    return {name: value.reshape(own[name].shape) for name, value in renamed.items()}


def test_parameter_count():
    """Spec 06, H.2: 694 965 for 128 channels and 10 sources, 3 repeats of 5 blocks, 64 / 128."""
    net = AsteroidTDCN(10, 128, bottleneck=64, hidden=128, n_blocks=5)
    outside = net.encoder.numel() + net.decoder.numel()
    assert sum(p.numel() for p in net.parameters()) - outside == 694965


@pytest.mark.parametrize("mask", ["relu", "softmax"])
def test_masks_and_weights_are_those_of_asteroid(mask):
    convolutional = pytest.importorskip("asteroid.masknn.convolutional", reason="asteroid is not installed")
    net = AsteroidTDCN(**SMALL, mask=mask).double()
    peer = convolutional.TDConvNetpp(12, 3, n_blocks=3, n_repeats=3, bn_chan=6, hid_chan=8, skip_chan=5,
                                     mask_act=mask).double()  # fmt: skip
    with torch.no_grad():
        for parameter in peer.parameters():
            parameter.normal_(0, 0.5)
        net.load_state_dict(from_peer(peer.state_dict(), net.state_dict()))
        latent = torch.randn(2, 30, 12).double()
        expected, weights = peer(latent.transpose(1, 2))
        hidden = net.hidden(latent)
        masks = net.estimate_masks(hidden).permute(0, 2, 3, 1)  # (B, L, N, F) -> (B, N, F, L)
        torch.testing.assert_close(masks, expected)
        torch.testing.assert_close(torch.softmax(net.consistency.weights(hidden.mean(1)), 1), weights)


def test_residuals_start_with_scales_that_decay_in_each_repeat():
    net = AsteroidTDCN(**SMALL)
    torch.testing.assert_close(net.scales.detach(), torch.tensor([[0.9, 0.81]]).repeat(3, 1))


@pytest.mark.parametrize("skip", [5, 0])
def test_estimates_add_up_to_the_mixture(skip):
    mixture = torch.randn(2, 1001)
    estimates = AsteroidTDCN(**SMALL | {"skip": skip})(mixture)
    assert estimates.shape == (2, 3, 1001)
    torch.testing.assert_close(estimates.sum(1), mixture, rtol=1e-4, atol=1e-4)


def test_a_mixture_shorter_than_a_frame_is_refused():
    with pytest.raises(UserError, match="15 samples"):
        AsteroidTDCN(**SMALL)(torch.zeros(1, 15))
