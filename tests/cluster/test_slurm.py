"""The text of batch scripts, what a site asks for, and a submission that Slurm refuses."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from sedsep.cli import sedsep
from sedsep.cluster import jobs, slurm
from sedsep.cluster.slurm import Request, Task
from sedsep.errors import UserError

GOLDEN = """#!/bin/bash
#SBATCH --job-name=train_sep
#SBATCH --chdir='/home/me/my recipe'
#SBATCH --output=/work/50%%/train_sep.slurm
#SBATCH --open-mode=append
#SBATCH --time=1:30:00
#SBATCH --partition=gpu
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=6
#SBATCH --mem=16G
#SBATCH --gpus-per-node=4
#SBATCH --signal=USR1@90
#SBATCH --dependency=afterok:11:12
#SBATCH --kill-on-invalid-dep=yes
#SBATCH --requeue
#SBATCH --constraint=a100
export PATH=/venv/bin:$PATH
case ${SLURM_ARRAY_TASK_ID:-1} in
  1) log=/work/50%/train_sep.log; command=(sedsep train-sep --set 'a=[1, 2]') ;;
esac
restarts=${SLURM_RESTART_COUNT:-0}
mkdir -p "$(dirname "$log")"
[ "$restarts" = 0 ] && : > "$log"
printf '# %s\\n# host %s, job %s, start %s at %s\\n' "${command[*]}" "$HOSTNAME" "$SLURM_JOB_ID" \\
  "$((restarts + 1))" "$(date '+%F %T')" >> "$log"
export SEDSEP_FIRST_NODE
first=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
SEDSEP_FIRST_NODE=$(scontrol show node "$first" | grep -o 'NodeAddr=[^ ]*' | cut -d = -f 2)  # where processes meet
trap : TERM USR1 USR2 HUP  # the command gets them too; its exit code says what follows
srun --export=ALL --nodes=2 --ntasks-per-node=1 --cpus-per-task=6 --kill-on-bad-exit=1 "${command[@]}" \\
  >> "$log" 2>&1
code=$?
printf '# ended with exit code %s after %s s\\n' "$code" "$SECONDS" >> "$log"
read -r crashes killed < <(awk '/^# ended with exit code/ {
  if ($6 !~ /^(0|1|2|75|129|138|140|143)$/) crashes++
  killed = $6 ~ /^(129|138|140|143)$/ ? killed + 1 : 0  # in a row
} END { print crashes + 0, killed + 0 }' "$log")
case $code in
  0|1|2) exit "$code" ;;
  75) ;;
  129|138|140|143) [ "$killed" -le 4 ] || exit "$code" ;;
  *) [ "$crashes" -le 3 ] || exit "$code" ;;
