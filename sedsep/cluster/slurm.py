"""Slurm: the text of a batch script as a pure function, and its submission.

A job is a plain command line. The script says what is asked of the cluster, starts the command with ``srun`` (so that
signals reach it and not the shell around it), keeps a log that ends with the exit code, and puts the job back into the
queue when the command says "try again later" (75: preemption, time limit), was killed by a signal that means the same
(which finds no one before a command has begun and after it has ended), or has crashed. A mistake (1 or 2) stays.

Source: sbatch(1), srun(1) and scontrol(1) of Slurm 22.05; Kaldi's contract ``$cmd LOG COMMAND...``.
"""

import os
import re
import shlex
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from sedsep import config
from sedsep.cluster import limit
from sedsep.cluster.environment import carried, outside
from sedsep.errors import UserError
from sedsep.files import write_text

AGAIN = 75
TOLD = (129, 138, 140, 143)  # killed by HUP, USR1, USR2 or TERM
MOST_RESTARTS = 1000
SITE = Path(__file__).resolve().parents[2] / "tools" / "slurm.yaml"


@dataclass(frozen=True)
class Request:
    """What a job asks of the cluster.

    Args:
        partition, account: null leaves the cluster's own choice. time: limit, as sbatch reads it: a bare number is
            minutes (``limit.seconds``).
        memory: per node, as in 16G; null leaves the cluster's own choice. cpus, gpus: per node. nodes: of training.
        extra: further options of sbatch, as in "--constraint=a100".
        warning: seconds before the time limit at which the job is told to save and leave; at most two thirds of it.
        retries: of a command that crashed (any exit code but 0, 1, 2 and 75); a command that a signal to leave killed
            gets one more, in a row: what cannot save comes no further.
    """

    partition: str | None = None
    account: str | None = None
    time: str | int = "1:00:00"
    memory: str | None = None
    cpus: int = 1
    gpus: int = 0
    nodes: int = 1
    extra: list[str] = ()
    warning: config.Whole = 120
    retries: config.Whole = 1

    @property
    def signal(self) -> str:
        """Which signal comes when: never before the job could have done some work."""
        total = limit.seconds(self.time)
        return f"USR1@{self.warning if total is None else min(self.warning, total * 2 // 3)}"


class Task(NamedTuple):
    """A command as bash reads it, and the file for what it prints."""

    log: Path
    command: str


def site_file(site=None) -> Path | None:
    """The site file that counts: the one given, or of ``SEDSEP_SITE``, or the repository's; None in a bare package."""
    chosen = site or os.environ.get("SEDSEP_SITE")
    return Path(chosen) if chosen else SITE if SITE.is_file() else None


def requested(site, name: str, command: str) -> Request:
    """What the site file asks for a job: its section ``default``, and on top the one that begins its name.

    Args:
        site: YAML file; None is what :func:`site_file` finds, or the defaults above. name: of the job, as in train_sep.
        command: with ``--ngpu N``, N GPUs are asked for where the site asks for any.

    Raises:
        UserError: the file is missing, has an unknown key or no time limit where one is meant.
    """
    path = site_file(site)
    sections = config.read(path) if path else {}
    matching = max((key for key in sections if name.startswith(key)), key=len, default=None)
    section = {**(sections.get("default") or {}), **((sections.get(matching) if matching else None) or {})}
    try:
        request = Request(**config.resolve(Request, section, matching or "default"))
        limit.seconds(request.time)
        for option in request.extra:
            if re.search(r"(?:^|\s)(?:-t|--time(?:[= ]|$)|--signal)", option):
                raise UserError(f"extra: {option}: say it with time and warning, which must fit each other")
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    asked = re.search(r"--ngpu[ =](\d+)", command)
    return replace(request, gpus=int(asked[1])) if asked and request.gpus else request


def script(name: str, tasks: list, request: Request, directory, after=(), environment: str = "") -> str:
    """The text of a batch script; an array where there are several tasks.

    Args:
        name: of the job. tasks: ``Task`` s. directory: to run in. after: jobs that must have ended well before.
        environment: lines of bash that set up what the commands need.
    """
    log = tasks[0].log.with_name(name)
    array = len(tasks) > 1
    options = {
        "job-name": name,
        "chdir": directory,
        # Slurm's own words. The commands' go to their logs, which are whole when Slurm's copy is not.
        "output": str(log).replace("%", "%%") + ("_%a.slurm" if array else ".slurm"),
        "open-mode": "append",
        "time": limit.clock(limit.seconds(request.time)),
        "partition": request.partition,
        "account": request.account,
        "nodes": request.nodes,
        "ntasks-per-node": 1,
        "cpus-per-task": request.cpus,
        "mem": request.memory,
        "gpus-per-node": request.gpus or None,
        "signal": request.signal,
        "dependency": f"afterok:{':'.join(map(str, after))}" if after else None,
        "kill-on-invalid-dep": "yes" if after else None,
        "array": f"1-{len(tasks)}" if array else None,
    }
    lines = [f"#SBATCH --{key}={shlex.quote(str(value))}" for key, value in options.items() if value is not None]
    lines += ["#SBATCH --requeue", *(f"#SBATCH {option}" for option in request.extra)]
    lines += [environment] if environment else []
    cases = [f"  {i}) log={shlex.quote(str(t.log))}; command=({t.command}) ;;" for i, t in enumerate(tasks, start=1)]
    return TEMPLATE.format(
        head="\n".join(lines), cases="\n".join(cases), cpus=request.cpus, nodes=request.nodes,
        retries=request.retries, again=AGAIN, most=MOST_RESTARTS, told="|".join(map(str, TOLD)),
        most_killed=request.retries + 1,
    )  # fmt: skip


