"""Two processes do what one does: the same losses and weights for every system."""

import multiprocessing
import os
import re
import signal
import socket

import pytest
import torch

from sedsep import ranks
from sedsep.engine import checkpoint
from sedsep.errors import Stopped, UserError
from sedsep.systems import SYSTEMS
from sedsep.train import train as train_task
from tests.test_train import DETECTION, EXTRACTION, SEPARATION, merged

FORK = multiprocessing.get_context("fork")  # torch is imported once
STEPS = 20
MASKER = {"n_sources": 3, "bottleneck": 4, "hidden": 8, "skip": 4, "n_blocks": 2, "n_repeats": 1}
GIVEN = {"separation": "stems", "extraction": "stems", "weak_detection": "tags"}
LONG = {"schedule": {"epochs": 1}, "optimisation": {"warmup_epochs": 1}}
WEAK = {
    "schedule": {"epochs": 1},
    # A softmax leaves gradients that are all but zero, see ``cases``.
    "optimisation": {"warmup_epochs": 1, "learning_rate": 2e-5},
    "data": {"seconds": 1.0, "weak": 2},
    "system": {
        "frontend": {
            "spectrum": {"sample_rate": 8000, "n_fft": 256, "hop": 128, "n_mels": 8, "f_max": 4000.0, "centred": False},
            "compression": {"kind": "ln"},
        },
        "detector": {"kind": "class_maps", "encoder": {"channels": [3, 4]}, "pooling": {"n_frames": 61}},
        "reconstruction": {"weight": 0.1, "channels": [3]},
    },
}


def train(kind, configuration, *rest):
    """Train a system of that kind, whichever command does."""
    system = {**configuration.get("system", {}), "kind": kind}
    return train_task(SYSTEMS[kind].task, {**configuration, "system": system}, *rest)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def in_ranks(count, function, *arguments):
    """Run ``function(*arguments)`` in ``count`` processes that torchrun could have started; all must end well."""
    port = free_port()
    children = [FORK.Process(target=as_rank, args=(rank, count, port, function, arguments)) for rank in range(count)]
    for child in children:
        child.start()
    for child in children:
        child.join(120)
    assert [child.exitcode for child in children] == [0] * count


def as_rank(rank, count, port, function, arguments):
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(count), LOCAL_WORLD_SIZE=str(count),
                      MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))  # fmt: skip
    function(*arguments)


@pytest.fixture
def sets(make_set):
    strong, weak = make_set("strong", 2 * STEPS, stems=True), make_set("weak", 2 * STEPS, strong=False)
    bare, stems = make_set("bare", 2 * STEPS, strong=False, weak=False), make_set("stems", 4 * STEPS, stems=True)
    valid = {"strong": [make_set("valid", 4)], "weak": [make_set("weakvalid", 4, strong=False)]}
    return {
        "labelled": ({"strong": [strong], "weak": [weak], "unlabelled": [bare]}, valid),
        "stems": ({"mixtures": [stems]}, {"mixtures": [make_set("few", stems=True)]}),
        "tags": ({"weak": [weak]}, {"weak": valid["weak"]}),
    }


def cases():
    """``id: (system, what differs from its small configuration)``; every system of the house has at least one."""
    labelled = {**DETECTION, **LONG}
    mixed = {**labelled["system"], "mixup": {"probability": 0.7}}
    # Adam divides by the gradient's size: where that is all but zero, rounding moves a weight by up to the rate.
    joint = merged(
        {key: value for key, value in labelled.items() if key != "system"}, optimisation={"learning_rate": 5e-4}
    )
    return {
        "mixit": ("separation", {**SEPARATION, **LONG}),
        "pit": ("separation", merged({**SEPARATION, **LONG}, system={"loss": "pit"})),
        "weak detection": ("weak_detection", WEAK),
        "mean teacher": ("detection", {**labelled, "system": mixed}),
        "joint": ("joint", merged(joint, system={"mode": "joint", "freeze_batch_norm": False})),
        "ssep+sed": ("ssep_sed", joint),
        "task-aware": ("task_aware", merged(joint, system={"masker": MASKER})),
        "joint, task losses": ("joint", merged(joint, system={"mode": "stage2", "task_losses": {}})),
        "target extraction": ("extraction", {**EXTRACTION, **LONG}),
        "joint, accumulated": ("joint", merged(joint, system={"mode": "stage1"}, optimisation={"accumulate": 3})),
    }


