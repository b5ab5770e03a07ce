"""Who writes a directory: one living process. What dies leaves a lock that stands in nobody's way."""

import json
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from dataclasses import asdict, replace

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as some

from sedsep import owner
from sedsep.cli import sedsep
from sedsep.errors import UserError
from sedsep.files import writing_directory
from sedsep.owner import Owner, owning
from sedsep.train import train
from tests.test_train import SEPARATION, merged

FORK = multiprocessing.get_context("fork")  # torch is imported once
HOLDS = """
import sys, time
from sedsep.files import writing_directory
from sedsep.owner import owning
with {block} as directory:
    print("holds", flush=True)
    time.sleep(600)
"""


def holder(block, env=None):
    """A process that holds a directory until it is ended."""
    child = subprocess.Popen([sys.executable, "-c", HOLDS.format(block=block)], stdout=subprocess.PIPE, text=True,
                             env={**os.environ, **(env or {})})  # fmt: skip
    assert child.stdout.readline() == "holds\n"
    return child


def dead():
    """The number of a process that has just ended."""
    child = subprocess.Popen(["true"])
    child.wait()
    return child.pid


def left(directory, silent=0.0, **changes):
    """A lock as another process would have left it, touched ``silent`` seconds ago."""
    directory.mkdir(exist_ok=True)
    lock = directory / ".lock"
    lock.write_text(json.dumps(asdict(replace(Owner.of_this_process(), **changes))))
    then = time.time() - silent
    os.utime(lock, (then, then))
    return lock


def free(directory):
    """Whether the directory can be had, and is clean afterwards."""
    try:
        with owning(directory):
            assert Owner(**json.loads((directory / ".lock").read_text())).pid == os.getpid()
    except UserError:
        return False
    return not (directory / ".lock").exists()


def test_a_lock_goes_with_its_block_and_so_does_a_directory_that_stayed_empty(tmp_path):
    with owning(tmp_path / "new"):
        assert (tmp_path / "new/.lock").exists()
    assert not (tmp_path / "new").exists()
    with pytest.raises(KeyError), owning(tmp_path / "new"):
        (tmp_path / "new/file").touch()
        raise KeyError
    assert os.listdir(tmp_path / "new") == ["file"]


def test_a_living_process_is_named(tmp_path):
    child = holder(f"owning({str(tmp_path / 'out')!r})", {"SLURM_JOB_ID": "4711"})
    try:
        with pytest.raises(UserError) as caught, owning(tmp_path / "out"):
            pass
        line = f"{tmp_path}/out: in use by process {child.pid} on {os.uname().nodename}, Slurm job 4711 (since "
        assert str(caught.value).startswith(line) and "\n" not in str(caught.value)
    finally:
        child.kill()
        child.wait()
    assert free(tmp_path / "out")


def test_a_zombie_is_dead(tmp_path):
    child = holder(f"owning({str(tmp_path / 'out')!r})")
    child.kill()
    while owner.start_of(child.pid) is not None:
        time.sleep(0.01)
    assert free(tmp_path / "out")  # nobody has waited for it yet
    child.wait()


def test_the_same_process_twice_is_refused_too(tmp_path):
    with owning(tmp_path / "out"):
        assert not free(tmp_path / "out")


def test_a_dead_process_of_this_machine(tmp_path):
    left(tmp_path / "out", pid=dead())
    assert free(tmp_path / "out")


def test_a_number_that_another_process_got_since(tmp_path):
    left(tmp_path / "out", pid=os.getppid())
    assert free(tmp_path / "out")


@pytest.mark.parametrize("silent, is_free", [(0, False), (250, False), (-250, False), (310, True), (-310, True)])
def test_another_machine_counts_as_dead_after_five_silent_minutes(tmp_path, silent, is_free):
    left(tmp_path / "out", silent, machine="another", host="node7")
    if not is_free:
        with pytest.raises(UserError, match=r"on node7.*if it is dead: the same command works in \d+ s"):
            with owning(tmp_path / "out"):
                pass
    assert free(tmp_path / "out") == is_free


