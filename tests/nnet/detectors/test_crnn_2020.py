"""The detectors of 2020, from waveform to scores: the baseline's, and the one behind a parallel PCEN."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from sedsep.config import resolve
from sedsep.engine.peers.desed_task import from_baseline
from sedsep.nnet.detectors.crnn import CRNN
from sedsep.nnet.frontends.frontend import Frontend
from sedsep.nnet.taps import taps

SHARED = Path(__file__).resolve().parents[3].parent / "shared"
ATTENTION = {"kind": "attention"}
BASELINE = {
    "spectrum": {"hop": 255, "mel_scale": "slaney", "offsets": "floor"},
    "compression": {"kind": "log", "clamp_db": None, "top_db": 80.0},
    "scaling": {"kind": "dataset"},
}


def golden(name):
    path = SHARED / "golden" / f"{name}.npz"
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    return {name: torch.from_numpy(value) for name, value in np.load(path).items()}


def detector(found, **keys):
    crnn = CRNN(n_classes=10, pooling=ATTENTION, **keys).eval()
    weights = {k.removeprefix("weight/"): v for k, v in found.items() if k.startswith("weight/")}
    counts = {f"cnn.cnn.batchnorm{i}.num_batches_tracked": torch.tensor(0) for i in range(7)}
    weights = {k: v for k, v in (weights | counts).items() if not k.startswith("trainable_pcen")}
    crnn.load_state_dict(from_baseline(weights, crnn.state_dict()))
    return crnn


def close(ours, theirs, atol=2e-6):
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=atol)


def frontend(**sections):
    return Frontend(**resolve(Frontend, {**BASELINE, **sections}))


def levels(waveforms, **sections):
    """Level in dB of each clip, which the peer pads afterwards: with 0 dB."""
    net = frontend(**sections)
    found = [net.compression(net.spectrum(waveform[None])) for waveform in waveforms]
    return torch.cat([F.pad(one, (0, 0, 0, 628 - one.shape[1])) for one in found])


def test_the_front_end_of_the_baseline():
    found = golden("crnn_2020")
    waveforms = found["waveform_0"], found["waveform_1"]
    for waveform, mel in zip(waveforms, (found["mel_0"], found["mel_1"])):
        close(frontend().spectrum(waveform[None])[0], mel, atol=1e-5 * float(mel.max()))
    close(levels(waveforms), found["log_mel"], atol=2e-3)
    for wrong in (
        {"spectrum": {"hop": 255}},
        {"compression": {"kind": "log", "clamp_db": None, "top_db": 60.0}},
        {"compression": {"kind": "log", "clamp_db": [-20.0, 80.0]}},
    ):
        with pytest.raises(AssertionError):
            close(levels(waveforms, **wrong), found["log_mel"], atol=2e-3)
    scaling = frontend().scaling
    scaling.load_state_dict({"mean": found["mean"], "deviation": found["std"], "fitted": torch.tensor(True)})
    close(scaling(found["log_mel"]), found["scaled"], atol=1e-5)


def test_the_logarithm_is_librosas():
    """Its floor lies below the maximum of the clip; of what noise has made negative it takes the absolute value."""
    librosa = pytest.importorskip("librosa")
    mel = torch.randn(2, 50, 8).mul(4).exp() * torch.tensor([-1.0, 1.0]).repeat(4)
    ours = frontend().compression(mel)
    for clip, level in zip(mel, ours):
        close(level, torch.from_numpy(librosa.amplitude_to_db(clip.numpy(), ref=1.0, amin=1e-5, top_db=80.0)), 1e-4)
        assert level.min() == level.max() - 80 > 20 * mel.abs().min().log10()


def test_the_statistics_are_those_of_the_peer():
    """Its deviation follows from the means of values and of squares."""
    found = golden("crnn_2020")
    deviation = (found["mean_of_square"].double() - found["mean"].double().square()).sqrt()
    close(deviation.float(), found["std"], atol=1e-4)
    scaling = frontend().scaling
    scaling.fit([found["log_mel"]])
    flat = found["log_mel"].flatten(0, 1)
    close(scaling.mean, flat.mean(0), atol=1e-4)
    close(scaling.deviation, flat.std(0, correction=0), atol=1e-4)


def test_the_detector_of_the_baseline():
    found = golden("crnn_2020")
    crnn = detector(found)

    @torch.no_grad()
    def agrees(scaled):
        with taps(crnn, [crnn.tap]) as heard:
            detection = crnn(scaled)
        close(heard[crnn.tap].flatten(2).transpose(1, 2), found["features"], atol=1e-5)
        close(detection.strong, found["strong"])
        close(detection.weak, found["weak"])

    scaled = found["scaled"]
    agrees(scaled)
    for wrong in (scaled.flip(0), scaled.flip(1), scaled.flip(2), 0.99 * scaled):
        with pytest.raises(AssertionError):
            agrees(wrong)


def test_the_detector_behind_a_parallel_pcen():
    found = golden("crnn_ppcen_2020")
    compression = {"kind": "pcen", "n_layers": 2, "levels": {"kind": "log", "clamp_db": None, "top_db": 80.0}}
    pcen = frontend(compression=compression).compression
    names = {"alpha_logit": "i_sig_alpha", "delta_log": "log_delta", "r_logit": "i_sig_r", "mixing": "z_ks"}
    pcen.load_state_dict({ours: found[f"weight/trainable_pcen.{theirs}"] for ours, theirs in names.items()})
    crnn = detector(found, n_maps=2)

    @torch.no_grad()
    def agrees(level):
        energy = pcen.minmax(level)
        close(energy, found["scaled"], atol=1e-6)
        features = pcen.normalise(energy)
        close(features[:1], found["pcen"], atol=1e-5)
        detection = crnn(features)
        close(detection.strong, found["strong"], atol=1e-5)
        close(detection.weak, found["weak"], atol=1e-5)

    level = found["log_mel"]
    agrees(level)
    for wrong in (level.flip(0), level.flip(1), level.flip(2)):
        with pytest.raises(AssertionError):
            agrees(wrong)
    with torch.no_grad():
        pcen.mixing.zero_()
    with pytest.raises(AssertionError):
        agrees(level)


def test_the_frames_and_labels_of_the_baseline():
    net, crnn = frontend(), CRNN(10, pooling=ATTENTION)
    assert net(torch.randn(1, 160000)).shape == (1, 628, 128)
    grid = net.spectrum.grid(crnn.pool)
    assert grid.n_frames(160000) == 157 and grid.frame_seconds == 0.06375
    assert grid.offset_rounding == "floor" and frontend(spectrum={}).spectrum.grid(4).offset_rounding == "ceil"


def test_the_initialisation_of_the_baseline():
    torch.manual_seed(0)
    crnn = CRNN(10, pooling=ATTENTION, initialisation="baseline_2020").requires_grad_(False)
    convolution, norm, gate, *_ = crnn.cnn[3]
    limit = (2 * 6 / ((64 + 128) * 9)) ** 0.5
    assert 0.99 * limit < convolution.weight.abs().max() <= limit
    assert norm.weight.mean() == pytest.approx(1, abs=0.01) and norm.weight.std() == pytest.approx(0.02, rel=0.3)
    for linear in (gate.linear, crnn.pooling.strong, crnn.pooling.attention):
        assert linear.weight.std() == pytest.approx(0.01, rel=0.1)
    for layer in (convolution, norm, gate.linear, crnn.pooling.strong):
        assert (layer.bias == 0).all()
    matrix = crnn.rnn.weight_ih_l0  # (384, 128)
    close(matrix.t() @ matrix, torch.eye(128), atol=1e-5)
    assert crnn.rnn.bias_ih_l0.std() > 0
    torch.manual_seed(0)
    before = CRNN(10, pooling=ATTENTION)
    torch.manual_seed(0)
    assert torch.equal(CRNN(10, pooling=ATTENTION, initialisation="torch").rnn.weight_ih_l0, before.rnn.weight_ih_l0)
