"""Repair: the copy of a set with every kind of fault is without any, and the log has each change."""

import numpy as np
import pandas as pd
import pytest
import soundfile

from sedsep import config
from sedsep.data import audio
from sedsep.data.manifest import ClipSet
from sedsep.data.repair import mended, repair
from sedsep.data.validate import faults
from sedsep.errors import UserError

RATE = 8000


@pytest.fixture
def broken(make_set):
    """Eight clips; half of them have something wrong."""
    directory = make_set("set", 8, stems=True)
    where = directory / "audio"
    soundfile.write(where / "set_0.wav", np.full((2 * 44100, 2), 0.25), 44100, "PCM_U8")
    (where / "set_1.wav").write_bytes((where / "set_1.wav").read_bytes()[:5000])
    (where / "set_2.wav").unlink()
    audio.write(where / "set_3.wav", np.zeros(RATE), RATE)
    audio.write(directory / "stems" / "set_4" / "High.wav", np.ones(5), RATE)
    text = (directory / "durations.tsv").read_text()
    text = text.replace("set_5.wav\t1", "set_5.wav\t2").replace("set_6.wav\t1", "set_6.wav\tx")
    (directory / "durations.tsv").write_text(text)
    with open(directory / "strong.tsv", "a") as table:
        table.write("set_4.wav\t0.55\t3\tHigh\nset_4.wav\t0.9\t0.1\tLow\nset_5.wav\t-1\t0.05\tLow\n")
        table.write("set_6.wav\t0.1\t0.2\tMedium\nset_7.wav\t2\t3\tHigh\nset_9.wav\t2\t3\tHigh\n")
    text = (directory / "clips.tsv").read_text()
    (directory / "clips.tsv").write_text(text.replace("set_7.wav\tsynthetic", "set_7.wav\tdream"))
    config.write(directory / "simulation.yaml", {"split": "train"})
    return directory


def test_the_copy_is_sound_and_the_log_complete(broken, tmp_path):
    listed = faults([broken])[0]
    before = {path: path.read_bytes() for path in broken.rglob("*") if path.is_file()}
    out = tmp_path / "out"
    made = repair(broken, out)
    assert made == {"clips": 5, "left_out": 3, "changes": len(listed)}
    assert faults([out])[0] == [] and (out / "simulation.yaml").is_file()
    log = pd.read_csv(out / "fixes.tsv", sep="\t")
    assert list(log.columns) == ["file", "line", "what", "done"]
    assert log["what"].tolist() == [fault.what for fault in listed]
    done = dict(zip(log["what"].str.extract("(offset 3|is not before|dream|set_1.wav)")[0], log["done"]))
    assert done["offset 3"] == "offset set to 1.000" and done["is not before"] == "event left out"
    assert done["dream"] == "domain left empty" and done["set_1.wav"] == "clip left out"
    assert before == {path: path.read_bytes() for path in broken.rglob("*") if path.is_file()}


def test_what_the_copy_holds(broken, tmp_path):
    repair(broken, tmp_path / "out")
    clips = {clip.filename: clip for clip in ClipSet.read(tmp_path / "out")}
    assert list(clips) == ["set_0.wav", "set_4.wav", "set_5.wav", "set_6.wav", "set_7.wav"]
    converted = audio.read(clips["set_0.wav"].path, RATE)
    assert converted.shape == (2 * RATE,) and np.abs(converted[500:-500] - 0.25).max() < 0.01
    assert clips["set_0.wav"].duration == 2.0 and [s.path for s in clips["set_0.wav"].stems] == [None, None]
    assert clips["set_4.wav"].strong[0][1:] == (1.0, "High") and len(clips["set_4.wav"].strong) == 1
    assert clips["set_4.wav"].stems[0].path.is_file() and clips["set_4.wav"].stems[1].path is None
    assert clips["set_5.wav"].strong[0] == (0.0, 0.05, "Low")
    assert clips["set_5.wav"].duration == clips["set_6.wav"].duration == 1.0
    assert len(clips["set_7.wav"].strong) == 1 and clips["set_7.wav"].domain == ""
    assert clips["set_7.wav"].path.read_bytes() == (broken / "audio" / "set_7.wav").read_bytes()


def test_another_rate_for_all(make_set, tmp_path):
    directory = make_set("set", 2, stems=True)
    assert len(faults([directory], 16000)[0]) == 2
    repair(directory, tmp_path / "out", 16000)
    assert faults([tmp_path / "out"], 16000)[0] == []
    for clip in ClipSet.read(tmp_path / "out"):
        mixture, *stems = (audio.read(path, 16000) for path in (clip.path, *(s.path for s in clip.stems)))
        assert len(mixture) == 16000 and np.abs(mixture - sum(stems)).max() < 1e-5


def test_a_stem_whose_samples_are_broken(make_set, tmp_path):
    directory = make_set("set", 1, stems=True)
    audio.write(directory / "stems" / "set_0" / "High.wav", np.full(RATE, np.nan), RATE)
    assert repair(directory, tmp_path / "out", 16000)["changes"] == 2
    assert ClipSet.read(tmp_path / "out").clips[0].stems[1].path is None
    assert "NaN" in pd.read_csv(tmp_path / "out" / "fixes.tsv", sep="\t")["what"].iloc[-1]


def test_mended_events():
    touching, overlapping = [(0.0, 0.5, "A"), (0.5, 0.9, "A")], [(0.1, 0.8, "B"), (0.2, 0.3, "B"), (0.3, 1.005, "B")]
    assert mended(overlapping + touching, 1.0) == (touching[0], (0.1, 1.005, "B"), touching[1])
    assert mended([(1.0, 2.0, "A"), (0.9996, 1.0, "A")], 1.0) == ()


def test_refusals(make_set, tmp_path):
    directory = make_set("set", 1)
    for out in (directory, tmp_path):
        with pytest.raises(UserError, match="holds the set itself"):
            repair(directory, out)
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "to_a_friend.txt").write_text("")
    with pytest.raises(UserError, match="is there already and is not a repaired set"):
        repair(directory, tmp_path / "letters")
    repair(directory, tmp_path / "out")
    repair(directory, tmp_path / "out")  # a repaired copy may be made again
    (directory / "audio" / "set_0.wav").write_bytes(b"")
    with pytest.raises(UserError, match="no clip can be used; 'sedsep validate"):
        repair(directory, tmp_path / "new")
    assert not (tmp_path / "new").exists()