def test_containers_with_equal_numbers_are_different_machines(tmp_path):
    """Two containers on one host, or two machines of one name: the number alone says nothing."""
    left(tmp_path / "out", machine=f"{os.uname().nodename} boot pid:[4026532999]")
    assert not free(tmp_path / "out")


@pytest.mark.parametrize("job, is_free", [("77", True), ("78", False), ("", False)])
def test_a_job_that_was_requeued_goes_on_at_once_on_another_machine(tmp_path, monkeypatch, job, is_free):
    left(tmp_path / "out", machine="another", job=job)
    monkeypatch.setenv("SLURM_JOB_ID", "77")
    assert free(tmp_path / "out") == is_free


def test_the_same_job_on_this_machine_must_have_ended(tmp_path, monkeypatch):
    """Two steps of one allocation are two runs."""
    monkeypatch.setenv("SLURM_JOB_ID", "77")
    with owning(tmp_path / "out"):
        assert not free(tmp_path / "out")


@given(text=some.binary(max_size=50))
def test_a_lock_that_was_not_written_to_its_end_is_nobodys(tmp_path_factory, text):
    lock = left(tmp_path_factory.mktemp("x"))
    lock.write_bytes(text)
    assert free(lock.parent)
    lock.write_text('{"pid": 1}')
    assert free(lock.parent)


def test_of_many_that_come_at_once_one_gets_it(tmp_path):
    left(tmp_path / "out", pid=dead())
    code = ("import sys\nfrom sedsep.owner import owning\nfrom sedsep.errors import UserError\n"
            "sys.stdin.readline()\ntry:\n  with owning(sys.argv[1]):\n    print('got', flush=True)\n    "
            "sys.stdin.readline()\nexcept UserError: print('not', flush=True)")  # fmt: skip
    children = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "out")], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, text=True) for _ in range(6)]  # fmt: skip
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    said = sorted(child.stdout.readline() for child in children)
    for child in children:
        child.communicate()
    assert said == ["got\n"] + ["not\n"] * 5 and os.listdir(tmp_path / "out") == []


def test_a_lock_is_touched_and_comes_back_where_somebody_deletes_it(tmp_path, monkeypatch):
    monkeypatch.setattr(owner, "BEAT", 0.05)
    with owning(tmp_path):
        os.utime(tmp_path / ".lock", (0, 0))
        until(lambda: (tmp_path / ".lock").stat().st_mtime > 1)
        (tmp_path / ".lock").unlink()
        until(lambda: (tmp_path / ".lock").exists())
        assert not free(tmp_path)
    assert os.listdir(tmp_path) == [] and threading.active_count() < 10


def until(condition):
    limit = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.02)


def test_a_process_that_was_taken_over_writes_no_more(tmp_path):
    """It slept for five minutes (a disk was away, a job suspended), and another machine took its place."""
    code = f"""
import time
from sedsep import owner
from sedsep.cli import sedsep
owner.BEAT = 0.1
with owner.owning({str(tmp_path / "out")!r}):
    print("holds", flush=True)
    time.sleep(60)
    open({str(tmp_path / "out/written")!r}, "w")
"""
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "holds\n"
    lock = left(tmp_path / "out", machine="another")
    text = lock.read_text()
    _, said = child.communicate(timeout=30)
    assert child.returncode == 1 and said.startswith("sedsep: error: ") and said.count("\n") == 1, said
    assert lock.read_text() == text and os.listdir(tmp_path / "out") == [".lock"]


def test_a_directory_that_is_written_as_a_whole(tmp_path):
    out = tmp_path / "out"
    child = holder(f"writing_directory({str(out)!r}, 'a thing')")
    with pytest.raises(UserError, match=f"{out}: in use by process {child.pid}"), writing_directory(out, "a thing"):
        pass
    child.kill()
    child.wait()
    assert (tmp_path / ".out.part").exists() and (tmp_path / ".out.lock").exists()
    with writing_directory(out, "a thing") as directory:
        (directory / "x").touch()
    assert os.listdir(tmp_path) == ["out"] and sorted(os.listdir(out)) == [".sedsep", "x"]


