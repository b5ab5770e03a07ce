"""Plots: pictures of every kind are written whole, and what cannot be drawn is named."""

import pytest

from sedsep.errors import UserError
from sedsep.evaluate.score import output as outputs
from sedsep.evaluate.report import plot
from sedsep.evaluate.score.truth import from_directory, from_files

SIGNATURES = {".png": b"\x89PNG", ".pdf": b"%PDF", ".svg": b"<?xml"}


@pytest.fixture
def system(make_set, make_scores):
    """A truth, and two outputs by name."""
    directory = make_set("set")
    paths = [make_scores("raw", directory, noise=0.3), make_scores("smoothed", directory)]
    return outputs.read_several(from_directory(directory), paths)


@pytest.mark.parametrize("suffix", SIGNATURES)
def test_psd_roc(system, tmp_path, suffix):
    plot.psd_roc(tmp_path / f"roc{suffix}", *system)
    assert (tmp_path / f"roc{suffix}").read_bytes().startswith(SIGNATURES[suffix])
    assert [path.name for path in tmp_path.glob("*roc*")] == [f"roc{suffix}"]


def test_psd_roc_states_the_areas(system, tmp_path):
    truth, found = system
    plot.psd_roc(tmp_path / "roc.svg", truth, {"smoothed": found["smoothed"]})
    text = (tmp_path / "roc.svg").read_text()
    assert "PSDS1 = 1.000" in text and "All thresholds" in text


def test_exact_and_published_curves_do_not_share_a_picture(system, tmp_path):
    truth, found = system
    points = found["raw"].operating_points(truth.classes, "psds")
    mixed = {"a": found["raw"], "b": outputs.Output({}, points=points)}
    with pytest.raises(UserError, match="not comparable"):
        plot.psd_roc(tmp_path / "roc.png", truth, mixed)
    plot.psd_roc(tmp_path / "points.png", truth, {"b": mixed["b"]})
    assert (tmp_path / "points.png").stat().st_size > 5000 and not (tmp_path / "roc.png").exists()


def test_f1_over_thresholds(system, tmp_path):
    truth, found = system
    plot.f1_over_thresholds(tmp_path / "f1.svg", truth, found["smoothed"])
    text = (tmp_path / "f1.svg").read_text()
    assert "Macro mean (100.0)" in text and "High (100.0)" in text
    with pytest.raises(UserError, match="50 published operating points; found 1"):
        plot.f1_over_thresholds(tmp_path / "x.png", truth, outputs.Output({}, points=[truth.events]))


def test_clip_with_events_before_and_after(system, tmp_path):
    truth, found = system
    plot.clip(tmp_path / "clip.svg", truth, "set_1", found)
    text = (tmp_path / "clip.svg").read_text()
    assert all(word in text for word in ("Reference", "raw", "smoothed", "set_1", "Low"))


def test_bad_requests(system, tmp_path):
    truth, found = system
    with pytest.raises(UserError, match="no clip 'set_9'.*did you mean"):
        plot.clip(tmp_path / "clip.png", truth, "set_9", found)
    loose = from_files(f"{truth.source}/strong.tsv", f"{truth.source}/durations.tsv")
    with pytest.raises(UserError, match="needs audio"):
        plot.clip(tmp_path / "clip.png", loose, "set_1", found)
    with pytest.raises(UserError, match="name it .png, .pdf or .svg"):
        plot.psd_roc(tmp_path / "roc.bmp", truth, found)
