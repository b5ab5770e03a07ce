"""A new corpus is one script in local/: nothing else of a recipe is touched."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from sedsep.data import audio
from sedsep.data.manifest import ClipSet

ROOT = Path(__file__).resolve().parents[2]
LABELS = ("Beep", "Buzz", "Chirp")
SCRIPT = """#!/usr/bin/env bash
# toy.sh DATA CONF ROOT: a soundbank of three classes of tones.
set -euo pipefail
if [ -e "$1/bank/sounds.tsv" ]; then echo "$1/bank is there already"; exit 0; fi
sedsep soundbank "$1/bank" --root "$3" --noise
"""


@pytest.fixture
def recipe(tmp_path):
    """A copy of the recipe and of tools/, with ``local/toy.sh``."""
    for name in ("egs/desed_2021", "tools"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("exp", "data"))
    script = tmp_path / "egs/desed_2021/local/toy.sh"
    script.write_text(SCRIPT)
    script.chmod(0o755)
    return script.parents[1]


@pytest.fixture
def tones(tmp_path):
    """A folder of recordings, one folder per class."""
    time = np.arange(16000) / 16000
    for number, label in enumerate(LABELS):
        for k in range(12):
            waveform = 0.2 * np.sin(2 * np.pi * (300 * (number + 1) + 10 * k) * time)
            audio.write(tmp_path / "tones" / label / f"{label}{k}.wav", np.pad(waveform, 4000), 16000)
    return tmp_path / "tones"


def test_a_script_in_local_is_a_corpus(recipe, tones, here, tmp_path):
    command = [recipe / "run.sh", "--corpus", "toy", "--root", tones, "--preset", "smoke", "--work", tmp_path / "work"]
    command += ["--rows", "main", "--stop-stage", "2", "--set", "schedule.epochs=2"]
    done = subprocess.run(command, capture_output=True, text=True, env=here, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    data, exp = tmp_path / "work/data/toy-smoke", tmp_path / "work/exp/toy-smoke-seed42"
    assert ClipSet.read(data / "test").classes.names == LABELS
    assert not (data / "fuss_train").exists() and not (exp / "sep_fuss").exists(), "sets that no row of main needs"
    epochs = [json.loads(line) for line in (exp / "sep_desed/log.jsonl").read_text().splitlines()]
    assert len(epochs) == 2, "--set reaches the training"


def test_what_there_is_is_read_from_the_folders(recipe, here):
    (recipe / "conf/tiny").mkdir()
    known = subprocess.run([recipe / "run.sh", "--help"], capture_output=True, text=True, env=here, check=True).stdout
    assert "one of desed mini soundbank toy (" in known and "one of mini paper smoke tiny (" in known
