"""CRNN: the peer's outputs from the peer's weights, sizes, and the order of layers."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from sedsep.config import resolve
from sedsep.engine.peers.desed_task import from_baseline
from sedsep.errors import UserError
from sedsep.nnet.detectors.crnn import CRNN
from sedsep.nnet.frontends.frontend import Frontend

SHARED = Path(__file__).resolve().parents[3].parent / "shared"
ATTENTION = {"kind": "attention"}
SMALL = dict(n_bands=8, channels=[4, 6, 8], pools=[[2, 2], [1, 2], [1, 2]], hidden=5, pooling=ATTENTION)


def test_outputs_are_those_of_the_2021_baseline():
    path = SHARED / "golden" / "crnn_2021_release.npz"
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    golden = {name: torch.from_numpy(value) for name, value in np.load(path).items()}
    crnn = CRNN(n_classes=10, pooling=ATTENTION).eval()
    weights = {k.removeprefix("weight/"): v for k, v in golden.items() if k.startswith("weight/")}
    crnn.load_state_dict(from_baseline(weights, crnn.state_dict()))

    @torch.no_grad()
    def agrees(features):
        detection = crnn(features)
        torch.testing.assert_close(detection.strong.transpose(1, 2), golden["strong"], rtol=1e-5, atol=2e-6)
        torch.testing.assert_close(detection.weak, golden["weak"], rtol=1e-5, atol=2e-6)

    features = Frontend(**resolve(Frontend, {}))(golden["waveform"])
    agrees(features)
    for wrong in (features.flip(0), features.flip(1), features.flip(2), torch.rand_like(features), 2 * features - 1):
        with pytest.raises(AssertionError):
            agrees(wrong)
    for name, parameter in crnn.named_parameters():  # every layer is heard
        if re.fullmatch(r"cnn\.\d+\.0\.bias", name):
            continue  # in evaluation mode as any other, but small in front of a batch norm
        kept = parameter.detach().clone()
        with torch.no_grad():
            parameter.zero_()
        with pytest.raises(AssertionError):
            agrees(features)
        with torch.no_grad():
            parameter.copy_(kept)
    agrees(features)


@pytest.mark.parametrize("n_maps, expected", [(1, 1112420), (2, 1112564), (4, 1112852)])
def test_parameter_count(n_maps, expected):
    assert sum(p.numel() for p in CRNN(10, n_maps=n_maps, pooling=ATTENTION).parameters()) == expected


@pytest.mark.parametrize("n_frames, n_out", [(626, 156), (628, 157)])
def test_shapes_at_the_defaults(n_frames, n_out):
    crnn = CRNN(10, pooling=ATTENTION).eval()
    detection = crnn(torch.randn(1, n_frames, 128))
    assert detection.strong.shape == (1, n_out, 10)
    assert detection.weak.shape == (1, 10)
    assert detection.embedding.shape == (1, n_out, 256)
    assert crnn.pool == 4


def test_batch_equals_single_clips():
    crnn, mel = CRNN(3, **SMALL).eval(), torch.randn(4, 21, 8)
    together, alone = crnn(mel), [crnn(m[None]) for m in mel]
    for i in range(3):
        torch.testing.assert_close(together[i], torch.cat([d[i] for d in alone]), rtol=1e-5, atol=1e-6)


def test_gradient_reaches_every_parameter_and_the_input():
    crnn, mel = CRNN(3, **SMALL), torch.randn(2, 20, 8, requires_grad=True)
    detection = crnn(mel)
    (detection.strong.square().sum() + detection.weak.sum()).backward()
    assert mel.grad.any() and all(p.grad is not None and p.grad.isfinite().all() for p in crnn.parameters())


def test_attention_is_a_softmax_over_classes_and_weights_are_normalised_over_time():
    crnn = CRNN(3, **SMALL).eval()
    strong, weak, embedding = crnn(torch.randn(2, 20, 8))
    weight = torch.softmax(crnn.pooling.attention(embedding), 2)
    torch.testing.assert_close(weak, (strong * weight).sum(1) / weight.sum(1))
    assert (weak <= strong.amax(1) + 1e-6).all() and (weak >= strong.amin(1) - 1e-6).all()


def test_running_statistics_are_almost_the_last_batchs():
    crnn = CRNN(3, **SMALL)
    crnn(torch.randn(2, 20, 8))
    for norm in (m for m in crnn.modules() if isinstance(m, torch.nn.BatchNorm2d)):
        assert (norm.eps, norm.momentum) == (1e-3, 0.99)
        assert (norm.running_var - 1).abs().max() > 0.1


@pytest.mark.parametrize(
    "settings, message",
    [
        (dict(n_bands=64), "leave 0 of 64"),
        (dict(n_bands=256), "leave 2 of 256"),
        (dict(n_bands=8, channels=[4], pools=[[2, 8], [1, 1]]), "one .time, mel. pair"),
    ],
)
def test_pools_must_fit(settings, message):
    with pytest.raises(UserError, match=message):
        CRNN(10, pooling=ATTENTION, **settings)


def test_a_clip_shorter_than_the_pooling_is_an_error():
    with pytest.raises(UserError, match="shorter than the detector"):
        CRNN(10, pooling=ATTENTION)(torch.zeros(1, 3, 128))
