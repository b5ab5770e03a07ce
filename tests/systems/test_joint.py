import copy

import pytest
import torch
from torch import nn

from sedsep.nnet.poolings import Detection
from sedsep.schedule import Progress
from sedsep.systems.joint import SeparatedDetector

DETECTOR = {"channels": [4, 4, 4], "pools": [[2, 2], [2, 2], [1, 2]], "hidden": 4, "n_layers": 1, "dropout": 0.5}


class Copies(nn.Module):
    """Stands for a separator: scaled copies of the mixture."""

    def forward(self, waveform):
        return torch.stack([waveform, 0 * waveform, -waveform], 1)


class Level(nn.Module):
    """Stands for a detector: mean and size of the waveform as scores."""

    sample_rate = grid = None

    def forward(self, waveform):
        strong = waveform.reshape(len(waveform), 4, -1).mean(2, keepdim=True)
        return Detection(strong, strong.mean(1), strong)


def test_the_score_is_the_maximum_over_sources():
    waveform = torch.arange(16.0).reshape(2, 8) - 6
    found = SeparatedDetector(Copies(), Level())(waveform)
    single = Level()(waveform)
    torch.testing.assert_close(found.strong, single.strong.abs())
    torch.testing.assert_close(found.weak, single.weak.abs())


def test_sources_of_a_clip_stay_with_their_clip(build, batch):
    system = build("joint").eval()
    with torch.no_grad():
        together = system.detect(batch.mixture)
        alone = [system.detect(waveform[None]) for waveform in batch.mixture]
    torch.testing.assert_close(together.strong, torch.cat([one.strong for one in alone]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("mode, frozen", [("stage1", "separator"), ("stage2", "detector"), ("joint", None)])
def test_frozen_parts_stay_bit_identical(build, batch, mode, frozen):
    system = build("joint", mode=mode).train()
    before = copy.deepcopy(system.state_dict())
    adam = torch.optim.Adam([p for p in system.parameters() if p.requires_grad], 1e-2)
    for step in (1, 2, 3):
        system.train()
        adam.zero_grad()
        sum(system(batch, Progress(step, 1.0)).values()).backward()
        adam.step()
        system.after_step(Progress(step, 1.0))
    for part in ("separator", "detector"):
        for network in ("student", "teacher"):
            names = [n for n in before if n.startswith(f"{network}.{part}.")]
            same = [torch.equal(before[n], system.state_dict()[n]) for n in names]
            assert all(same) if part == frozen else not all(same), (network, part)
    norms = [n for n in before if "running_" in n]
    assert norms and all(torch.equal(before[n], system.state_dict()[n]) for n in norms)


def test_stage2_passes_gradients_through_the_frozen_detector(build, batch):
    system = build("joint", mode="stage2").train()
    sum(system(batch, Progress(1, 50.0)).values()).backward()
    gradients = [p.grad for p in system.student.separator.parameters()]
    assert any(g is not None and g.abs().max() > 0 for g in gradients)
    assert all(p.grad is None for p in system.student.detector.parameters())


def test_starts_from_the_selected_variants(build):
    separation, detection, joint = build("separation", 1), build("detection", 2), build("joint", 3)
    with torch.no_grad():
        for parameter in detection.teacher.parameters():
            parameter.add_(1.0)
    joint.start_from("separator", separation, "separator")
    joint.start_from("detector", detection, "teacher")
    for network in (joint.student, joint.teacher):
        for mine, theirs in ((network.separator, separation.separator), (network.detector, detection.teacher)):
            assert all(torch.equal(a, b) for a, b in zip(mine.state_dict().values(), theirs.state_dict().values()))
    other = build("joint", 4)
    other.start_from("model", joint, "teacher")
    assert all(torch.equal(a, b) for a, b in zip(other.state_dict().values(), joint.state_dict().values()))


def test_batch_norm_can_learn(build, batch):
    system = build("joint", mode="stage1", freeze_batch_norm=False).train()
    before = copy.deepcopy(system.state_dict())
    system(batch, Progress(1, 1.0))
    norms = [n for n in before if n.startswith("student") and "running_mean" in n]
    assert all(not torch.equal(before[n], system.state_dict()[n]) for n in norms)


@pytest.mark.parametrize("keeps", [False, True])
def test_the_frozen_detectors_dropout_is_a_key(build, batch, keeps):
    system = build("joint", mode="stage2", detector=DETECTOR, frozen_dropout=keeps).train()
    before = copy.deepcopy(system.student.detector.state_dict())
    for network in (system.student, system.teacher):
        first, second = (network.detector(batch.mixture).strong for _ in range(2))
        assert (first - second).abs().max() > 1e-4 if keeps else torch.equal(first, second)
    assert all(torch.equal(before[name], value) for name, value in system.student.detector.state_dict().items())
    system.eval()
    first, second = (system.student.detector(batch.mixture).strong for _ in range(2))
    assert torch.equal(first, second)


def test_no_dropout_in_what_is_frozen_by_default(build):
    assert not build("joint", mode="stage2").frozen_dropout
