"""Threads: the processors that count, and what is said to the OpenMP runtimes before torch is loaded."""

import json
import os
import subprocess
import sys

import pytest
import torch

from sedsep import threads
from sedsep.engine.experiment import open_experiment


def test_a_short_spin_unless_the_user_has_chosen():
    said = {}
    threads.prepare(said)
    assert said["GOMP_SPINCOUNT"] == "1000" and said["KMP_BLOCKTIME"] == "0"
    for name in threads.SPINS:
        said = {name: "x"}
        threads.prepare(said)
        assert {key: value for key, value in said.items() if key in threads.SPINS} == {name: "x"}


@pytest.mark.parametrize(
    "files, quota",
    [
        ({"cpu.max": "150000 100000\n"}, 1.5),
        ({"cpu.max": "max 100000\n"}, None),
        ({"cpu/cpu.cfs_quota_us": "50000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 0.5),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ({"cpu.max": "garbage\n"}, None),
        ({}, None),
    ],
)
def test_the_quota_of_a_container(tmp_path, monkeypatch, files, quota):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert threads.quota_of(tmp_path) == quota
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    monkeypatch.delenv("SLURM_CPUS_PER_TASK", raising=False)
    assert threads.processors(tmp_path) == {1.5: 2, 0.5: 1, None: 8}[quota]
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "3")
    assert threads.processors(tmp_path) == {1.5: 2, 0.5: 1, None: 3}[quota]


def test_fewer_processors_are_fewer_threads(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "3")
    for given, expected in (({}, "3"), ({"OMP_NUM_THREADS": "5"}, "5")):
        said = dict(given)
        threads.prepare(said)
        assert said["OMP_NUM_THREADS"] == expected


def test_commands_set_it_before_torch_is_loaded(here):
    script = (
        "import sys; sys.argv = ['sedsep', 'doctor', '--work', '.']\n"
        "from sedsep.cli import main\n"
        "assert 'torch' not in sys.modules\n"
        "main()"
    )
    environment = {key: value for key, value in here.items() if key not in threads.SPINS}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert "GOMP_SPINCOUNT=1000" in done.stdout, done.stderr


def test_going_on_with_another_number_of_threads_is_said(tmp_path, capfd):
    open_experiment(tmp_path, {"seed": 1}, lambda old: old)
    kept = json.loads((tmp_path / "environment.json").read_text())
    assert kept["threads"] == torch.get_num_threads() == 1
    (tmp_path / "last.pt").write_bytes(b"")
    open_experiment(tmp_path, {"seed": 1}, lambda old: old)
    assert "threads" not in capfd.readouterr().err
    torch.set_num_threads(2)
    open_experiment(tmp_path, {"seed": 1}, lambda old: old)
    assert "was trained with 1 threads and goes on with 2" in capfd.readouterr().err
