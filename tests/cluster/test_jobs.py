"""Jobs on a real Slurm: an array, exit codes, retries, the time limit, signals and kills in the middle of an epoch."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml

from sedsep.cluster import jobs
from sedsep.cluster.jobs import Job
from sedsep.engine import checkpoint
from sedsep.errors import UserError
from tests.engine.test_trainer import trainer
from tests.test_train import SEPARATION, merged

ROOT = Path(__file__).resolve().parents[2]

# A training run of the real trainer. In the middle of an epoch, while there is a file "hold", it writes the number of
# its process and waits for a signal: it takes as long as it must on any machine, and not longer.
HELD = """
import os, sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from sedsep.engine import survival
from sedsep.errors import Stopped
survival.leave_at_once()
directory, epochs = Path(sys.argv[1]), int(sys.argv[2])
hold, pid = directory.with_name("hold"), directory.with_name("pid")
try:
    from test_trainer import trainer
    one = trainer(directory, epochs, save_minutes=1e-9)
    forward, calls = one.system.forward, []
    def held(batch, now):
        calls.append(now)
        if len(calls) == 3:
            pid.write_text(str(os.getpid()))
            while hold.exists() and one.signals.came is None:
                time.sleep(0.02)
        return forward(batch, now)
    one.system.forward = held
    one.fit()
except Stopped as stopped:
    sys.exit(stopped.code)
