"""PSD-ROC: exact curves, those of operating points, and which is which."""

import pytest

from sedsep.errors import UserError
from sedsep.evaluate.report.psd_roc import draw_psd_roc
from sedsep.evaluate.score import output as outputs
from sedsep.evaluate.score.truth import from_directory

SIGNATURES = {".png": b"\x89PNG", ".pdf": b"%PDF", ".svg": b"<?xml"}


@pytest.mark.parametrize("suffix", SIGNATURES)
def test_any_format_is_written_whole(system, tmp_path, suffix):
    draw_psd_roc(tmp_path / f"roc{suffix}", *system)
    assert (tmp_path / f"roc{suffix}").read_bytes().startswith(SIGNATURES[suffix])
    assert [path.name for path in tmp_path.glob("*roc*")] == [f"roc{suffix}"]


def test_the_areas_are_stated(system, tmp_path):
    truth, found = system
    draw_psd_roc(tmp_path / "roc.svg", truth, {"smoothed": found["smoothed"]})
    text = (tmp_path / "roc.svg").read_text()
    assert "PSDS1 = 1.000" in text and "all thresholds" in text and "psds_eval" not in text


def test_the_curve_of_the_tables_stands_beside_the_exact_one(system, tmp_path):
    draw_psd_roc(tmp_path / "roc.svg", *system, published=True)
    text = (tmp_path / "roc.svg").read_text()
    assert "solid: all thresholds (exact PSDS)" in text and "dashed: 50 operating points (psds_eval)" in text
    assert text.count(">smoothed = ") == 4


def test_exact_and_published_curves_do_not_share_a_picture(system, tmp_path):
    truth, found = system
    points = found["raw"].operating_points(truth.classes, "psds")
    mixed = {"a": found["raw"], "b": outputs.Output({}, points=points)}
    with pytest.raises(UserError, match="not comparable"):
        draw_psd_roc(tmp_path / "roc.png", truth, mixed)
    draw_psd_roc(tmp_path / "points.png", truth, {"b": mixed["b"]})
    assert (tmp_path / "points.png").stat().st_size > 5000 and not (tmp_path / "roc.png").exists()


def test_bad_requests(system, make_set, tmp_path):
    truth, found = system
    with pytest.raises(UserError, match="name it .png, .pdf or .svg"):
        draw_psd_roc(tmp_path / "roc.bmp", truth, found)
    with pytest.raises(UserError, match="plot psd-roc needs events; the set has none"):
        draw_psd_roc(tmp_path / "roc.png", from_directory(make_set("none", strong=False, weak=False)), found)
