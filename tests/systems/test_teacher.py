"""Teaching: how the teacher starts, what it hears, and which of its parameters are averages."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from sedsep.errors import UserError
from sedsep.nnet.frontends.log import Log
from sedsep.schedule import Progress, ema_decay
from sedsep.systems.teacher import Teaching


def network():
    return nn.ModuleDict({"separator": nn.Linear(2, 2), "detector": nn.Linear(2, 2)})


def values(module):
    return torch.cat([p.detach().flatten().clone() for p in module.parameters()])


def test_it_starts_as_a_copy_or_on_its_own():
    student = network()
    copied, own = (Teaching(start=start).teacher_of(student, network) for start in ("copy", "independent"))
    assert torch.equal(values(copied), values(student)) and not torch.equal(values(own), values(student))
    assert not any(p.requires_grad for teacher in (copied, own) for p in teacher.parameters())


def test_some_parameters_are_averaged_and_the_others_are_the_students():
    student = network()
    teaching = Teaching(averages=["separator"])
    teacher = teaching.teacher_of(student, network)
    first = values(teacher["separator"])
    with torch.no_grad():
        for parameter in student.parameters():
            parameter.add_(1.0)
    teaching.update(teacher, student, Progress(3, 1.0))
    decay = ema_decay(3)
    torch.testing.assert_close(values(teacher["separator"]), decay * first + (1 - decay) * values(student["separator"]))
    assert torch.equal(values(teacher["detector"]), values(student["detector"]))


def test_frozen_parameters_stay():
    student = network()
    student["detector"].requires_grad_(False)
    for averages in (None, ["separator"]):
        teaching = Teaching(averages=averages, start="independent")
        teacher = teaching.teacher_of(student, network)
        before = values(teacher["detector"])
        teaching.update(teacher, student, Progress(1, 1.0))
        assert torch.equal(values(teacher["detector"]), before)


def test_noise_has_the_level_of_each_clip_and_band():
    torch.manual_seed(0)
    spectrum = torch.rand(2, 5000, 3) * torch.tensor([1.0, 10.0, 100.0])
    heard = Teaching(view="noise", noise_db=20.0).heard(spectrum, -2)
    ratio = (heard - spectrum).square().mean(1) / spectrum.square().mean(1)  # (B, F)
    torch.testing.assert_close(10 * torch.log10(ratio), torch.full((2, 3), -20.0), rtol=0, atol=0.4)
    assert Teaching().heard(spectrum, -2) is spectrum


def test_the_other_view_is_what_the_data_draw(build, batch):
    system = build("detection", teaching={"view": "other"}, mixup={"probability": 1.0}).train()
    assert system.views == 2
    with pytest.raises(UserError, match="no second view"):
        system(batch, Progress(1, 1.0))
    batch.other_view = batch.mixture.flip(1)
    views, _, _ = system.eval().prepare(batch)
    torch.testing.assert_close(views[1], system.student.frontend.spectrum(batch.other_view))
    losses = system.train()(batch, Progress(50, 50.0))
    assert all(value.isfinite() for value in losses.values()) and losses["consistency"] > 0


@pytest.mark.parametrize("kind", ["detection", "joint", "ssep_sed"])
@pytest.mark.parametrize("teaching", [{"start": "independent"}, {"view": "noise"}, {"view": "other"}])
def test_every_system_with_a_teacher_takes_every_way_to_teach(kind, teaching, build, batch):
    system = build(kind, teaching=teaching).train()
    batch.other_view = 0.5 * batch.mixture
    losses = system(batch, Progress(1, 1.0))
    sum(losses.values()).backward()
    system.after_step(Progress(1, 1.0))
    assert all(value.isfinite() for value in losses.values())


def test_noise_is_that_of_the_2020_baseline(monkeypatch):
    """Its level is that of each band of the clip; the logarithm takes the absolute value of what it makes negative."""
    path = Path(__file__).resolve().parents[2].parent / "shared" / "golden" / "effects_2020.npz"
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    found = {name: torch.from_numpy(value) for name, value in np.load(path).items() if name.startswith("noise30")}
    drawn = found["noise30/standard_normal"][None]
    monkeypatch.setattr(torch, "randn", lambda shape, device, dtype: drawn)
    teaching, mel = Teaching(view="noise", noise_db=30.0), found["noise30/input"][None]
    log = Log(128, clamp_db=None, top_db=80.0)

    def agrees(heard):
        torch.testing.assert_close(heard[0], found["noise30/output"], rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(log(heard)[0], found["noise30/log_after"], rtol=1e-4, atol=1e-2)

    heard = teaching.heard(mel, -2)
    assert (heard < 0).any()
    agrees(heard)
    for wrong in (mel, Teaching(view="noise", noise_db=29.9).heard(mel, -2), teaching.heard(mel, -1)):
        with pytest.raises(AssertionError):
            agrees(wrong)
