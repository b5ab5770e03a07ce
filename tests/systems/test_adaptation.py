"""Adaptation: the new columns move, and nothing else."""

import numpy as np
import pytest
import torch

from sedsep.batch import Batch
from sedsep.config import resolve
from sedsep.labels import Classes
from sedsep.schedule import Progress
from sedsep.systems import SYSTEMS
from sedsep.systems.adaptation import Adaptation

EXTRACTOR = {"n_filters": 16, "kernel": 16, "stride": 8, "bottleneck": 8, "hidden": 8, "n_blocks": 2, "n_repeats": 2}


@pytest.fixture
def extraction():
    torch.manual_seed(0)
    return SYSTEMS["extraction"](Classes(("a", "b")), **resolve(SYSTEMS["extraction"], {"extractor": EXTRACTOR}))


@pytest.fixture
def batch():
    no = torch.zeros(4, dtype=torch.bool)
    target = torch.randn(4, 2000)
    return Batch(ids=list("abcd"), events=[None] * 4, mixture=target + torch.randn(4, 2000), n_samples=None,
                 has_strong=no, has_weak=no, has_sources=no, is_synthetic=no, target=target,
                 target_class=torch.tensor([0, 1, 0, 0]))  # fmt: skip


def test_only_the_columns_train(extraction, batch):
    before = {name: value.clone() for name, value in extraction.state_dict().items()}
    start = torch.randn(3, 8)
    system = Adaptation(extraction, Classes(("x", "y", "z")), start)
    assert [name for name, p in system.named_parameters() if p.requires_grad] == ["columns"]
    adam = torch.optim.Adam([p for p in system.parameters() if p.requires_grad], 1e-2)
    first = system(batch, Progress(1, 0.0))["adaptation"]
    for _ in range(20):
        adam.zero_grad()
        loss = system(batch, Progress(1, 0.0))["adaptation"]
        loss.backward()
        adam.step()
    assert loss < first
    assert all(torch.equal(value, before[name]) for name, value in extraction.state_dict().items())
    assert torch.equal(system.columns[2], start[2]) and not torch.equal(system.columns[0], start[0])


def test_the_loss_is_that_of_extraction_with_the_column(extraction, batch):
    system = Adaptation(extraction, Classes(("x", "y")))
    with torch.no_grad():
        estimates = extraction.extractor(batch.mixture, system.columns[batch.target_class].unsqueeze(1))[:, 0]
        error = (batch.target - estimates).square().sum(1)
        expected = -10 * torch.log10(batch.target.square().sum(1) / error)
        torch.testing.assert_close(system.clip_losses(batch), expected, rtol=1e-4, atol=1e-4)
    objective = system.validate({"mixtures": [batch, batch]})["columns"]["objective"]
    assert objective == pytest.approx(-float(expected.mean()), abs=1e-4)


def test_the_improvement_is_that_of_si_sdr_by_class(extraction, batch, monkeypatch):
    system = Adaptation(extraction, Classes(("x", "y", "z")))
    nearer = lambda self, mixture, _: 0.1 * (batch.target + mixture).unsqueeze(1)  # noqa: E731
    monkeypatch.setattr(type(extraction.extractor), "forward", nearer)
    si_sdr = lambda estimate: pair_si_sdr(estimate.double().numpy(), batch.target.double().numpy())  # noqa: E731
    gains = si_sdr(batch.target + batch.mixture) - si_sdr(batch.mixture)
    found = system.improvements([batch, batch])
    assert list(found) == ["x", "y"]
    assert found["x"] == pytest.approx(gains[[0, 2, 3]].mean(), abs=1e-3)
    assert found["y"] == pytest.approx(gains[1], abs=1e-3) and found["y"] > 3


def pair_si_sdr(estimates, references):
    """dB of estimates ``(B, T)``, from the definition."""
    gain = (estimates * references).sum(1) / (references**2).sum(1)
    signal = gain[:, None] * references
    return 10 * np.log10((signal**2).sum(1) / ((estimates - signal) ** 2).sum(1))
