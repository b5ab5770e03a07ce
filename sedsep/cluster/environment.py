"""Environment: what a job takes along of the shell that submits it, and what sbatch must not see of that.

A job's script says itself what its command needs, so that it runs alike where a site or a person asks for
``--export=NONE``, and when it is submitted again from another shell.
"""

import shlex
import sys
from pathlib import Path

# Where programs and modules are; what sedsep, its threads and its GPUs go by.
CARRIED = ("LD_LIBRARY_PATH", "VIRTUAL_ENV", "CONDA_PREFIX", "SLURM_CONF")
CARRIED_FAMILIES = ("SEDSEP_", "PYTHON", "GOMP_", "OMP_", "KMP_", "MKL_", "OPENBLAS_", "NUMBA_", "TORCH_", "PYTORCH_",
                    "NCCL_")  # fmt: skip
OF_THIS_PROCESS = ("SEDSEP_FIRST_NODE", "SEDSEP_BARS")

# Inside an allocation Slurm describes that one in SLURM_*, and a job would take much of it for its own.
POINTERS = ("SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_CLUSTERS", "SLURM_JWT")  # to Slurm itself
OF_ALLOCATION = ("SLURM_", "SLURMD_", "SRUN_", "PMI_", "PMIX_")
DEVICES = ("CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ZE_AFFINITY_MASK",
           "GPU_DEVICE_ORDINAL")  # fmt: skip

# What the script says is said there; the site's own defaults (SBATCH_ACCOUNT, SBATCH_PARTITION, ...) stay.
SAID_BY_SCRIPT = ("SBATCH_TIMELIMIT", "SBATCH_SIGNAL", "SBATCH_ARRAY_INX", "SBATCH_JOB_NAME", "SBATCH_OPEN_MODE",
                  "SBATCH_REQUEUE", "SBATCH_NO_REQUEUE", "SBATCH_OUTPUT", "SBATCH_WAIT")  # fmt: skip


def carried(environment: dict) -> str:
    """Lines of bash that set up what a job needs: this interpreter first on PATH, then the job's, then the shell's.

    Args:
        environment: of the shell that submits.
    """
    first, last = (shlex.quote(path) for path in (str(Path(sys.executable).parent), environment.get("PATH", "/bin")))
    lines = [f"export PATH={first}:$PATH:{last}"]
    for name, value in sorted(environment.items()):
        if (name in CARRIED or name.startswith(CARRIED_FAMILIES)) and name not in OF_THIS_PROCESS:
            lines.append(f"export {name}={shlex.quote(value)}")
    return "\n".join(lines)


def outside(environment: dict) -> dict:
    """The environment for Slurm's commands: without what describes the allocation in which this process runs."""
    inside = "SLURM_JOB_ID" in environment

    def stays(name):
        of_allocation = name in DEVICES or (name.startswith(OF_ALLOCATION) and name not in POINTERS)
        return name not in SAID_BY_SCRIPT and not (inside and of_allocation)

    return {name: value for name, value in environment.items() if stays(name)}
