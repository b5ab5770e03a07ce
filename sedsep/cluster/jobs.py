"""Jobs: where each one of an experiment stands, why it died, and its log's last lines.

Two witnesses: Slurm (``squeue``, and ``sacct`` where the site keeps accounts), and the last line of the log, which the
job itself writes. Slurm forgets, and a killed job writes nothing.
"""

import re
import time
from dataclasses import dataclass
from pathlib import Path

from sedsep.cluster.slurm import AGAIN, sbatch, slurm
from sedsep.errors import UserError

ALIVE = {"PENDING", "RUNNING", "COMPLETING", "CONFIGURING", "SUSPENDED", "REQUEUED", "REQUEUE_HOLD", "STOPPED",
         "RESIZING", "SIGNALING", "STAGE_OUT"}  # fmt: skip
REASONS = {
    "TIMEOUT": "time limit", "OUT_OF_MEMORY": "out of memory", "PREEMPTED": "preempted", "NODE_FAIL": "node failed",
    "BOOT_FAIL": "node failed", "CANCELLED": "cancelled", "DEADLINE": "deadline",
}  # fmt: skip
KILLED = {
    AGAIN: "told to leave", 129: "told to leave", 137: "killed (out of memory?)", 138: "time limit", 139: "crashed",
    140: "told to leave", 143: "terminated",
}  # fmt: skip
CODES = {"done": 0, "out of memory": 137, "cancelled": 130, "time limit": AGAIN, "preempted": AGAIN}
SLOWEST = 10.0  # seconds between two looks at the queue
MOST_UNANSWERED = 60


@dataclass(frozen=True)
class Job:
    """One task as it was submitted (``id`` is 12 or, in an array, 12_3), and where it stands.

    Args:
        state: of Slurm, or "" where it has forgotten. waits_for: Slurm's reason for a job that does not run.
        code: exit code by the log, or None.
    """

    id: str
    script: Path
    log: Path
    state: str
    waits_for: str
    code: int | None

    @property
    def alive(self) -> bool:
        """Whether it runs or may yet."""
        return self.state in ALIVE and self.waits_for != "DependencyNeverSatisfied"

    @property
    def slurm_says(self) -> str:
        """The last lines of what Slurm itself said of it."""
        index = "_" + self.id.split("_")[1] if "_" in self.id else ""
        return tail(self.script.with_name(f"{self.script.stem}{index}.slurm"), 4)

    @property
    def reason(self) -> str:
        """Why it ended, in words; "done" where it ended well."""
        if self.state in REASONS:
            return REASONS[self.state]
        if self.waits_for == "DependencyNeverSatisfied":
            return "cancelled"
        if self.code is None:
            return "done" if self.state == "COMPLETED" else "unknown: neither Slurm nor the log says"
        if self.code == 137 and "oom" in self.slurm_says.lower():
            return "out of memory"
        return "done" if self.code == 0 else KILLED.get(self.code, "error")

    @property
    def exit_code(self) -> int:
        """The job's exit code."""
        return self.code if self.code is not None else CODES.get(self.reason, 1)


def read(directory) -> list:
    """Jobs of an experiment (or of its folder of logs), of each log the last one.

    Raises:
        UserError: nothing was submitted there.
    """
    path = next((p for p in (Path(directory) / "log/jobs.tsv", Path(directory) / "jobs.tsv") if p.is_file()), None)
    if path is None:
        raise UserError(f"{directory}: no log/jobs.tsv: nothing was submitted for this experiment")
    rows = {}
    for job, script, log in table(path.read_text(encoding="utf-8"), 3, "\t"):
        rows[log] = (job, Path(script), Path(log))
    states = slurm_states(sorted({job.split("_")[0] for job, _, _ in rows.values()}))
    return [Job(*row, *states.get(row[0], ("", "")), exit_code(row[2])) for row in rows.values()]


