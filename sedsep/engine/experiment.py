"""Experiment: the directory of one training run, what was asked of it, and the check that it is still the same.

Holds ``config.yaml`` (resolved), ``environment.json`` (versions, commit, command, host, time) beside the
trainer's files. While a run is in it, no other one can be.
"""

import contextlib
import datetime
import platform
import socket
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import torch
import yaml

from sedsep import __version__, config, progress, ranks
from sedsep.errors import UserError
from sedsep.files import read_json, sweep, write_json
from sedsep.owner import owning

PACKAGES = ["torch", "torchaudio", "numpy", "scipy", "pandas", "librosa", "soundfile", "sed_eval", "psds_eval"]

# A run may go on longer, or with other means, without being another run.
MAY_CHANGE = {"schedule.epochs", "schedule.patience", "schedule.save_minutes", "data.workers"}


def begun(directory) -> dict | None:
    """What the experiment in ``directory`` was asked for, in the words of its time; None where none was begun."""
    path = Path(directory) / "config.yaml"
    return _read(path) if path.exists() and (Path(directory) / "last.pt").exists() else None


@contextlib.contextmanager
def running(directory):
    """Within this block, the experiment's directory is this run's alone; its first process holds the lock for all.

    Raises:
        UserError: another run is in it, or it cannot be written.
    """
    with contextlib.ExitStack() as held:
        ranks.from_first(lambda: held.enter_context(owning(directory)))
        yield


def open_experiment(directory, resolved: dict, said_today) -> None:
    """Create the experiment, or make sure that the existing one was asked for the same.

    Args:
        resolved: the resolved configuration; under "given", the fingerprints of data and initial models.
        said_today: what an existing one was asked for -> the same in today's words, with today's keys.

    Raises:
        UserError: the directory holds a run with another configuration or data; names what differs.
    """
    path, found = Path(directory) / "config.yaml", begun(directory)
    if found is not None:
        old, new = _flatten(said_today(found)), _flatten(resolved)
        differing = [k for k in sorted(old | new) if old.get(k) != new.get(k) and k not in MAY_CHANGE]
        if differing:
            changes = "; ".join(f"{k}: {old.get(k)!r} -> {new.get(k)!r}" for k in differing[:4])
            more = f" and {len(differing) - 4} more" if len(differing) > 4 else ""
            raise UserError(
                f"{directory}: holds a run with another configuration ({changes}{more}); "
                "choose another --exp, or delete the directory to train anew"
            )
    if ranks.index() == 0:
        _say_other_threads(directory)
        sweep(directory)
        config.write(path, resolved)
        write_json(Path(directory) / "environment.json", environment())


def _say_other_threads(directory):
    """Say where a run goes on with another number of threads: its last bits then differ from those of one go."""
    path = Path(directory) / "environment.json"
    before = read_json(path).get("threads") if path.is_file() and (Path(directory) / "last.pt").exists() else None
    now = torch.get_num_threads()
    if before not in (None, now):
        progress.say(
            f"sedsep: {directory} was trained with {before} threads and goes on with {now}; the last bits of its "
            f"numbers depend on that (OMP_NUM_THREADS={before} keeps them)"
        )


def environment() -> dict:
    """What the numbers may depend on besides the configuration."""
    return {
        "sedsep": __version__,
        "commit": _commit(),
        "command": sys.argv,
        "host": socket.gethostname(),
        "processes": ranks.count(),
        "threads": torch.get_num_threads(),
        "time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def _read(path):
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError):
        raise UserError(f"{path}: damaged; delete the experiment's directory to train anew") from None


def _flatten(section, prefix=""):
    flat = {}
    for key, value in section.items():
        name = config.join(prefix, key)
        flat.update(_flatten(value, name) if isinstance(value, dict) else {name: value})
    return flat


def _version(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _commit():
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
