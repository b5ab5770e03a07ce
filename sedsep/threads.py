"""Threads: how many processors this process may really use, and how long an idle thread spins.

Both must be said in the environment before torch is loaded. libgomp's threads spin for about 4 ms after each piece of
work, and beside another computation they keep the processor from it: a training step of 1.5 s took 10 s beside another
training, and 2.8 s with a short spin, which costs nothing alone.

Sources: the manuals of libgomp (GOMP_SPINCOUNT), OpenMP (OMP_WAIT_POLICY), Intel's runtime (KMP_BLOCKTIME), and
cgroups(7).
"""

import math
import os
from pathlib import Path

SPIN = "1000"
SPINS = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "KMP_BLOCKTIME")  # who has set one of these has chosen
CGROUP = Path("/sys/fs/cgroup")


def prepare(environment=os.environ) -> None:
    """Say in the environment what the user has not: a short spin, and no more threads than processors."""
    if not any(name in environment for name in SPINS):
        environment["GOMP_SPINCOUNT"] = SPIN
        environment["KMP_BLOCKTIME"] = "0"
    if "OMP_NUM_THREADS" not in environment and processors() < len(os.sched_getaffinity(0)):
        environment["OMP_NUM_THREADS"] = str(processors())


def processors(root: Path = CGROUP) -> int:
    """Processors that this process may use: by its affinity, its container's quota and Slurm's ``--cpus-per-task``.

    A quota of one and a half counts as two: the half is not wasted, and threads do not wait for each other long.
    """
    limits = [len(os.sched_getaffinity(0))]
    limits += [math.ceil(quota) for quota in (quota_of(root),) if quota]
    asked = os.environ.get("SLURM_CPUS_PER_TASK", "")
    if asked.isdigit() and int(asked):
        limits.append(int(asked))
    return max(1, min(limits))


def quota_of(root: Path = CGROUP) -> float | None:
    """Processors that the control group allows, 1.5 for example; None without a limit or where it cannot be read."""
    try:
        allowed, period = (root / "cpu.max").read_text().split()  # version 2
    except (OSError, ValueError):
        try:  # version 1
            allowed, period = ((root / "cpu" / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        except OSError:
            return None
    try:
        return int(allowed) / int(period) if int(allowed) > 0 < int(period) else None
    except ValueError:  # "max"
        return None