"""


def sedsep(slurm, *words, code=0, text=None):
    done = subprocess.run(
        [sys.executable, "-m", "sedsep.cli", *map(str, words)], env=slurm, input=text, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def scontrol(slurm, job):
    return subprocess.run(["scontrol", "show", "job", "-o", job], env=slurm, capture_output=True, text=True).stdout


def until(condition, seconds=600):
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "waited too long"
        time.sleep(0.2)


def train(slurm, directory, epochs, site="default: {cpus: 1, time: '10:00'}"):
    """Submit a training run that waits in each start while there is a file "hold" in the directory; its job number."""
    directory.mkdir()
    (directory / "held.py").write_text(HELD.format(tests=str(ROOT / "tests/engine")))
    (directory / "site.yaml").write_text(site)
    (directory / "hold").touch()
    command = [sys.executable, directory / "held.py", directory / "run", epochs]
    return sedsep(slurm, "submit", "--site", directory / "site.yaml", directory / "log/train.log", *command).strip()


@pytest.fixture(scope="module")
def limited(slurm, tmp_path_factory):
    """A run with a limit of a minute that waits for the warning before it: submitted first, looked at last."""
    directory = tmp_path_factory.mktemp("limited") / "exp"
    return directory, train(slurm, directory, 4, "default: {cpus: 1, time: '1:00', warning: 40}")


def same_as_undisturbed(directory, tmp_path, epochs):
    straight = trainer(tmp_path / "straight", epochs)
    straight.fit()
    found = checkpoint.load(directory / "run/last.pt")["weights"]
    return all(torch.equal(value, found[name]) for name, value in straight.system.state_dict().items())


def test_an_array_with_failures_and_their_retry(slurm, limited, tmp_path):
    once = f"test -e {tmp_path}/once || {{ touch {tmp_path}/once; exit 9; }}"
    mend = f"test -e {tmp_path}/mended || {{ echo 'no such thing'; exit 1; }}"
    tasks = {"good": "true", "crashes_once": f"bash -c '{once}'", "mistake": f'bash -c "{mend}"'}
    lines = "".join(f"{tmp_path}/log/{name}.log\t{command}\n" for name, command in tasks.items())
    job = sedsep(slurm, "submit", "--array", tmp_path / "log/three.log", text=lines).strip()
    until(lambda: not any(found.alive for found in read(slurm, tmp_path)))
    shown = sedsep(slurm, "jobs", tmp_path)
    assert re.search(rf"{job}_1 +good +done\n", shown) and re.search(rf"{job}_2 +crashes_once +done\n", shown)
    assert re.search(rf"{job}_3 +mistake +error \(exit code 1\); .*mistake.log ends:\n", shown)
    assert "          no such thing\n" in shown
    log = (tmp_path / "log/crashes_once.log").read_text()
    assert "exit code 9" in log and "start 2" in log
    before = (tmp_path / "log/good.log").read_bytes()
    (tmp_path / "mended").touch()
    again = sedsep(slurm, "jobs", tmp_path, "--retry").strip()
    sedsep(slurm, "jobs", tmp_path, "--wait", again)
    assert re.search(rf"{again}_3 +mistake +done\n", sedsep(slurm, "jobs", tmp_path))
    assert (tmp_path / "log/good.log").read_bytes() == before


def read(slurm, directory):
    with pytest.MonkeyPatch.context() as patch:
        for name in ("SLURM_CONF", "PATH"):
            patch.setenv(name, slurm[name])
        return jobs.read(directory)


def test_the_exit_code_is_the_jobs_and_what_comes_after_is_cancelled(slurm, tmp_path):
    (tmp_path / "site.yaml").write_text("default: {retries: 0}")
    submit = ["submit", "--site", tmp_path / "site.yaml"]
    waits = f"until test -e {tmp_path}/go; do sleep 0.1; done; echo alas; exit 7"
    bad = sedsep(slurm, *submit, tmp_path / "log/bad.log", "bash", "-c", waits).strip()
    next_one = sedsep(slurm, *submit, "--after", bad, tmp_path / "log/next.log", "true").strip()
    assert "waiting (Dependency)" in sedsep(slurm, "jobs", tmp_path)
    (tmp_path / "go").touch()
    shown = sedsep(slurm, "jobs", tmp_path, "--wait", bad, "--wait", next_one, code=7)
    assert f"{bad}  bad" in shown and "error (exit code 7)" in shown and "alas" in shown
    until(lambda: "cancelled" in sedsep(slurm, "jobs", tmp_path))


def test_a_signal_and_a_kill_in_the_middle_of_an_epoch(slurm, tmp_path):
    directory = tmp_path / "exp"
    job = train(slurm, directory, 3)
    run, log, pid = directory / "run", directory / "log/train.log", directory / "pid"
    until(pid.exists)
    pid.unlink()
    subprocess.run(["scancel", "--signal=USR1", job], env=slurm, check=True)
    until(lambda: pid.exists() and pid.read_text())
    assert "exit code 75" in log.read_text() and "goes on after epoch" in log.read_text()
    assert checkpoint.load(run / "last.pt")["tally"]["seen"] > 3, "both starts are in the middle of an epoch"
    os.kill(int(pid.read_text()), signal.SIGKILL)
    (directory / "hold").unlink()
    sedsep(slurm, "jobs", directory, "--wait", job)
    assert "exit code 137" in log.read_text() and "Restarts=2" in scontrol(slurm, job)
    assert same_as_undisturbed(directory, tmp_path, 3)


def test_two_nodes_with_two_processes_each_equal_one_process(slurm, tmp_path, make_set):
    clips, valid = make_set("clips", 8), make_set("valid", 2)
    (tmp_path / "site.yaml").write_text("default: {cpus: 1, nodes: 2, time: '10:00'}")
    (tmp_path / "sep.yaml").write_text(yaml.safe_dump(merged(SEPARATION, data={"seconds": 0.5, "batch": 8})))
    command = ["train-sep", "--conf", tmp_path / "sep.yaml", "--train", clips, "--valid", valid, "--exp"]
    job = sedsep(slurm, "submit", "--site", tmp_path / "site.yaml", tmp_path / "log/train.log", sys.executable, "-m",
                 "sedsep.cli", *command, tmp_path / "many", "--ngpu", "2").strip()  # fmt: skip
    sedsep(slurm, *command, tmp_path / "one")
    sedsep(slurm, "jobs", tmp_path, "--wait", job)
    assert json.loads((tmp_path / "many/environment.json").read_text())["processes"] == 4
    one, many = (checkpoint.load(tmp_path / name / "last.pt")["weights"] for name in ("one", "many"))
    assert all((many[name] - value).abs().max() <= 1e-6 for name, value in one.items())


def test_a_job_of_a_job_that_begins_with_an_empty_environment(slurm, tmp_path):
    """It takes neither the number of the task around it, nor its restarts, nor its memory for its own."""
    (tmp_path / "inner.yaml").write_text("default: {extra: ['--export=NONE'], time: 10}")
    (tmp_path / "outer.yaml").write_text("default: {memory: 300M, time: 10}")
    say = "import os, sedsep; print('task', os.environ.get('SLURM_ARRAY_TASK_ID'), os.environ['SEDSEP_SITE'])"
    inner = [sys.executable, "-m", "sedsep.cli", "submit", "--site", tmp_path / "inner.yaml",
             tmp_path / "inner/log/inner.log", "python", "-c", say]  # fmt: skip
    once = f"test -e {tmp_path}/once || {{ touch {tmp_path}/once; exit 9; }}; exec {shlex.join(map(str, inner))}"
    tasks = {"one": "true", "two": shlex.join(["bash", "-c", once])}
    lines = "".join(f"{tmp_path}/log/{name}.log\t{command}\n" for name, command in tasks.items())
    submit = ["submit", "--site", tmp_path / "outer.yaml", "--array", tmp_path / "log/outer.log"]
    job = sedsep(slurm, *submit, text=lines).strip()
    sedsep(slurm, "jobs", tmp_path, "--wait", job)
    until(lambda: not any(found.alive for found in read(slurm, tmp_path / "inner")))
    log = (tmp_path / "inner/log/inner.log").read_text()
    assert "start 1 at" in log and f"\ntask None {slurm['SEDSEP_SITE']}\n# ended with exit code 0" in log, log


def test_interrupting_a_recipe_cancels_its_jobs(slurm, tmp_path):
    command = [ROOT / "egs/desed_2021/run.sh", "--preset", "smoke", "--cmd", "slurm", "--work", tmp_path]
    child = subprocess.Popen([*command, "--stop-stage", "1"], env=slurm, stdout=subprocess.PIPE, text=True,
                             stderr=subprocess.STDOUT)  # fmt: skip
    for line in child.stdout:
        if line.startswith("validate: job"):
            break
    child.send_signal(signal.SIGTERM)
    rest, _ = child.communicate(timeout=300)
    assert child.returncode == 130 and "cancelling jobs" in rest
    until(lambda: all(job.reason in ("cancelled", "done") for job in read(slurm, tmp_path / "exp/mini-smoke-seed42")))


def test_over_the_time_limit_it_requeues_and_finishes(slurm, limited, tmp_path):
    directory, job = limited
    log = directory / "log/train.log"
    until(lambda: log.exists() and "exit code 75" in log.read_text())
    # Where it takes longer than the warning leaves only to start, every start would be told to leave.
    subprocess.run(["scontrol", "update", f"JobId={job}", "TimeLimit=60"], env=slurm, check=True)
    (directory / "hold").unlink()
    sedsep(slurm, "jobs", directory, "--wait", job)
    assert int(re.search(r"Restarts=(\d+)", scontrol(slurm, job))[1]) >= 1
    assert same_as_undisturbed(directory, tmp_path, 4)


def test_a_controller_that_does_not_answer_for_a_while(monkeypatch, tmp_path):
    answers = iter([UserError("squeue: no answer"), UserError("squeue: no answer"), []])

    def read(_):
        answer = next(answers)
        if isinstance(answer, UserError):
            raise answer
        return answer

    monkeypatch.setattr(jobs, "read", read)
    monkeypatch.setattr(jobs, "SLOWEST", 0.01)
    assert jobs.wait(tmp_path, ("5",), print) == 0 and next(answers, None) is None
    answers = iter([UserError("squeue: no answer")] * 100)
    with pytest.raises(UserError, match="no answer"):
        jobs.wait(tmp_path, ("5",), print)


def job_of(tmp_path, state, waits_for="", text="", slurms=""):
    (tmp_path / "x.log").write_text(text)
    (tmp_path / "x.slurm").write_text(slurms)
    return Job("5", tmp_path / "x.sbatch", tmp_path / "x.log", state, waits_for, jobs.exit_code(tmp_path / "x.log"))


@pytest.mark.parametrize(
    "state, waits_for, text, slurms, reason, code",
    [
        ("COMPLETED", "", "# ended with exit code 0 after 3 s\n", "", "done", 0),
        ("FAILED", "", "oh\n# ended with exit code 4 after 3 s\n", "", "error", 4),
        ("", "", "# ended with exit code 0 after 3 s\n", "", "done", 0),  # Slurm forgets
        ("TIMEOUT", "", "cut", "", "time limit", 75),
        ("OUT_OF_MEMORY", "", "cut", "", "out of memory", 137),
        ("FAILED", "", "# ended with exit code 137 after 3 s\n", "slurmstepd: error: oom_kill", "out of memory", 137),
        ("FAILED", "", "# ended with exit code 137 after 3 s\n", "", "killed (out of memory?)", 137),
        (
            "FAILED",
            "",
            "# ended with exit code 138 after 3 s\n",
            "",
            "time limit",
            138,
        ),  # of a command that cannot save
        ("FAILED", "", "# ended with exit code 129 after 3 s\n", "", "told to leave", 129),
        ("NODE_FAIL", "", "cut", "", "node failed", 1),
        ("PREEMPTED", "", "cut", "", "preempted", 75),
        ("PENDING", "DependencyNeverSatisfied", "", "", "cancelled", 130),
        ("", "", "cut", "", "unknown: neither Slurm nor the log says", 1),
    ],
)
def test_reasons_of_death(tmp_path, state, waits_for, text, slurms, reason, code):
    job = job_of(tmp_path, state, waits_for, text, slurms)
    assert (job.alive, job.reason, job.exit_code) == (False, reason, code)


def test_a_bar_shows_what_it_says_last(tmp_path):
    (tmp_path / "x.log").write_text("a\nb\repoch 1\repoch 2\n\n")
    assert jobs.tail(tmp_path / "x.log", 2) == "a\nepoch 2" and jobs.tail(tmp_path / "none", 3) == ""
