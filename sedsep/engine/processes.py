"""Processes: torchrun's launcher for the ranks of a training run, and how each of them joins.

The launcher starts ``count`` processes on each node of the Slurm step (or on this machine), hands signals on to them,
and ends them all when one fails; what that one had to say becomes the one line of the whole run.
"""

import contextlib
import ctypes
import datetime
import logging
import os
import signal
import sys

import torch
from torch import distributed
from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.elastic.rendezvous.api import RendezvousError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from sedsep.engine.devices import device_named
from sedsep.errors import Died, Stopped, UserError
from sedsep.threads import processors

AGAIN = (75, 130)
MINUTES_TO_MEET = 10
HOURS_TO_VALIDATE = 6  # the ranks wait for the first one meanwhile
PR_SET_PDEATHSIG = 1  # of prctl(2)


def wanted(count: int) -> bool:
    """Whether a command that asks for ``count`` processes per node is to launch them: not inside one of them.

    Raises:
        UserError: Slurm has started it several times on a node, which would train several times into one directory.
    """
    if "RANK" in os.environ:
        return False
    nodes, tasks = _nodes(), int(os.environ.get("SLURM_STEP_NUM_TASKS", 1))
    if "SLURM_PROCID" in os.environ and tasks != nodes:
        raise UserError(
            f"{tasks} tasks on {nodes} nodes: start one on each (srun --ntasks-per-node=1) and say --ngpu N"
        )
    return count > 1 or nodes > 1


def launch(count: int, arguments: list) -> None:
    """Run ``sedsep ARGUMENTS`` as ``count`` processes per node, and wait for them.

    Raises:
        Stopped: a signal came, and the processes have saved. UserError: what the first that failed had to say.
    """
    nodes = _nodes()
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, processors() // count)))
    for number in (signal.SIGUSR1, signal.SIGUSR2):  # torchrun itself knows TERM, INT, HUP and QUIT
        signal.signal(number, _hand_on)
    settings = LaunchConfig(
        min_nodes=nodes, max_nodes=nodes, nproc_per_node=count, max_restarts=0, monitor_interval=0.1,
        run_id=os.environ.get("SLURM_JOB_ID", "sedsep"), rdzv_backend="c10d", rdzv_endpoint=_meeting_point(nodes),
        rdzv_configs={"join_timeout": round(60 * MINUTES_TO_MEET)}, logs_specs=DefaultLogsSpecs(),
    )  # fmt: skip
    try:
        elastic_launch(settings, sys.executable)("-m", "sedsep.cli", *arguments)
    except SignalException as left:
        raise Stopped(left.sigval) from None
    except ChildFailedError as failed:
        raise _reason(failed) from None
    except RendezvousError as error:
        raise UserError(
            f"the processes on {nodes} nodes did not meet at {settings.rdzv_endpoint} in {MINUTES_TO_MEET} minutes "
            f"({error}); each node needs one task: srun --ntasks-per-node=1 sedsep ..."
        ) from None


def join(device: str) -> str:
    """Join the ranks that torchrun's environment speaks of, if it does.

    Args:
        device: "auto", "cpu", "cuda" or "cuda:N".

    Returns:
        the device of this process.

    Raises:
        UserError: the node shows fewer GPUs than processes, or the others did not come.
    """
    if "RANK" not in os.environ:
        return device_named(device)
    kind = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    if "TORCHELASTIC_RUN_ID" in os.environ:  # a launcher that is killed must not leave us training, unseen
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if kind.startswith("cuda"):
        kind = _own_gpu(int(os.environ["LOCAL_WORLD_SIZE"]), torch.cuda.device_count())
        torch.cuda.set_device(kind)
    if not distributed.is_initialized():
        try:
            distributed.init_process_group(
                "nccl" if kind.startswith("cuda") else "gloo", timeout=datetime.timedelta(hours=HOURS_TO_VALIDATE)
            )
        except (RuntimeError, ValueError) as error:
            raise UserError(f"the processes of this run did not find each other: {error}") from None
    return device_named(kind)


def _own_gpu(here, seen):
    """The GPU of this one of the processes ``here`` on the node, which shows it ``seen`` GPUs."""
    # A launcher that is not ours may show each process its own GPU alone, which is then number 0.
    isolated = seen == 1 and "TORCHELASTIC_RUN_ID" not in os.environ
    if seen < here and not isolated:
        raise UserError(f"{here} processes on this node, but it shows {seen} GPUs; use --ngpu {seen} or ask for more")
    return f"cuda:{0 if isolated else os.environ['LOCAL_RANK']}"


@contextlib.contextmanager
def one_fate():
    """Within this block, a process that loses another leaves in silence: that one has spoken."""
    try:
        yield
    except RuntimeError as error:
        if "RANK" in os.environ and any(word in str(error) for word in ("gloo", "NCCL", "closed by peer")):
            sys.stderr.flush()
            os._exit(1)  # an orderly exit would abort: threads that talked to the lost process still wait for it
        raise


def _nodes():
    """Nodes of the Slurm step that this process is a task of."""
    return int(os.environ.get("SLURM_STEP_NUM_NODES", 1)) if "SLURM_PROCID" in os.environ else 1


def _meeting_point(nodes):
    if nodes == 1:
        return "localhost:0"
    first = os.environ["SEDSEP_FIRST_NODE"]  # the job script sets it
    return f"{first}:{29000 + int(os.environ['SLURM_JOB_ID']) % 1000}"


def _hand_on(number, _):
    raise SignalException(f"signal {number}", signal.Signals(number))


def _reason(failed):
    """The exception that a failure of processes stands for: the first word of any of them, or how it died."""
    failures = sorted(failed.failures.items(), key=lambda item: item[1].timestamp)
    for _, failure in failures:
        if failure.exitcode in AGAIN:
            return Stopped(signal.SIGINT if failure.exitcode == 130 else signal.SIGTERM)
    for _, failure in failures:
        if os.path.isfile(failure.error_file):
            return UserError(failure.message)
    # A process that lost another may be seen to end, or to abort, before the one that was killed.
    rank, failure = min(failures, key=lambda item: (item[1].exitcode != -signal.SIGKILL, item[1].exitcode >= 0))
    if failure.exitcode < 0:
        name = signal.Signals(-failure.exitcode).name
        message = f"process {rank} was killed by {name}" + " (out of memory?)" * (name == "SIGKILL")
        return Died(f"{message}; the same command goes on from what is saved", -failure.exitcode)
    return UserError(f"process {rank} ended with exit code {failure.exitcode}; see above")