def slurm_states(ids: list) -> dict:
    """``{job: (state, reason to wait)}`` as far as Slurm remembers."""
    states = {}
    try:
        for job, state in table(slurm("sacct", "-n", "-P", "-X", "-j", ",".join(ids), "-o", "JobID,State"), 2):
            states[job] = (state.split(" ")[0], "")
    except UserError:
        pass  # a site without accounts
    # Of the whole queue of this user: asked for jobs that are gone, squeue fails for all.
    for job, state, reason in table(slurm("squeue", "-h", "-r", "--me", "-t", "all", "-o", "%i|%T|%r"), 3):
        states[job] = (state, reason)
    return states


def table(text: str, cells: int, separator: str = "|") -> list:
    """Rows that begin with a job's number and have that many cells; what sites say between them is none.

    >>> table("Welcome | to | Slurm\\n12_3|RUNNING|None\\n", 3)
    [['12_3', 'RUNNING', 'None']]
    """
    rows = (line.split(separator, cells - 1) for line in text.splitlines())
    return [row for row in rows if len(row) == cells and re.fullmatch(r"\d+(_\d+)?", row[0])]


def exit_code(log: Path):
    """The exit code in the log's last line, or None."""
    found = re.search(r"# ended with exit code (\d+) after \d+ s\s*$", tail(log, 1))
    return int(found[1]) if found else None


def tail(path: Path, lines: int) -> str:
    """The last lines of a text file; of a progress bar, what it says last. Empty where there is none."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, path.stat().st_size - 16384))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join([line.split("\r")[-1] for line in text.split("\n") if line.strip()][-lines:])


def wait(directory, ids, say) -> int:
    """Wait until the jobs have ended; one that ended badly cancels the others.

    Args:
        ids: numbers of jobs (of arrays, of the whole). say: called with a line for every job that ends.

    Returns:
        the exit code of the first that ended badly, or 0.
    """
    said, pause, unanswered = set(), 0.5, 0
    while True:
        try:
            jobs = [job for job in read(directory) if job.id.split("_")[0] in ids]
        except UserError:
            unanswered += 1  # a controller that restarts is no reason to give up on its jobs
            if unanswered == MOST_UNANSWERED:
                raise
            time.sleep(SLOWEST)
            continue
        unanswered = 0
        for job in jobs:
            if not job.alive and job.id not in said:
                said.add(job.id)
                say(describe(job))
        bad = [job for job in jobs if not job.alive and job.reason != "done"]
        if bad:
            cancel(ids)
            first = min(bad, key=lambda job: job.reason == "cancelled")
            return first.exit_code
        if not any(job.alive for job in jobs):
            return 0
        time.sleep(pause)
        pause = min(pause * 1.3, SLOWEST)


def cancel(ids) -> None:
    """Cancel jobs; those that have ended stay as they are."""
    slurm("scancel", *ids)


def retry(jobs: list) -> list:
    """Submit again what ended badly, of an array those tasks alone; returns the new jobs' numbers."""
    failed = {}
    for job in jobs:
        if not job.alive and job.reason != "done":
            failed.setdefault(job.script, []).append(job)
    new = []
    for script, group in failed.items():
        tasks = [job.id.split("_")[1] for job in group if "_" in job.id]
        only = [f"--array={','.join(tasks)}"] if tasks else []
        number = sbatch("--dependency=", *only, str(script))
        with open(script.with_name("jobs.tsv"), "a", encoding="utf-8") as file:
            for job in group:
                file.write(f"{number}{job.id[job.id.find('_') :] if '_' in job.id else ''}\t{script}\t{job.log}\n")
        new.append(number)
    return new


def describe(job: Job) -> str:
    """A line for people, and the end of the log where it ended badly."""
    if job.alive:
        what = "running" if job.state == "RUNNING" else f"waiting ({job.waits_for})"
    else:
        what = job.reason + f" (exit code {job.exit_code})" * (job.reason != "done")
    line = f"{job.id:>8}  {job.log.stem:<20}  {what}"
    if job.alive or job.reason in ("done", "cancelled"):
        return line
    end = tail(job.log, 4) or job.slurm_says or "no log"
    return f"{line}; {job.log} ends:\n" + "\n".join(f"{'':10}{text}" for text in end.splitlines())
