import pytest
import torch

from sedsep.batch import Batch
from sedsep.labels import Classes, FrameGrid
from sedsep.nnet.poolings import Detection
from sedsep.systems.selection import Selection, detection_metrics


class Oracle:
    """Detects what the batch says, the second variant nothing."""

    variants = ("right", "deaf")
    classes = Classes(("High", "Low"))
    grid = FrameGrid(8000, 128, 4)
    device = "cpu"

    def __init__(self, batch):
        self.batch = batch

    def detect(self, waveform, variant):
        scale = 0.9 if variant == "right" else 0.1
        return Detection(self.batch.strong * scale, self.batch.weak * scale, None)


@pytest.fixture
def batch():
    classes, grid = Oracle.classes, Oracle.grid
    events = [((0.1, 0.9, "High"),), ((0.2, 0.7, "Low"), (0.0, 0.4, "High"))]
    strong = torch.stack([torch.from_numpy(grid.encode(e, 15, classes)) for e in events])
    mask = torch.ones(2, dtype=torch.bool)
    return Batch(
        ["a", "b"], events, torch.zeros(2, 8000), torch.tensor([8000, 8000]), mask, mask, mask, mask,
        strong, strong.amax(1),
    )  # fmt: skip


@pytest.mark.parametrize("strong", ["intersection", "intersection_zero", "event"])
def test_right_scores_one_and_deaf_scores_zero(batch, strong):
    metrics = detection_metrics(Oracle(batch), {"strong": [batch], "weak": [batch]}, Selection(strong, 0.064))
    assert metrics["right"] == {"weak_f1": 1.0, f"{strong}_f1": 1.0, "objective": 2.0}
    assert metrics["deaf"]["objective"] == 0.0


def test_weak_validation_may_be_absent(batch):
    metrics = detection_metrics(Oracle(batch), {"strong": [batch]}, Selection("event", 0.0))
    assert metrics["right"] == {"event_f1": 1.0, "objective": 1.0}


def test_a_class_that_is_never_found_counts_only_where_asked(batch):
    batch.strong[:, :, 0] = 0  # "High" is missed
    oracle = Oracle(batch)
    found = {kind: detection_metrics(oracle, {"strong": [batch]}, Selection(kind, 0.064))["right"][f"{kind}_f1"]
             for kind in ("intersection", "intersection_zero")}  # fmt: skip
    assert found == {"intersection": 1.0, "intersection_zero": 0.5}