# --export=ALL of srun: where the job itself began with an empty environment, its step would too.
TEMPLATE = """#!/bin/bash
{head}
case ${{SLURM_ARRAY_TASK_ID:-1}} in
{cases}
esac
restarts=${{SLURM_RESTART_COUNT:-0}}
mkdir -p "$(dirname "$log")"
[ "$restarts" = 0 ] && : > "$log"
printf '# %s\\n# host %s, job %s, start %s at %s\\n' "${{command[*]}}" "$HOSTNAME" "$SLURM_JOB_ID" \\
  "$((restarts + 1))" "$(date '+%F %T')" >> "$log"
export SEDSEP_FIRST_NODE
first=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
SEDSEP_FIRST_NODE=$(scontrol show node "$first" | grep -o 'NodeAddr=[^ ]*' | cut -d = -f 2)  # where processes meet
trap : TERM USR1 USR2 HUP  # the command gets them too; its exit code says what follows
srun --export=ALL --nodes={nodes} --ntasks-per-node=1 --cpus-per-task={cpus} --kill-on-bad-exit=1 "${{command[@]}}" \\
  >> "$log" 2>&1
code=$?
printf '# ended with exit code %s after %s s\\n' "$code" "$SECONDS" >> "$log"
read -r crashes killed < <(awk '/^# ended with exit code/ {{
  if ($6 !~ /^(0|1|2|{again}|{told})$/) crashes++
  killed = $6 ~ /^({told})$/ ? killed + 1 : 0  # in a row
}} END {{ print crashes + 0, killed + 0 }}' "$log")
case $code in
  0|1|2) exit "$code" ;;
  {again}) ;;
  {told}) [ "$killed" -le {most_killed} ] || exit "$code" ;;
  *) [ "$crashes" -le {retries} ] || exit "$code" ;;
esac
[ "$restarts" -ge {most} ] || {{ scontrol requeue "$SLURM_JOB_ID" && sleep 60; }}  # Slurm ends this start of the job
exit "$code"
"""


def task(log, command) -> Task:
    """A command as words (or one string of bash) and its log."""
    return Task(Path(log).absolute(), command if isinstance(command, str) else shlex.join(command))


def submit(log, tasks: list, site=None, after=()) -> list:
    """Submit tasks as one job, or as arrays of the size that the cluster allows.

    Writes ``<log>.sbatch`` beside the log, and a line for each task to ``jobs.tsv`` beside that.

    Returns:
        the jobs' numbers.

    Raises:
        UserError: Slurm is missing or refuses.
    """
    log, size = Path(log).absolute(), largest_array() if len(tasks) > 1 else 1
    jobs = []
    for number, first in enumerate(range(0, len(tasks), size)):
        part = tasks[first : first + size]
        path = log.with_name(log.stem + (f".{number}" if number else "") + ".sbatch")
        asked = requested(site, log.stem, part[0].command)
        write_text(path, script(path.stem, part, asked, Path.cwd(), after, carried(os.environ)))
        job = sbatch(str(path))
        with open(log.with_name("jobs.tsv"), "a", encoding="utf-8") as file:
            for index, one in enumerate(part, start=1):
                file.write(f"{job}{f'_{index}' if len(part) > 1 else ''}\t{path}\t{one.log}\n")
        jobs.append(job)
    return jobs


def sbatch(*arguments: str) -> str:
    """Submit a batch script; the job's number. Raises UserError where Slurm refuses, or says none."""
    said = slurm("sbatch", "--parsable", *arguments)
    # Sites greet and inform on standard output too: the number stands on a line of its own, the last one.
    found = re.findall(r"^\s*(?:Submitted batch job )?(\d+)(?:;\S+| on cluster \S+)?\s*$", said, re.M | re.I)
    if not found:
        raise UserError(f"sbatch: no job number in what it said: {said.strip()!r}; see squeue --me")
    return found[-1]


def largest_array() -> int:
    """Tasks that one array may have here."""
    found = re.search(r"MaxArraySize\s*=\s*(\d+)", slurm("scontrol", "show", "config"))
    return max(int(found[1]) - 1, 1) if found else 1000


def slurm(*command: str) -> str:
    """What a command of Slurm prints. Raises UserError with Slurm's own words where it fails."""
    try:
        done = subprocess.run(
            command, env=outside(os.environ), capture_output=True, text=True, timeout=60, check=False
        )  # fmt: skip
    except FileNotFoundError:
        raise UserError(f"{command[0]} is not here: no Slurm on this machine; try tools/local_slurm.sh start") from None
    except subprocess.TimeoutExpired:
        raise UserError(f"{command[0]}: no answer from Slurm in a minute; see: scontrol ping") from None
    if done.returncode:
        raise UserError(f"{command[0]}: {' '.join(done.stderr.split())}")
    return done.stdout
