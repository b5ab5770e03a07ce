import pytest
import torch

from sedsep import config
from sedsep.batch import Batch
from sedsep.labels import Classes
from sedsep.systems import SYSTEMS

SEPARATOR = {"n_sources": 3, "n_filters": 8, "kernel": 16, "bottleneck": 4, "hidden": 8, "skip": 4, "n_blocks": 2}
FRONTEND = {"spectrum": {"sample_rate": 8000, "n_fft": 256, "hop": 128, "n_mels": 8, "f_max": 4000.0}}
DETECTOR = {"channels": [4, 4, 4], "pools": [[2, 2], [2, 2], [1, 2]], "hidden": 4, "n_layers": 1}
MASKER = {"n_sources": 3, "bottleneck": 4, "hidden": 8, "skip": 4, "n_blocks": 2, "n_repeats": 1}


@pytest.fixture
def build():
    """``build("joint", mode="stage1")`` -> a small system with two classes."""

    def make(name, seed=0, **section):
        torch.manual_seed(seed)
        parts = {"separation": {"separator": SEPARATOR, "sample_rate": 8000}}
        detecting = {"frontend": FRONTEND, "detector": DETECTOR}
        parts["detection"] = detecting
        parts["joint"] = parts["ssep_sed"] = {**detecting, "separator": SEPARATOR}
        parts["task_aware"] = {**detecting, "masker": MASKER}
        classes = Classes(("High", "Low"))
        resolved = config.resolve_kind(SYSTEMS, {"kind": name, **parts[name], **section})
        return config.build(SYSTEMS, resolved, {"classes": classes})

    return make


@pytest.fixture
def batch():
    """Two strongly labelled, two weakly labelled and two clips without labels, one second at 8 kHz."""
    torch.manual_seed(1)
    yes, no = [True], [False]
    strong = torch.zeros(6, 15, 2)
    strong[0, 3:8, 0] = strong[1, 5:12, 1] = 1
    weak = torch.zeros(6, 2)
    weak[2, 0] = weak[3, 1] = 1
    return Batch(
        ids=[f"clip{i}" for i in range(6)],
        events=[((0.2, 0.5, "High"),), ((0.3, 0.75, "Low"),)] + [None] * 4,
        mixture=0.1 * torch.randn(6, 8000),
        n_samples=torch.full((6,), 8000),
        has_strong=torch.tensor(2 * yes + 4 * no),
        has_weak=torch.tensor(2 * no + 2 * yes + 2 * no),
        has_sources=torch.tensor(6 * no),
        is_synthetic=torch.tensor(2 * yes + 4 * no),
        strong=strong,
        weak=weak,
    )
