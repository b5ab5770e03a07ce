"""Doctor: is this machine fit to train on? Every finding in words, with its cure where something is wrong."""

import os
import resource
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

import torch
import torchaudio

from sedsep.cluster.slurm import slurm
from sedsep.errors import UserError
from sedsep.files import writing
from sedsep.threads import SPINS
from sedsep.threads import processors as processors_here

GB = 1 << 30
LEAST_SHM, LEAST_DISK, LEAST_FILES = 1 * GB, 5 * GB, 1024


class Finding(NamedTuple):
    """What was looked at, what it is like, and what to do about it (None: it is well)."""

    topic: str
    text: str
    cure: str | None = None


def examine(work) -> list:
    """All findings.

    Args:
        work: the directory where experiments are to go.
    """
    return [builds(), devices(), processors(), shared_memory(), open_files(), disk(work), writable(work), queue()]


def builds() -> Finding:
    """torch and torchaudio are built for each other."""
    versions = torch.__version__, torchaudio.__version__
    text = f"torch {versions[0]}, torchaudio {versions[1]}"
    if minor(versions[0]) == minor(versions[1]):
        return Finding("builds", text)
    pair = ".".join(map(str, minor(versions[0])))
    return Finding("builds", f"{text}: not of one pair", f"pip install 'torchaudio=={pair}.*'")


def minor(version: str) -> tuple:
    """``2.11.0+cu130`` -> ``(2, 11)``."""
    return tuple(int(part) for part in version.split("+")[0].split(".")[:2])


def devices() -> Finding:
    """The GPUs that torch sees."""
    if torch.cuda.is_available():
        found = [torch.cuda.get_device_properties(index) for index in range(torch.cuda.device_count())]
        return Finding("devices", ", ".join(f"{gpu.name} {gpu.total_memory / GB:.0f} GB" for gpu in found))
    if shutil.which("nvidia-smi"):
        return Finding(
            "devices",
            "an NVIDIA driver, but torch sees no GPU",
            "in a job, ask for gpus; else install a torch build for the driver's CUDA (nvidia-smi shows it)",
        )
    return Finding("devices", "no GPU: training runs on the CPU")


def processors() -> Finding:
    """The cores that this process may use."""
    usable, there = processors_here(), os.cpu_count()
    threads = torch.get_num_threads()
    spin = next((f"{name}={os.environ[name]}" for name in SPINS if name in os.environ), "long spins")
    text = f"{usable} of {there} cores, {threads} threads, {spin}"
    if threads > usable:
        return Finding("processors", text, f"export OMP_NUM_THREADS={usable}: more threads than cores slow each other")
    return Finding("processors", text)


def shared_memory(path="/dev/shm") -> Finding:
    """Room for what the loading processes hand over."""
    if not Path(path).is_dir():
        return Finding("shared memory", f"no {path}", "set data.workers=0, or mount a tmpfs there")
    free = shutil.disk_usage(path).free
    text = f"{free / GB:.1f} GB free in {path}"
    if free >= LEAST_SHM:
        return Finding("shared memory", text)
    return Finding("shared memory", text, "set data.workers=0, or start the container with --shm-size=8g")


def open_files() -> Finding:
    """How many files a process may have open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    text = f"{soft} allowed (at most {hard})"
    return Finding("open files", text, None if soft >= LEAST_FILES else f"ulimit -n {max(LEAST_FILES, soft)}")


def disk(work) -> Finding:
    """Room for experiments."""
    place = next(path for path in (Path(work).absolute(), *Path(work).absolute().parents) if path.exists())
    free = shutil.disk_usage(place).free
    text = f"{free / GB:.0f} GB free in {place}"
    return Finding("disk", text, None if free >= LEAST_DISK else "free some space, or choose another --work DIR")


def writable(work) -> Finding:
    """A checkpoint can be written and renamed there."""
    try:
        with tempfile.TemporaryDirectory(dir=work) as directory, writing(Path(directory) / "probe") as temporary:
            temporary.write_bytes(b"probe")
    except (OSError, UserError) as error:
        return Finding("writing", str(error), "choose another --work DIR")
    return Finding("writing", f"files in {work} can be written and renamed")


def queue() -> Finding:
    """Whether a Slurm is here and answers."""
    if not shutil.which("sbatch"):
        return Finding("Slurm", "none here; --cmd local runs everything on this machine")
    try:
        up = "UP" in slurm("scontrol", "ping")
        partitions = slurm("sinfo", "-h", "-o", "%P %a %D nodes").split("\n")[:-1]
    except UserError as error:
        return Finding("Slurm", str(error), 'ask the site; or: eval "$(tools/local_slurm.sh start)"')
    return Finding("Slurm", "; ".join(partitions), None if up else "the controller does not answer: ask the site")


def describe(findings: list) -> str:
    """A line for each finding, and one for its cure.

    >>> print(describe([Finding("disk", "1 GB free", "free some space"), Finding("Slurm", "none here")]))
    !!  disk           1 GB free
                       -> free some space
    ok  Slurm          none here
    """
    lines = []
    for topic, text, cure in findings:
        lines.append(f"{'!!' if cure else 'ok'}  {topic:<13}  {text}")
        lines += [f"{'':19}-> {cure}"] * bool(cure)
    return "\n".join(lines)
