"""The trainer, on a small network with dropout and batch norm, so that every source of randomness is at work."""

import json

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import Dataset

from sedsep.batch import Example
from sedsep.data.loader import Loader
from sedsep.data.sampler import StreamSampler
from sedsep.engine import checkpoint
from sedsep.engine.optimisation import Optimisation, Optimiser
from sedsep.engine.trainer import Schedule, Trainer
from sedsep.errors import UserError
from sedsep.labels import Classes
from sedsep.nnet.dropout import Dropout
from sedsep.schedule import Progress
from sedsep.systems.base import System


class Noise(Dataset):
    def __init__(self, bad=()):
        self.bad = bad

    def __getitem__(self, key):
        epoch, index = key
        mixture = np.random.default_rng([epoch, index]).standard_normal(8).astype(np.float32)
        if index in self.bad:
            mixture[0] = np.inf
        return Example(str(index), mixture, 8)


class Toy(System):
    variants = ("net",)

    def __init__(self):
        super().__init__(Classes(("A",)), 8000)
        self.net = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 1))
        self.steps = []

    def forward(self, batch, progress):
        return {"square": (self.net(batch.mixture) - batch.mixture.sum(1, keepdim=True)).square().mean()}

    def after_step(self, progress):
        self.steps.append(progress)

    def validate(self, loaders):
        torch.manual_seed(0)
        return {"net": {"objective": -float(self.net(torch.randn(16, 8)).square().mean())}}


def trainer(directory, epochs, bad=(), accumulate=1, save_minutes=0.0, **optimisation):
    torch.manual_seed(0)
    system = Toy()
    sampler = StreamSampler({"all": 24}, {"all": 4}, seed=1)
    loader = Loader({"all": Noise(bad)}, sampler)
    settings = Optimisation(**{"schedule": "constant", "accumulate": accumulate, **optimisation})
    schedule = Schedule(epochs, save_minutes=save_minutes)
    return Trainer(
        system,
        {"config": {"kind": "toy"}},
        Optimiser(system.parameter_groups(), settings),
        schedule,
        loader,
        {},
        directory,
        3,
    )


def weights(one):
    return torch.cat([t.double().flatten() for t in one.system.state_dict().values()])


def test_a_training_of_before_is_told_once_that_dropout_draws_other_numbers(tmp_path, capsys):
    def go_on(epochs):
        one = trainer(tmp_path, epochs)
        one.system.net[2] = Dropout(0.5)
        one.fit()
        return "dropout draws other numbers" in capsys.readouterr().err

    assert not go_on(1) and not go_on(2)
    state = checkpoint.load(tmp_path / "last.pt")
    state.pop("dropout")
    checkpoint.save(tmp_path / "last.pt", state)
    assert go_on(3) and not go_on(4)


def test_resumed_equals_straight_bit_for_bit(tmp_path):
    straight = trainer(tmp_path / "straight", 5, schedule="plateau", plateau_patience=0)
    straight.fit()
    for epochs in (1, 3, 5):
        stopped = trainer(tmp_path / "stopped", epochs, schedule="plateau", plateau_patience=0)
        stopped.fit()
    assert torch.equal(weights(straight), weights(stopped))
    one, other = (
        [{k: v for k, v in json.loads(line).items() if k not in ("seconds", "waiting_for_data")} for line in open(p)]
        for p in (tmp_path / "straight/log.jsonl", tmp_path / "stopped/log.jsonl")
    )
    assert one == other and len(one) == 5
    best = [checkpoint.load(tmp_path / name / "best_net.pt") for name in ("straight", "stopped")]
    assert best[0]["epoch"] == best[1]["epoch"] and best[0]["metrics"] == best[1]["metrics"]


def test_a_kill_in_an_epoch_loses_only_that_epoch(tmp_path):
    straight = trainer(tmp_path / "straight", 3)
    straight.fit()
    killed = trainer(tmp_path / "killed", 3)
    original, calls = killed.system.after_step, []

    def die(progress):
        calls.append(progress)
        if len(calls) == 15:  # in the third epoch of six steps
            raise KeyboardInterrupt
        original(progress)

    killed.system.after_step = die
    with pytest.raises(KeyboardInterrupt):
        killed.fit()
    assert checkpoint.load(tmp_path / "killed/last.pt")["epoch"] == 2
    again = trainer(tmp_path / "killed", 3)
    again.fit()
    assert torch.equal(weights(straight), weights(again))