esac
[ "$restarts" -ge 1000 ] || { scontrol requeue "$SLURM_JOB_ID" && sleep 60; }  # Slurm ends this start of the job
exit "$code"
"""


def test_the_text_of_a_job():
    request = Request("gpu", None, 90, "16G", 6, 4, 2, ["--constraint=a100"], 90, 3)
    tasks = [slurm.task("/work/50%/train_sep.log", ["sedsep", "train-sep", "--set", "a=[1, 2]"])]
    environment = "export PATH=/venv/bin:$PATH"
    assert slurm.script("train_sep", tasks, request, Path("/home/me/my recipe"), (11, 12), environment) == GOLDEN


def test_the_text_of_an_array():
    tasks = [Task(Path(f"/e/log/decode_{name}.log"), f"sedsep decode {name}") for name in "ab"]
    text = slurm.script("decode", tasks, Request(), Path("/r"))
    assert "#SBATCH --array=1-2\n" in text and "--output=/e/log/decode_%a.slurm\n" in text
    assert "  2) log=/e/log/decode_b.log; command=(sedsep decode b) ;;\n" in text
    assert "gpus" not in text and "dependency" not in text and "partition" not in text
    assert subprocess.run(["bash", "-n"], input=text, text=True, check=False).returncode == 0


def test_what_a_site_asks_for(tmp_path, monkeypatch):
    site = tmp_path / "site.yaml"
    site.write_text("default: {partition: p, time: 2:00:00}\ntrain: {gpus: 1}\ntrain_s1: {gpus: 2, memory: 9G}\n")
    monkeypatch.setenv("SEDSEP_SITE", str(site))
    assert slurm.requested(None, "decode", "x") == Request(partition="p", time="2:00:00", extra=[])
    assert slurm.requested(None, "train_sep", "x").gpus == 1
    assert slurm.requested(None, "train_sep", "sedsep train-sep --ngpu 4 --seed 1").gpus == 4
    assert slurm.requested(None, "train_s1_again", "x").memory == "9G"
    assert slurm.requested(None, "decode", "--ngpu 4").gpus == 0
    site.write_text("train: {gpu: 1}\n")
    with pytest.raises(UserError, match="site.yaml: .*unknown key 'train.gpu' .did you mean 'gpus'"):
        slurm.requested(None, "train_sep", "x")


def test_without_a_site_file_the_defaults_are_asked_for_and_said(tmp_path, monkeypatch):
    monkeypatch.setattr(slurm, "SITE", tmp_path / "site-packages/tools/slurm.yaml")  # as from a wheel
    monkeypatch.delenv("SEDSEP_SITE", raising=False)
    assert slurm.requested(None, "train_sep", "x") == Request(extra=[])
    done = CliRunner().invoke(sedsep, ["submit", "--dry-run", f"{tmp_path}/log/a.log", "true"])
    assert done.exit_code == 0 and "--time=1:00:00" in done.stdout
    assert "no site file: each job asks for 1:00:00 hours, 1 processor and no GPU" in done.stderr
    assert "no site file" not in done.stdout, "the script alone goes there"
    monkeypatch.setenv("SEDSEP_SITE", str(tmp_path / "mine.yaml"))
    with pytest.raises(UserError, match="mine.yaml"):
        slurm.requested(None, "train_sep", "x")


def test_the_repositorys_own_site_file_is_legal():
    for name in ("prepare", "simulate", "train_sep", "decode", "report"):
        assert slurm.requested(slurm.SITE, name, "x").cpus >= 2


@pytest.mark.parametrize(
    "fake, message",
    [
        (None, "sbatch is not here: no Slurm on this machine"),
        ("echo 'sbatch: error: invalid partition specified: x' >&2; exit 1", "sbatch: error: invalid partition"),
    ],
)
def test_a_submission_that_fails_says_why(tmp_path, monkeypatch, fake, message):
    if fake:
        (tmp_path / "sbatch").write_text(f"#!/bin/sh\n{fake}\n")
        (tmp_path / "sbatch").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin" if fake else str(tmp_path))
    with pytest.raises(UserError, match=message):
        slurm.submit(tmp_path / "log/x.log", [slurm.task(tmp_path / "log/x.log", ["true"])], slurm.SITE)
    assert not (tmp_path / "log/jobs.tsv").exists()


def test_an_array_that_is_too_large_for_the_site_becomes_several(tmp_path, monkeypatch):
    (tmp_path / "scontrol").write_text("#!/bin/sh\necho MaxArraySize = 3\n")
    (tmp_path / "sbatch").write_text(f"#!/bin/sh\necho $2 >> {tmp_path}/given; wc -l < {tmp_path}/given\n")
    for name in ("scontrol", "sbatch"):
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    tasks = [slurm.task(tmp_path / f"log/d{i}.log", ["echo", str(i)]) for i in range(5)]
    assert slurm.submit(tmp_path / "log/d.log", tasks, slurm.SITE) == ["1", "2", "3"]
    texts = [(tmp_path / "log" / f"d{part}.sbatch").read_text() for part in ("", ".1", ".2")]
    assert "--array=1-2" in texts[1] and "command=(echo 2)" in texts[1] and "--array" not in texts[2]
    rows = [line.split("\t")[0] for line in (tmp_path / "log/jobs.tsv").read_text().splitlines()]
    assert rows == ["1_1", "1_2", "2_1", "2_2", "3"]


def test_the_command_prints_the_text_and_submits_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    done = CliRunner().invoke(sedsep, ["submit", "--dry-run", "--after", "7", f"{tmp_path}/log/a.log", "echo", "--x"])
    assert done.exit_code == 0 and "afterok:7" in done.output and "command=(echo --x)" in done.output
    assert not (tmp_path / "log").exists()


@pytest.mark.parametrize(
    "time, asked, warning",
    [
        ("60", "1:00:00", 120), ("'60'", "1:00:00", 120), ("90", "1:30:00", 120), ("1:30:00", "1:30:00", 120),
        ("'1:30:00'", "1:30:00", 120), ("90:00", "1:30:00", 120), ("'1:00'", "0:01:00", 40), ("1:00", "0:01:00", 40),
        ("2", "0:02:00", 80), ("3", "0:03:00", 120), ("1-12", "36:00:00", 120), ("2-0:30", "48:30:00", 120),
        ("01:30:00", "1:30:00", 120), ("unlimited", "UNLIMITED", 120), ("0", "UNLIMITED", 120),
    ],
)  # fmt: skip
def test_times_are_what_sbatch_takes_them_for_and_no_warning_comes_before_the_start(tmp_path, time, asked, warning):
    site = tmp_path / "site.yaml"
    site.write_text(f"default: {{time: {time}}}\n")
    text = slurm.script("x", [slurm.task("/x.log", ["true"])], slurm.requested(site, "x", "true"), Path("/"))
    assert f"--time={asked}\n" in text and f"--signal=USR1@{warning}\n" in text


@pytest.mark.parametrize(
    "wrong, message",
    [
        ("time: 1h", "'1h' is not a time limit; write minutes, "),
        ("time: 1:2:3:4", "not a time limit"),
        ("time: -5", "not a time limit"),
        ("time: 1.5", "time must be"),
        ("extra: [--time=3]", "say it with time and warning"),
        ("extra: ['--exclusive -t 3']", "say it with time and warning"),
        ("warning: -1", "warning must be at least 0"),
    ],
)
def test_what_is_no_time_names_the_file(tmp_path, wrong, message):
    (tmp_path / "site.yaml").write_text(f"default: {{{wrong}}}\n")
    with pytest.raises(UserError, match=message) as caught:
        slurm.requested(tmp_path / "site.yaml", "x", "true")
    assert str(caught.value).startswith(f"{tmp_path}/site.yaml: ")


def fake(directory, monkeypatch, **commands):
    """Stand-ins of commands, first on PATH."""
    for name, text in commands.items():
        (directory / name).write_text(f"#!/bin/bash\n{text}\n")
        (directory / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}:{os.environ['PATH']}")


GREETING = "-----\n   Welcome to the 3 Machines, 2026!\n--> Verifying queue (normal)...OK 100%"


@pytest.mark.parametrize(
    "line",
    ["519605", "519605;cluster", "Submitted batch job 519605", "Submitted batch job 519605 on cluster c", "519605 "],
)
@pytest.mark.parametrize("after", ["", "\nYour balance: 12 hours\n"])
def test_a_site_that_greets(tmp_path, monkeypatch, line, after):
    greet = f"cat <<'T'\n{GREETING}\n"
    fake(tmp_path, monkeypatch, sbatch=f"{greet}{line}{after}\nT", squeue=f"{greet}519605|RUNNING|None\nT",
         sacct=f"{greet}519605|RUNNING\nT")  # fmt: skip
    log = tmp_path / "log/x.log"
    assert slurm.submit(log, [slurm.task(log, ["true"])], slurm.SITE) == ["519605"]
    found = jobs.read(tmp_path)
    assert [(job.id, job.state, job.log) for job in found] == [("519605", "RUNNING", log)]
    fake(tmp_path, monkeypatch, squeue="cat <<'T'\nWelcome | all | 3\nT", sacct="exit 1")
    assert [job.state for job in jobs.read(tmp_path)] == [""]
    assert jobs.retry(jobs.read(tmp_path)) == ["519605"]


def test_a_submission_without_a_number_is_not_recorded(tmp_path, monkeypatch):
    fake(tmp_path, monkeypatch, sbatch="echo 'Welcome, user 7'")
    log = tmp_path / "log/x.log"
    with pytest.raises(UserError, match="sbatch: no job number in what it said: 'Welcome, user 7'"):
        slurm.submit(log, [slurm.task(log, ["true"])], slurm.SITE)
    assert not (tmp_path / "log/jobs.tsv").exists()


def test_a_script_brings_its_environment(tmp_path, monkeypatch):
    """As where a site begins jobs with an empty one."""
    tools, mine = tmp_path / "tools", tmp_path / "mine"
    tools.mkdir()
    mine.mkdir()
    fake(tools, monkeypatch, srun='while [[ $1 == --* ]]; do echo "$1"; shift; done; exec "$@"',
         scontrol="echo NodeAddr=n1")  # fmt: skip
    fake(
        mine,
        monkeypatch,
        tool='echo "$SEDSEP_SITE/$GOMP_SPINCOUNT/$PYTHONPATH/$SECRET/$SEDSEP_BARS"; command -v python',
    )
    for name, value in {"SEDSEP_SITE": "it's", "GOMP_SPINCOUNT": "7", "PYTHONPATH": "/a b", "SECRET": "s"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SEDSEP_BARS", "1")
    site = tmp_path / "site.yaml"
    site.write_text('default: {extra: ["--export=NONE"]}\n')
    done = CliRunner().invoke(sedsep, ["submit", "--dry-run", "--site", str(site), f"{tmp_path}/a.log", "tool"])
    assert "#SBATCH --export=NONE\n" in done.output
    subprocess.run(["bash"], input=done.output, text=True, env={"PATH": f"{tools}:/usr/bin:/bin"}, check=True)
    lines = (tmp_path / "a.log").read_text().splitlines()
    assert "--export=ALL" in lines and lines[-3:-1] == ["it's/7//a b//", f"{Path(sys.executable).parent}/python"]


@pytest.mark.parametrize(
    "codes, last",
    [
        ((138, 0), 0),  # before it had begun to listen, or after it had ended: the next start finds the work done
        ((75, 143, 75, 129, 140, 75, 138, 0), 0),
        ((138, 143, 138), 138),  # comes no further: it cannot save
        ((9, 75, 9), 9),
        ((138, 9, 138, 0), 0),
        ((1,), 1),
        ((75, 2), 2),
    ],
)
def test_what_is_put_back_into_the_queue(tmp_path, monkeypatch, codes, last):
    """A job that ends with these codes, start after start, until it stays out of the queue."""
    next_code = f"n=$(wc -l < {tmp_path}/starts); set -- {' '.join(map(str, codes))}; exit ${{!n}}"
    fake(tmp_path, monkeypatch, srun=next_code,
         scontrol=f"[ $1 != requeue ] || touch {tmp_path}/again; exit 1")  # fmt: skip
    text = slurm.script("x", [slurm.task(tmp_path / "x.log", ["true"])], Request(), tmp_path)
    for start, code in enumerate(codes):
        with open(tmp_path / "starts", "a", encoding="utf-8") as file:
            file.write("\n")
        here = {**os.environ, "SLURM_RESTART_COUNT": str(start)}
        done = subprocess.run(["bash"], input=text, text=True, env=here, check=False)
        assert done.returncode == code
        assert (tmp_path / "again").exists() == (start + 1 < len(codes)), (start, code)
        (tmp_path / "again").unlink(missing_ok=True)
    assert code == last


def test_what_describes_the_allocation_around_does_not_reach_sbatch(tmp_path, monkeypatch):
    fake(tmp_path, monkeypatch, sbatch=f"env > {tmp_path}/seen; echo 5")
    outer = {
        "SLURM_ARRAY_TASK_ID": "3",
        "SLURM_RESTART_COUNT": "2",
        "SLURM_MEM_PER_NODE": "1",
        "CUDA_VISIBLE_DEVICES": "1",
    }
    kept = {"SLURM_CONF": "/c", "SBATCH_ACCOUNT": "me", "SLURM_CLUSTERS": "a"}
    for name, value in {**outer, **kept, "SBATCH_TIMELIMIT": "1"}.items():
        monkeypatch.setenv(name, value)
    log, seen = tmp_path / "log/x.log", tmp_path / "seen"
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    slurm.submit(log, [slurm.task(log, ["true"])], slurm.SITE)
    assert {f"{name}={value}" for name, value in {**outer, **kept}.items()} < set(seen.read_text().splitlines())
    assert "SBATCH_TIMELIMIT" not in seen.read_text()
    monkeypatch.setenv("SLURM_JOB_ID", "4")
    slurm.submit(log, [slurm.task(log, ["true"])], slurm.SITE)
    names = {line.split("=")[0] for line in seen.read_text().splitlines()}
    assert not names & {*outer, "SLURM_JOB_ID"} and names > set(kept)
