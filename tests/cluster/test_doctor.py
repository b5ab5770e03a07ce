"""The doctor: what is well, what is not, and that every fault comes with a cure."""

import re
import resource
import shutil
from collections import namedtuple
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from sedsep.cli import sedsep
from sedsep.cluster import doctor


def test_a_fit_machine(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "queue", lambda: doctor.Finding("Slurm", "none here"))
    monkeypatch.setattr(doctor, "disk", lambda work: doctor.Finding("disk", "enough"))
    monkeypatch.setattr(doctor, "shared_memory", lambda: doctor.Finding("shared memory", "enough"))
    done = CliRunner().invoke(sedsep, ["doctor", "--work", str(tmp_path)])
    assert done.exit_code == 0 and "!!" not in done.output, done.output
    assert f"torch {torch.__version__}" in done.output and "cores" in done.output


def test_a_fault_is_an_exit_code(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "builds", lambda: doctor.Finding("builds", "odd", "mend it"))
    done = CliRunner().invoke(sedsep, ["doctor", "--work", str(tmp_path)])
    assert done.exit_code == 1 and "!!  builds         odd\n                   -> mend it\n" in done.output


def test_builds_that_are_no_pair(monkeypatch):
    monkeypatch.setattr(doctor.torch, "__version__", "2.11.0+cu130")
    monkeypatch.setattr(doctor.torchaudio, "__version__", "2.9.1")
    assert doctor.builds().cure == "pip install 'torchaudio==2.11.*'"


@pytest.mark.parametrize(
    "examine, free, cure", [("shared_memory", 64 << 20, "data.workers=0"), ("disk", 1 << 30, "free some space")]
)
def test_too_little_room(tmp_path, monkeypatch, examine, free, cure):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: namedtuple("Usage", "free")(free))
    assert cure in getattr(doctor, examine)(str(tmp_path)).cure


def test_open_files(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 4096))
    assert doctor.open_files() == ("open files", "256 allowed (at most 4096)", "ulimit -n 1024")


def test_too_many_threads(monkeypatch):
    monkeypatch.setattr(doctor.os, "sched_getaffinity", lambda _: {0})
    monkeypatch.setattr(doctor.torch, "get_num_threads", lambda: 16)
    assert "OMP_NUM_THREADS=1" in doctor.processors().cure


def test_a_place_that_cannot_be_written(tmp_path):
    assert "choose another" in doctor.writable(tmp_path / "absent").cure and doctor.writable(tmp_path).cure is None


def test_a_slurm_that_is_absent_and_one_that_answers(monkeypatch, tmp_path, request):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(tmp_path))
        assert "none here" in doctor.queue().text and doctor.queue().cure is None
    slurm = request.getfixturevalue("slurm")
    monkeypatch.setenv("SLURM_CONF", slurm["SLURM_CONF"])
    assert doctor.queue() == ("Slurm", "local* up 2 nodes", None)
    text = Path(slurm["SLURM_CONF"]).read_text()
    (tmp_path / "slurm.conf").write_text(re.sub(r"(SlurmctldPort)=.*", r"\1=1", text) + "MessageTimeout=2\n")
    monkeypatch.setenv("SLURM_CONF", str(tmp_path / "slurm.conf"))
    assert "local_slurm.sh start" in doctor.queue().cure