def test_a_finished_run_is_left_alone(tmp_path):
    trainer(tmp_path, 2).fit()
    before = (tmp_path / "last.pt").read_bytes()
    best = trainer(tmp_path, 2).fit()
    assert (tmp_path / "last.pt").read_bytes() == before and "objective" in best["net"]


def test_steps_that_are_not_finite_are_skipped_and_reported(tmp_path, capfd):
    one = trainer(tmp_path, 2, bad=(5,))
    one.fit()
    assert torch.isfinite(weights(one)).all()
    records = [json.loads(line) for line in open(tmp_path / "log.jsonl")]
    assert [r["skipped"] for r in records] == [1, 1] and records[-1]["step"] == 10
    lines = [line for line in capfd.readouterr().err.splitlines() if "not finite" in line]
    assert len(lines) == 2 and " 5" in lines[0]


def test_ten_bad_steps_in_a_row_stop_training(tmp_path):
    with pytest.raises(UserError, match="10 steps in a row"):
        trainer(tmp_path, 3, bad=range(24)).fit()


def test_accumulation_counts_optimiser_steps(tmp_path):
    one = trainer(tmp_path, 1, accumulate=4)
    one.fit()
    assert [p.step for p in one.system.steps] == [1, 2]  # six batches: four, then the two that are left
    assert one.system.steps[-1].epochs == 1.0


def test_warm_up_and_its_first_step():
    optimiser = Optimiser({"all": [nn.Parameter(torch.ones(1))]}, Optimisation(learning_rate=1e-3, warmup_epochs=50))
    rates = [optimiser.learning_rate(Progress(n, n / 118)) for n in (1, 2, 2950, 5900, 9000)]
    assert rates == pytest.approx([1e-3, 6.76e-6, 2.865e-4, 1e-3, 1e-3], rel=1e-2)


def test_plateau_halves_the_rate():
    optimiser = Optimiser(
        {"all": [nn.Parameter(torch.ones(1))]}, Optimisation(schedule="plateau", plateau_patience=1, plateau_factor=0.5)
    )
    scales = []
    for better in (True, False, False, False, False, True):
        optimiser.after_validation(better)
        scales.append(optimiser.learning_rate(Progress(1, 1)) / 1e-3)
    assert scales == [1, 1, 0.5, 0.5, 0.25, 0.25]


def test_decay_is_a_straight_line_to_zero():
    optimiser = Optimiser({"all": [torch.nn.Parameter(torch.zeros(1))]}, Optimisation(0.1, "decay", decay_epochs=4))
    rates = [optimiser.learning_rate(Progress(1, epochs)) for epochs in (0.0, 1.0, 4.0, 9.0)]
    assert rates == pytest.approx([0.1, 0.075, 0.0, 0.0])


def test_a_step_counts_whenever_the_weights_move(tmp_path):
    """One of two accumulated batches is not finite, in each epoch: the other one moves the weights, and counts."""
    one = trainer(tmp_path, 2, bad=(0,), accumulate=2)
    one.fit()
    assert one.step == len(one.system.steps) == 6 and [record["skipped"] for record in one.history] == [1, 1]
    alone = trainer(tmp_path / "alone", 1, bad=range(24))
    before = weights(alone)
    alone.fit()
    assert alone.step == 0 and torch.equal(weights(alone), before)


def test_groups_have_rates_and_norms_of_their_own():
    a, b = (nn.Parameter(torch.zeros(2)) for _ in range(2))
    settings = Optimisation(0.1, "constant", clip_norm=1.0, group_rates={"classifier": 0.01})
    optimiser = Optimiser({"network": [a], "classifier": [b]}, settings)
    a.grad, b.grad = torch.tensor([30.0, 40.0]), torch.tensor([0.3, 0.4])
    norms = []
    optimiser.adam.register_step_pre_hook(lambda *_: norms.extend(float(p.grad.norm()) for p in (a, b)))
    assert optimiser.step(Progress(1, 1.0))
    assert norms == pytest.approx([1.0, 0.5], rel=1e-4)  # clipped apart: the large one does not shrink the small one
    torch.testing.assert_close(a.detach(), torch.tensor([-0.1, -0.1]), rtol=1e-4, atol=0)
    torch.testing.assert_close(b.detach(), torch.tensor([-0.01, -0.01]), rtol=1e-4, atol=0)
    with pytest.raises(UserError, match="names 'clasifier', no group.*did you mean 'classifier'"):
        Optimiser({"network": [a], "classifier": [b]}, Optimisation(group_rates={"clasifier": 0.1}))
