"""Mean teacher, through the detection system that stands on it."""

import copy
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from sedsep.schedule import Progress, ema_decay

QUIET = {"probability": 0.0}


def test_losses_are_over_the_labelled_clips_alone(build, batch):
    system = build("detection", mixup=QUIET, detector=DETECTOR).train()
    torch.manual_seed(0)
    losses = system(batch, Progress(1, 50.0))
    torch.manual_seed(0)
    student = system.student(batch.mixture)
    assert float(losses["strong"]) == pytest.approx(float(F.binary_cross_entropy(student.strong[:2], batch.strong[:2])))
    weak = F.binary_cross_entropy(student.weak[2:4], batch.weak[2:4])
    assert float(losses["weak"]) == pytest.approx(float(weak), rel=1e-5)
    assert set(losses) == {"strong", "weak", "consistency"}


DETECTOR = {"channels": [4, 4, 4], "pools": [[2, 2], [2, 2], [1, 2]], "hidden": 4, "n_layers": 1, "dropout": 0.0}


def test_consistency_ramps_up_over_all_clips(build, batch):
    system = build("detection", mixup=QUIET, detector=DETECTOR).train()
    with torch.no_grad():
        for parameter in system.teacher.parameters():
            parameter.add_(0.1)
    before = copy.deepcopy(system.state_dict())
    full = system(batch, Progress(5900, 50.0))["consistency"]
    system.load_state_dict(before)
    half = system(batch, Progress(2950, 25.0))["consistency"]
    system.load_state_dict(before)
    student, teacher = system.student(batch.mixture), system.teacher(batch.mixture)
    expected = 2 * (F.mse_loss(student.strong, teacher.strong) + F.mse_loss(student.weak, teacher.weak))
    assert float(full) == pytest.approx(float(expected), rel=1e-4)
    assert float(half) == pytest.approx(0.28650 * float(full), rel=1e-4)


def test_a_batch_without_labels_still_trains(build, batch):
    nothing = torch.zeros(6, dtype=torch.bool)
    bare = replace(batch, strong=None, weak=None, has_strong=nothing, has_weak=nothing)
    system = build("detection").train()
    losses = system(bare, Progress(1, 50.0))
    assert float(losses["strong"]) == 0 and float(losses["weak"]) == 0
    sum(losses.values()).backward()
    assert all(p.grad is not None for p in system.student.parameters())


def test_teacher_is_the_closed_form_average(build, batch):
    system = build("detection").train()
    expected = {name: p.clone() for name, p in system.teacher.named_parameters()}
    for step in (1, 2, 3):
        with torch.no_grad():
            for parameter in system.student.parameters():
                parameter.add_(torch.randn_like(parameter))
        system.after_step(Progress(step, 0.1))
        decay = ema_decay(step)
        student = dict(system.student.named_parameters())
        expected = {name: decay * e + (1 - decay) * student[name] for name, e in expected.items()}
    for name, parameter in system.teacher.named_parameters():
        torch.testing.assert_close(parameter, expected[name])


def test_teacher_has_no_gradient_and_its_own_statistics(build, batch):
    system = build("detection").train()
    sum(system(batch, Progress(1, 1.0)).values()).backward()
    assert all(p.grad is None for p in system.teacher.parameters())
    student, teacher = dict(system.student.named_buffers()), dict(system.teacher.named_buffers())
    means = [name for name in teacher if name.endswith("running_mean")]
    kept = {name: teacher[name].clone() for name in means}
    system.after_step(Progress(1, 1.0))
    assert all(torch.equal(teacher[name], kept[name]) for name in means)  # never averaged
    # Dropout makes the two networks see different activations after the first block.
    assert any(not torch.equal(student[name], teacher[name]) for name in means)


def test_overfits_one_batch(build, batch):
    system = build("detection", detector=DETECTOR, mixup=QUIET, teaching={"ramp_epochs": 1.0}).train()
    adam = torch.optim.Adam(system.student.parameters(), 1e-2)
    values = []
    for step in range(1, 61):
        losses = system(batch, Progress(step, 0.0))
        adam.zero_grad()
        sum(losses.values()).backward()
        adam.step()
        system.after_step(Progress(step, 0.0))
        values.append(float((losses["strong"] + losses["weak"]).detach()))
    assert values[-1] < values[0] / 2