@pytest.mark.parametrize(
    "command",
    ["soundbank {out} --synthesise --per-class 1", "gather {out} --list names {list} --audio {sounds} --classes A"],
)
def test_commands_that_make_data_are_refused_too(tmp_path, command):
    (tmp_path / "list").write_text("filename\nx.wav\n")
    (tmp_path / "sounds").mkdir()
    words = command.format(out=tmp_path / "out", list=tmp_path / "list", sounds=tmp_path / "sounds").split()
    with owning(tmp_path / "out", beside=True):
        done = CliRunner().invoke(sedsep, words)
    assert isinstance(done.exception, UserError) and "in use by process" in str(done.exception), done.output


@pytest.mark.parametrize("replaced", [True, False])
def test_a_kill_between_the_two_renames_loses_nothing(tmp_path, replaced):
    with writing_directory(tmp_path / "out", "a thing") as directory:
        (directory / "x").touch()
    os.replace(tmp_path / "out", tmp_path / ".out.old")
    if replaced:
        with writing_directory(tmp_path / "out", "a thing"):
            pass
    else:
        with pytest.raises(KeyError), writing_directory(tmp_path / "out", "a thing"):
            raise KeyError
    assert os.listdir(tmp_path) == ["out"] and (tmp_path / "out/x").exists() != replaced


def endless(directory, clips, valid):
    train("train-sep", merged(SEPARATION, schedule={"epochs": 100000}), directory, *streams(clips, valid))


def streams(clips, valid):
    return {"mixtures": [clips]}, {"mixtures": [valid]}


def test_a_second_training_is_refused_and_a_killed_one_goes_on(tmp_path, make_set):
    clips, valid, run = make_set("clips"), make_set("valid", 2, stems=True), tmp_path / "run"
    child = FORK.Process(target=endless, args=(run, clips, valid))
    child.start()
    until((run / "last.pt").exists)
    before = (run / "config.yaml").read_bytes()
    with pytest.raises(UserError, match=f"{run}: in use by process {child.pid} on "):
        train("train-sep", {**SEPARATION, "seed": 7}, run, *streams(clips, valid))
    assert (run / "config.yaml").read_bytes() == before
    child.kill()
    child.join()
    assert (run / ".lock").exists()
    train("train-sep", SEPARATION, run, *streams(clips, valid))
    assert not (run / ".lock").exists()


def test_so_it_is_with_several_processes_of_which_the_launcher_is_killed(tmp_path, make_set, monkeypatch):
    monkeypatch.setenv("SEDSEP_FAST", "0")  # nothing is compiled
    (tmp_path / "sep.yaml").write_text(yaml.safe_dump(SEPARATION))
    clips, valid = make_set("clips", 8), make_set("valid", 2, stems=True)
    command = [sys.executable, "-m", "sedsep.cli", "train-sep", "--conf", tmp_path / "sep.yaml", "--train", clips]
    command += ["--valid", valid, "--exp", tmp_path / "run"]
    child = subprocess.Popen([*command, "--ngpu", "2", "--set", "schedule.epochs=100000"], stderr=subprocess.DEVNULL)
    try:
        until(lambda: (tmp_path / "run/last.pt").exists() or child.poll() is not None)
        second = subprocess.run([*command, "--seed", "7"], capture_output=True, text=True, check=False)
        assert second.returncode == 1 and second.stderr.count("\n") == 1, second.stderr
        assert second.stderr.startswith(f"sedsep: error: {tmp_path}/run: in use by process "), second.stderr
    finally:
        child.kill()
        child.wait()
    again = subprocess.run([*command, "--ngpu", "2"], capture_output=True, text=True, check=False)
    assert again.returncode == 0 and "goes on after epoch" in again.stderr, again.stderr
    assert not (tmp_path / "run/.lock").exists()
