"""To add a system, or a part of one: a file, a line in its list, a configuration; nothing else is touched.

Done on a copy of the package, in a process of its own, with the commands that a user would type.
"""

import json
import shutil
import subprocess
import sys

import pytest
import yaml

from tests.conftest import ROOT

SYSTEM = '''"""Toy: how loud the clip is in eight bands, and a linear layer."""

from typing import Annotated

import torch
from torch import nn

from sedsep.labels import Classes
from sedsep.losses.detection import bce
from sedsep.nnet.frontends.frontend import Frontend
from sedsep.nnet.poolings import Detection
from sedsep.systems.base import System
from sedsep.systems.selection import Selection, detection_metrics
from sedsep.systems.streams import LABELLED, LABELLED_VALID, Labelled


class Toy(System):
    """Trains a linear detector on strong labels alone."""

    kind, task = "toy", "train-sed"
    data = Labelled
    streams, validation = LABELLED[:1], LABELLED_VALID[:1]
    shortcuts = ("loudness",)
    variants = ("net",)

    def __init__(
        self,
        classes: Classes,
        frontend: Annotated[dict, Frontend] = None,
        selection: Annotated[dict, Selection] = None,
        loudness: Annotated[str, None] = "any",
    ):
        frontend = Frontend(**frontend)
        super().__init__(classes, frontend.sample_rate)
        self.frontend, self.selection = frontend, Selection(**selection)
        self.net, self.grid = nn.Linear(frontend.n_bands, len(classes)), frontend.spectrum.grid(1)

    def forward(self, batch, progress):
        return {"strong": bce(self.detect(batch.mixture).strong, batch.strong, batch.has_strong)}

    def detect(self, waveform, variant="net"):
        features = self.frontend(waveform)
        strong = torch.sigmoid(self.net(features))
        return Detection(strong, strong.amax(1), features)

    @torch.no_grad()
    def validate(self, loaders):
        return detection_metrics(self, loaders, self.selection)
'''.replace('Annotated[str, None] = "any"', 'Literal["any", "loud"] = "any"').replace(
    "from typing import Annotated", "from typing import Annotated, Literal"
)
COMPRESSION = '''"""Root: a power of the magnitudes."""

from torch import nn


class Root(nn.Module):
    """``(B, L, F)`` to a power.

    Args:
        n_bands: F. power: of each magnitude.
    """

    n_maps = 1

    def __init__(self, n_bands: int, power: float = 0.5):
        super().__init__()
        self.power = power

    def forward(self, mel):
        """``(B, L, F)`` -> the same shape."""
        return mel.clamp(min=1e-8) ** self.power
'''
FRONTEND = {"spectrum": {"sample_rate": 8000, "n_fft": 256, "hop": 128, "n_mels": 8, "f_max": 4000.0}}
DATA = {"data": {"seconds": 1.0, "strong": 2, "weak": 0, "unlabelled": 0, "validation": 4}, "schedule": {"epochs": 1}}
TOY = {**DATA, "system": {"kind": "toy", "frontend": FRONTEND}}
ROOTED = {
    **DATA,
    "system": {
        "kind": "detection",
        "frontend": {**FRONTEND, "compression": {"kind": "root", "power": 0.3}},
        "detector": {"channels": [3, 3], "pools": [[2, 2], [2, 4]], "hidden": 3, "n_layers": 1},
    },
}
COMMANDS = """
import json, sys, traceback
from sedsep.cli import sedsep
for line in open(sys.argv[1]):
    try:
        sedsep.main(json.loads(line), standalone_mode=False)
    except Exception:
        traceback.print_exc()
        sys.exit(1)
"""


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """A copy of the package with a system and a compression more, a file and a line each."""
    root = tmp_path_factory.mktemp("grown")
    shutil.copytree(ROOT / "sedsep", root / "sedsep", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "sedsep/systems/toy.py").write_text(SYSTEM)
    (root / "sedsep/nnet/frontends/root.py").write_text(COMPRESSION)
    lines = {
        "systems/__init__.py": (("    Extraction,\n", "    Extraction,\n    Toy,\n"),
                                "from sedsep.systems.toy import Toy"),
        "nnet/frontends/__init__.py": (('{"log": Log, ', '{"log": Log, "root": Root, '),
                                       "from sedsep.nnet.frontends.root import Root"),
    }  # fmt: skip
    for name, ((old, new), line) in lines.items():
        path = root / "sedsep" / name
        text = path.read_text()
        assert old in text
        head, rest = text.replace(old, new).split("\nfrom ", 1)
        path.write_text(f"{head}\n{line}\nfrom {rest}")
    return root


def test_a_system_and_a_front_end_are_a_file_a_line_and_a_configuration(tmp_path, grown, here, make_set):
    strong, valid = make_set("strong"), make_set("valid", 4)
    commands = [["train-sed", "--help"]]
    for name, configuration in (("toy", TOY), ("rooted", ROOTED)):
        conf, exp = tmp_path / f"{name}.yaml", tmp_path / name
        conf.write_text(yaml.safe_dump(configuration))
        model = exp / ("best_net.pt" if name == "toy" else "best_teacher.pt")
        commands += [
            ["train-sed", "--conf", conf, "--exp", exp, "--strong", strong, "--valid-strong", valid],
            ["plan", conf, "--batches", "5"],
            ["decode", tmp_path / f"{name}_scores", "--model", model, "--data", valid],
        ]
    (tmp_path / "commands").write_text("".join(json.dumps([str(word) for word in line]) + "\n" for line in commands))
    command = [sys.executable, "-c", COMMANDS, tmp_path / "commands"]
    environment = {**here, "PYTHONPATH": str(grown)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    said = done.stdout
    assert "toy: Trains a linear detector on strong labels alone." in " ".join(said.split())
    assert "--kind [detection|toy]" in said and "--loudness [any|loud]" in said
    assert "toy on cpu" in said and "detection on cpu" in said and said.count("4 clips decoded") == 2
    assert len(list((tmp_path / "toy_scores/strong").iterdir())) == 4