def parts_of(name, sets, tmp_path):
    """The initial models of a system that starts from others."""
    if name not in ("joint", "ssep_sed", "task_aware"):
        return None
    train("detection", merged(DETECTION, data={"batches": 1}), tmp_path / "sed", *sets["labelled"])
    if name == "task_aware":
        return {"detector": tmp_path / "sed/best_teacher.pt"}
    train("separation", merged(SEPARATION, data={"batches": 1}), tmp_path / "sep", *sets["stems"])
    return {"separator": tmp_path / "sep/best_separator.pt", "detector": tmp_path / "sed/best_teacher.pt"}


def test_every_system_is_compared():
    assert {name for name, _ in cases().values()} == set(SYSTEMS)


@pytest.mark.parametrize("case", cases())
def test_two_processes_equal_one(tmp_path, sets, case):
    name, configuration = cases()[case]
    given = sets[GIVEN.get(name, "labelled")]
    initial = parts_of(name, sets, tmp_path)
    train(name, configuration, tmp_path / "one", *given, initial)
    in_ranks(2, train, name, configuration, tmp_path / "two", *given, initial)
    one, two = (checkpoint.load(tmp_path / directory / "last.pt") for directory in ("one", "two"))
    assert one["step"] == two["step"] >= (STEPS if "accumulate" not in str(configuration) else 6)
    assert one["history"][0]["loss"] == pytest.approx(two["history"][0]["loss"], abs=1e-6, rel=1e-6)
    assert one["best"].keys() == two["best"].keys()
    for key, value in one["weights"].items():
        # Batch norm takes a constant added before it away again: the gradient of that bias is rounding noise, which
        # Adam makes as large as any other step. It changes no output, only itself and the mean that is subtracted.
        if not re.search(r"cnn\.\d+\.(0\.bias|1\.running_mean)$", key):
            assert (two["weights"][key] - value).abs().max() <= 1e-6, key


def test_three_processes_with_unequal_shares_equal_one(tmp_path, sets):
    configuration = {**DETECTION, **LONG, "data": {**DETECTION["data"], "strong": 1, "weak": 2, "unlabelled": 1}}
    train("detection", configuration, tmp_path / "one", *sets["labelled"])
    in_ranks(3, train, "detection", configuration, tmp_path / "three", *sets["labelled"])
    one, three = (checkpoint.load(tmp_path / directory / "last.pt") for directory in ("one", "three"))
    assert one["history"][0]["loss"] == pytest.approx(three["history"][0]["loss"], abs=1e-6, rel=1e-6)


def stop_and_go_on(directory, given):
    """The second rank gets a signal in the middle of training; all leave at the same step, and go on to the end."""

    def signal_in_training(*_):
        if (directory / "last.pt").exists():
            signal.setitimer(signal.ITIMER_REAL, 0)
            os.kill(os.getpid(), signal.SIGUSR1)

    if os.environ["RANK"] == "1":
        signal.signal(signal.SIGALRM, signal_in_training)
        signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)
    with pytest.raises(Stopped):
        train("separation", merged(SEPARATION, schedule={"epochs": 1000, "save_minutes": 0.001}), directory, *given)
    resumed = checkpoint.load(directory / "last.pt")["epoch"] + 2
    train("separation", merged(SEPARATION, schedule={"epochs": resumed}), directory, *given)


def test_a_signal_to_one_process_stops_all_at_the_same_step(tmp_path, sets):
    in_ranks(2, stop_and_go_on, tmp_path / "stopped", sets["stems"])
    state = checkpoint.load(tmp_path / "stopped/last.pt")
    in_ranks(2, train, "separation", merged(SEPARATION, schedule={"epochs": state["epoch"]}), tmp_path / "straight",
             *sets["stems"])  # fmt: skip
    straight = checkpoint.load(tmp_path / "straight/last.pt")
    assert all(torch.equal(value, straight["weights"][name]) for name, value in state["weights"].items())


def test_more_processes_than_pairs(monkeypatch):
    monkeypatch.setattr(ranks, "count", lambda: 4)
    with pytest.raises(UserError, match="6 clips cannot be shared by 4 processes; use --ngpu 3 or fewer"):
        ranks.share(6, together=2)
