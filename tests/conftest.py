"""Small sets of clips made in a temporary directory; no audio is kept in git."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from sedsep.data import audio
from sedsep.data.manifest import Clip, write_set
from sedsep.data.tables import Stem
from sedsep.engine import checkpoint, survival
from sedsep.labels import Classes

RATE = 8000
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def here():
    """The environment in which sedsep's commands and the recipes run."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="session")
def local_slurm(tmp_path_factory, here):
    """The environment of a real Slurm on this machine, for as long as the tests run; or the reason why not."""
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    missing = [name for name in ("slurmctld", "slurmd", "sbatch", "munged") if not shutil.which(name, path=path)]
    if missing:
        yield f"{missing[0]} is missing; on Debian: apt-get install --no-install-recommends slurm-wlm munge"
        return
    script, directory = ROOT / "tools" / "local_slurm.sh", tmp_path_factory.mktemp("slurm")
    started = subprocess.run([script, "start", directory], capture_output=True, text=True, check=False)
    pointers = dict(re.findall(r"(\w+)=(\S+)", started.stdout))
    yield {**here, **pointers} if started.returncode == 0 else f"no Slurm here: {started.stderr.strip()}"
    subprocess.run([script, "stop", directory], check=True)


@pytest.fixture(scope="session")
def slurm(local_slurm):
    """The environment of a real Slurm on this machine; tests that need one skip with the reason."""
    if isinstance(local_slurm, str):
        pytest.skip(local_slurm)
    return local_slurm


@pytest.fixture(autouse=True)
def one_thread():
    """Small tensors are faster on one thread, and results do not depend on the machine."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def signals():
    """What a command called in this process has arranged for signals ends with its test."""
    before = {number: signal.getsignal(number) for number in survival.LEAVE}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def make_set(tmp_path):
    """``make_set(name, count, strong=True, weak=True, stems=False)`` -> directory of one-second clips at 8 kHz.

    Class "High" is a tone of 2 kHz, class "Low" one of 300 Hz, on quiet noise.
    """

    def make(name, count=6, strong=True, weak=True, stems=False, seed=0, rate=RATE):
        rng = np.random.default_rng([seed, len(name), *name.encode()])
        directory, clips = tmp_path / name, []
        time = np.arange(rate) / rate
        for index in range(count):
            label, pitch = (("High", 2000), ("Low", 300))[index % 2]
            onset = round(float(rng.uniform(0.1, 0.4)), 3)
            event = 0.3 * np.sin(2 * np.pi * pitch * time) * ((time >= onset) & (time < onset + 0.5))
            noise = 0.01 * rng.standard_normal(rate)
            parts = {"background": noise.astype(np.float32), label: event.astype(np.float32)}
            path = directory / "audio" / f"{name}_{index}.wav"
            audio.write(path, parts["background"] + parts[label], rate)
            kept = []
            for part, waveform in parts.items() if stems else ():
                where = directory / "stems" / f"{name}_{index}" / f"{part}.wav"
                audio.write(where, waveform, rate)
                role = "background" if part == "background" else "foreground"
                kept.append(Stem(where, "" if role == "background" else part, role, f"{name}_{index}_{part}"))
            clips.append(
                Clip(
                    path.name,
                    path,
                    1.0,
                    ((onset, onset + 0.5, label),) if strong else None,
                    (label,) if weak else None,
                    tuple(kept) if stems else None,
                    "synthetic",
                )  # fmt: skip
            )
        write_set(directory, ("High", "Low"), clips)
        return directory

    return make


EXTRACTOR = {"n_filters": 16, "kernel": 16, "stride": 8, "bottleneck": 8, "hidden": 8, "n_blocks": 2, "n_repeats": 2}


@pytest.fixture
def extractor(tmp_path):
    """``extractor(name="extractor", **section)`` -> file of an extraction model that no one has trained."""

    def make(name="extractor", seed=0, classes=("High", "Low"), **section):
        torch.manual_seed(seed)
        section = {"kind": "extraction", "extractor": EXTRACTOR, **section}
        system = checkpoint.build(Classes(classes), section)
        path = tmp_path / f"{name}.pt"
        state = {"weights": system.state_dict(), **checkpoint.describe(system, section, 1.0)}
        checkpoint.save(path, {**state, "selected": "extractor"})
        return path

    return make


@pytest.fixture
def tone(tmp_path):
    """``tone(name, pitch=440, seconds=0.5, rate=8000)`` -> WAV file of a tone between two silences."""

    def make(name, pitch=440, seconds=0.5, rate=8000):
        time = np.arange(round(seconds * rate)) / rate
        sound = 0.3 * np.sin(2 * np.pi * pitch * time)
        audio.write(tmp_path / name, np.pad(sound, rate // 10), rate)
        return tmp_path / name

    return make
