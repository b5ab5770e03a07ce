"""The released 2020 detector, frozen behind a masker: its own scores, and true gradients to what it hears."""

from pathlib import Path

import numpy as np
import pytest
import torch

from sedsep import config
from sedsep.engine.peers.desed_task import from_baseline
from sedsep.labels import Classes
from sedsep.systems import SYSTEMS

GOLDEN = Path(__file__).resolve().parents[2].parent / "shared" / "golden" / "crnn_2020.npz"
FRONTEND = {
    "spectrum": {"hop": 255, "mel_scale": "slaney"},
    "compression": {"kind": "log", "clamp_db": None, "top_db": 80.0},
    "scaling": {"kind": "dataset"},
}


@pytest.fixture(scope="module")
def golden():
    if not GOLDEN.is_file():
        pytest.skip("no ../shared/golden beside this checkout")
    return {name: torch.from_numpy(value) for name, value in np.load(GOLDEN).items()}


def holding(golden):
    """A task-aware system around the peer's weights and statistics."""
    section = {"kind": "task_aware", "frontend": FRONTEND, "masker": {"n_blocks": 1, "n_repeats": 1}}
    system = config.build(SYSTEMS, config.resolve_kind(SYSTEMS, section), {"classes": Classes(tuple("abcdefghij"))})
    network, scaling = system.detector.network, system.detector.frontend.scaling
    weights = {name.removeprefix("weight/"): value for name, value in golden.items() if name.startswith("weight/")}
    counts = {f"cnn.cnn.batchnorm{i}.num_batches_tracked": torch.tensor(0) for i in range(7)}
    network.load_state_dict(from_baseline({**weights, **counts}, network.state_dict()))
    scaling.load_state_dict({"mean": golden["mean"], "deviation": golden["std"], "fitted": torch.tensor(True)})
    return system.train()


def test_the_frozen_detector_says_what_the_peer_says_while_the_masker_learns(golden):
    system, mel = holding(golden), golden["mel_0"]
    spectra = torch.stack([mel, 0 * mel, mel.flip(0)])[None]  # a source among others

    @torch.no_grad()
    def agrees(spectra, system=system):
        heard = system.listener.hear(spectra)
        torch.testing.assert_close(heard.strong[0, 0], golden["strong"][0], rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(heard.weak[0, 0], golden["weak"][0], rtol=1e-5, atol=1e-5)

    agrees(spectra)
    assert sum(p.numel() for p in system.detector.parameters()) == 1112420
    for wrong in (spectra.flip(1), spectra.flip(3), 0.9 * spectra):
        with pytest.raises(AssertionError):
            agrees(wrong)
    awake = holding(golden)
    awake.detector.train()  # statistics of the batch, and dropout
    with pytest.raises(AssertionError):
        agrees(spectra, awake)


def test_gradients_to_its_input_are_those_of_finite_differences(golden):
    """In double precision, along directions that change every cell by a share of itself."""
    system = holding(golden).double()
    system.detector.frontend.spectrum.float()
    before = {name: value.clone() for name, value in system.detector.state_dict().items()}
    generator = torch.Generator().manual_seed(0)
    mel = golden["mel_0"][None, None].double().requires_grad_()
    layers = (*system.detector.network.layers, "strong", "weak")
    heard = system.listener.hear(mel, layers=True)
    assert len(heard.layers) == len(layers) == 10
    cotangents = [torch.randn(layer.shape, generator=generator, dtype=torch.double) for layer in heard.layers]

    def value(spectra):
        found = system.listener.hear(spectra, layers=True)
        return sum((layer * cotangent).mean() for layer, cotangent in zip(found.layers, cotangents))

    (gradient,) = torch.autograd.grad(value(mel), mel)
    assert torch.isfinite(gradient).all() and float((gradient != 0).double().mean()) > 0.9

    @torch.no_grad()
    def agrees(gradient):
        for _ in range(3):
            direction = mel * torch.randn(mel.shape, generator=generator, dtype=torch.double)
            step = 1e-5
            slope = float(value(mel + step * direction) - value(mel - step * direction)) / (2 * step)
            assert float((gradient * direction).sum()) == pytest.approx(slope, rel=1e-4)

    agrees(gradient)
    for wrong in (gradient.flip(2), 1.001 * gradient, gradient * (torch.arange(128) != 20)):
        with pytest.raises(AssertionError):
            agrees(wrong)
    after = system.detector.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert all(parameter.grad is None for parameter in system.detector.parameters())
