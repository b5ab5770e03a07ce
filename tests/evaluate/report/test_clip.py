"""A clip with its events: with and without labels, from scores that hold other clips too."""

import pytest

from sedsep.errors import UserError
from sedsep.evaluate.report.clip import draw_clip
from sedsep.evaluate.score import output as outputs
from sedsep.evaluate.score.truth import from_directory, from_files


def test_events_before_and_after(system, tmp_path):
    truth, found = system
    draw_clip(tmp_path / "clip.svg", truth, "set_1", found)
    text = (tmp_path / "clip.svg").read_text()
    assert all(word in text for word in ("Reference", "raw", "smoothed", "set_1", "Low"))


def test_a_set_without_labels_has_no_reference(make_set, make_scores, tmp_path):
    directory = make_set("set", strong=False, weak=False)
    truth, found = outputs.read_several(from_directory(directory), [make_scores("raw", directory, noise=0.5)])
    draw_clip(tmp_path / "clip.svg", truth, "set_1", found)
    text = (tmp_path / "clip.svg").read_text()
    assert "Reference" not in text and "raw" in text


def test_scores_may_hold_other_clips(make_set, make_scores, tmp_path):
    scores = make_scores("raw", make_set("set"))
    clip = from_directory(make_set("set", 2))
    with pytest.raises(UserError, match="4 clips are not in"):
        outputs.read_several(clip, [scores])
    truth, found = outputs.read_several(clip, [scores], others=True)
    draw_clip(tmp_path / "clip.svg", truth, "set_1", found)
    assert "Low" in (tmp_path / "clip.svg").read_text()


def test_bad_requests(system, make_scores, tmp_path):
    truth, found = system
    with pytest.raises(UserError, match="no clip 'set_9'.*did you mean"):
        draw_clip(tmp_path / "clip.png", truth, "set_9", found)
    loose = from_files(f"{truth.source}/strong.tsv", f"{truth.source}/durations.tsv")
    with pytest.raises(UserError, match="needs audio"):
        draw_clip(tmp_path / "clip.png", loose, "set_1", found)
    (tmp_path / "raw" / "strong" / "set_1.tsv").unlink()
    truth, found = outputs.read_several(truth, [tmp_path / "raw"])
    with pytest.raises(UserError, match="raw: no scores of set_1.wav"):
        draw_clip(tmp_path / "clip.png", truth, "set_1", found)
