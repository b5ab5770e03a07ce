"""F1 curves: the macro mean and a panel for each class."""

import pytest

from sedsep.errors import UserError
from sedsep.evaluate.report import f1_curves
from sedsep.evaluate.report.f1_curves import draw_f1
from sedsep.evaluate.score import output as outputs
from sedsep.evaluate.score.truth import from_directory


def test_every_class_is_named_with_its_best(system, tmp_path):
    truth, found = system
    draw_f1(tmp_path / "f1.svg", truth, found["smoothed"])
    text = (tmp_path / "f1.svg").read_text()
    assert "Macro mean (100.00)" in text and "High (100.00)" in text


def test_many_classes_share_one_panel(system, tmp_path, monkeypatch):
    truth, found = system
    monkeypatch.setattr(f1_curves, "MOST", 1)
    draw_f1(tmp_path / "f1.svg", truth, found["smoothed"])
    text = (tmp_path / "f1.svg").read_text()
    assert "Macro mean (100.00)" in text and "High" not in text


def test_bad_requests(system, make_set, tmp_path):
    truth, found = system
    with pytest.raises(UserError, match="50 published operating points; found 1"):
        draw_f1(tmp_path / "x.png", truth, outputs.Output({}, points=[truth.events]))
    with pytest.raises(UserError, match="plot f1 needs events; the set has none"):
        draw_f1(tmp_path / "x.png", from_directory(make_set("none", strong=False, weak=False)), found["raw"])
