"""The launcher of several processes: one error, one line, one exit code; signals and kills reach the run as a whole."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import yaml

from sedsep.engine import checkpoint, processes
from sedsep.errors import UserError
from tests.test_train import SEPARATION, merged


@pytest.fixture
def clips(make_set):
    return make_set("clips", 16, stems=True), make_set("few", stems=True)


def tiny(tmp_path, clips, **changes):
    (tmp_path / "sep.yaml").write_text(yaml.safe_dump(merged(SEPARATION, **changes)))
    command = [sys.executable, "-m", "sedsep.cli", "train-sep", "--conf", tmp_path / "sep.yaml", "--exp",
               tmp_path / "run", "--train", clips[0], "--valid", clips[1]]  # fmt: skip
    return [str(word) for word in command]


def test_the_command_with_two_processes_and_an_error_in_one_of_them(tmp_path, clips):
    clip = sorted(clips[0].glob("audio/*.wav"))[0]
    clip.write_bytes(clip.read_bytes()[:30])
    done = subprocess.run([*tiny(tmp_path, clips), "--ngpu", "2"], capture_output=True, text=True, check=False)
    lines = [line for line in done.stderr.splitlines() if "batch" not in line and line.strip()]
    assert done.returncode == 1 and done.stdout == "", done.stderr
    assert len(lines) == 1 and lines[0].startswith("sedsep: error: ") and clip.name in lines[0], done.stderr


def test_the_command_with_two_processes_leaves_on_a_signal(tmp_path, clips):
    command = [*tiny(tmp_path, clips, schedule={"epochs": 100000}), "--ngpu", "2"]
    child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "run/last.pt").exists() and child.poll() is None:
        time.sleep(0.1)
    child.send_signal(signal.SIGUSR1)
    _, said = child.communicate(timeout=300)
    assert child.returncode == 75 and "SIGUSR1 came" in said and "Traceback" not in said, said
    assert checkpoint.load(tmp_path / "run/last.pt")["step"] > 0


def test_a_node_that_waits_for_the_others_in_vain_says_so(monkeypatch):
    monkeypatch.setattr(processes, "MINUTES_TO_MEET", 0.05)
    step = {"SLURM_JOB_ID": str(os.getpid()), "SLURM_STEP_NUM_NODES": "2", "SLURM_PROCID": "0"}
    for name, value in {**step, "SEDSEP_FIRST_NODE": "127.0.0.1"}.items():
        monkeypatch.setenv(name, value)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGUSR1, signal.SIGUSR2)}
    with pytest.raises(UserError, match="2 nodes did not meet at 127.0.0.1.*srun --ntasks-per-node=1"):
        processes.launch(1, [])
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_a_process_that_is_killed_is_worth_another_try(tmp_path, clips):
    command = [*tiny(tmp_path, clips, schedule={"epochs": 100000}), "--ngpu", "2"]
    child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "run/last.pt").exists() and child.poll() is None:
        time.sleep(0.1)
    ranks_of_it = Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()
    os.kill(int(ranks_of_it[-1]), signal.SIGKILL)
    _, said = child.communicate(timeout=300)
    assert child.returncode == 137 and "was killed by SIGKILL (out of memory?)" in said, said
    assert "Traceback" not in said


def test_of_several_failures_the_cause_is_named():
    def failed(*codes):
        return SimpleNamespace(failures={
            rank: SimpleNamespace(exitcode=code, timestamp=5, error_file="<N/A>") for rank, code in enumerate(codes)
        })  # fmt: skip

    killed = processes._reason(failed(1, -9))
    assert "process 1 was killed by SIGKILL" in str(killed) and killed.code == 137
    assert processes._reason(failed(-6, -9)).code == 137 and processes._reason(failed(1, -6)).code == 134
    assert processes._reason(failed(1, 75)).code == 75 and processes._reason(failed(130, 1)).code == 130
    assert "process 0 ended with exit code 1; see above" in str(processes._reason(failed(1, 1)))


def test_who_launches(monkeypatch):
    for name in ("RANK", "SLURM_PROCID", "SLURM_STEP_NUM_NODES", "SLURM_STEP_NUM_TASKS"):
        monkeypatch.delenv(name, raising=False)
    assert processes.wanted(2) and not processes.wanted(1)
    for name, value in {"SLURM_PROCID": "0", "SLURM_STEP_NUM_NODES": "2", "SLURM_STEP_NUM_TASKS": "2"}.items():
        monkeypatch.setenv(name, value)
    assert processes.wanted(1)
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "8")
    with pytest.raises(UserError, match="8 tasks on 2 nodes: start one on each"):
        processes.wanted(1)
    monkeypatch.setenv("RANK", "0")
    assert not processes.wanted(4)


def test_what_torchrun_says_of_gpus_is_checked(monkeypatch):
    for name, value in {"RANK": "3", "LOCAL_RANK": "3", "LOCAL_WORLD_SIZE": "4"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    for seen, device in ((4, "cuda:3"), (8, "cuda:3"), (1, "cuda:0")):  # one: each process has a GPU of its own
        assert processes._own_gpu(4, seen) == device
    monkeypatch.setattr(processes, "device_named", lambda device: device)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(UserError, match="4 processes on this node, but it shows 2 GPUs"):
        processes.join("cuda")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "sedsep")
    with pytest.raises(UserError, match="shows 1 GPUs"):
        processes.join("cuda")
