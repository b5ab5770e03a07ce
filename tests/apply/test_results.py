"""Results: what is done is kept, whatever is wrong with other recordings, and whoever stops it."""

import json
import multiprocessing
import os
import signal

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch

from sedsep import files
from sedsep.apply import decode as decoding
from sedsep.apply import model as models
from sedsep.apply.decode import decode
from sedsep.apply.recordings import recordings
from sedsep.apply.results import Results
from sedsep.engine import checkpoint
from sedsep.errors import Incomplete, Interrupted, UserError
from sedsep.evaluate.score import output, score
from sedsep.evaluate.smooth.smooth import smooth_directory
from sedsep.labels import Classes
from sedsep.scores.directory import ScoreSet
from tests.apply.test_decode import SECTION

RATE = 8000


@pytest.fixture
def make_model(tmp_path):
    """``make_model(name, seed)`` -> file of a joint model that no one has trained."""

    def make(name="joint", seed=0):
        torch.manual_seed(seed)
        system = checkpoint.build(Classes(("High", "Low")), SECTION)
        state = {"weights": system.state_dict(), **checkpoint.describe(system, SECTION, 1.0)}
        checkpoint.save(tmp_path / f"{name}.pt", {**state, "selected": "teacher"})
        return tmp_path / f"{name}.pt"

    return make


@pytest.fixture
def sound(tmp_path):
    """``sound(name)`` -> file of a second of noise, at a path below the test's folder."""

    def make(name):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(tmp_path / name, 0.1 * np.random.default_rng(0).standard_normal(RATE), RATE)
        return tmp_path / name

    return make


def run(model, out, given, data=None, overwrite=False, **options):
    loaded = models.load(model, "cpu")
    results = Results(out, loaded, overwrite)
    return decode(loaded, recordings(data, given, results.known), results, **options)


def content(directory):
    return {p.relative_to(directory).as_posix(): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


def test_one_bad_recording_costs_no_other(tmp_path, make_model, sound, capsys):
    out, bad, short = tmp_path / "out", tmp_path / "n3.wav", tmp_path / "n5.wav"
    bad.write_bytes(sound("n1.wav").read_bytes()[:44])
    soundfile.write(short, np.zeros(100), RATE)
    given = [tmp_path / "n1.wav", sound("n2.wav"), bad, sound("n4.wav"), short, tmp_path / "none.wav"]
    with pytest.raises(Incomplete, match="3 of 6 recordings decoded, 3 left out") as error:
        run(make_model(), out, given)
    assert error.value.code == 3
    said = capsys.readouterr().err
    for reason in (f"{bad}: ", f"{short}: 100 samples are shorter", f"{tmp_path}/none.wav: no such audio file"):
        assert f"sedsep: {reason}" in said
    scores = ScoreSet.read(out)
    assert sorted(scores.clips) == ["n1", "n2", "n4"] == sorted(scores.weak)
    skipped = pd.read_csv(out / "skipped.tsv", sep="\t")
    assert skipped["path"].tolist() == list(map(str, (bad, short, tmp_path / "none.wav")))
    assert skipped["reason"][2] == "no such audio file"
    assert (out / files.MARK).stat().st_mtime == 0  # a recipe does not take it for done
    run(make_model(), out, [sound("n3.wav"), sound("n5.wav"), sound("none.wav")])
    assert not (out / "skipped.tsv").exists() and (out / files.MARK).stat().st_mtime > 0
    assert len(ScoreSet.read(out).clips) == 6


def test_strict_stops_and_nothing_usable_is_a_plain_error(tmp_path, make_model, sound):
    (tmp_path / "bad.wav").write_bytes(b"")
    given = [sound("a.wav"), tmp_path / "bad.wav", sound("c.wav")]
    with pytest.raises(UserError, match="bad.wav: empty file") as error:
        run(make_model(), tmp_path / "out", given, strict=True, batch=1)
    assert error.value.code == 1 and not (tmp_path / "out/strong/c.tsv").exists()
    with pytest.raises(UserError, match="none of the 2 recordings could be decoded") as error:
        run(make_model(), tmp_path / "other", [tmp_path / "bad.wav", tmp_path / "none.wav"])
    assert error.value.code == 1 and not (tmp_path / "other").exists()


def test_the_same_model_adds_and_updates(tmp_path, make_model, sound):
    model, out = make_model(), tmp_path / "out"
    run(model, out, [sound("a.wav")], sources=True)
    before = content(out)
    checkpoint.keep_smoothing(model, [{"name": "median", "seconds": 0.2}])  # the same weights in another file
    run(model, out, [sound("b.wav")])
    after = content(out)
    assert sorted(ScoreSet.read(out).weak) == ["a", "b"]
    assert {n: after[n] for n in before if "/" in n} == {n: before[n] for n in before if "/" in n}
    assert json.loads(after["scores.json"])["model_steps"] == [{"name": "median", "seconds": 0.2}]
    soundfile.write(tmp_path / "a.wav", np.zeros(RATE), RATE)
    run(model, out, [tmp_path / "a.wav"])
    assert content(out)["strong/a.tsv"] != after["strong/a.tsv"]
    assert content(out)["strong/b.tsv"] == after["strong/b.tsv"]


def test_another_model_needs_to_overwrite(tmp_path, make_model, sound):
    one, other, out = make_model(), make_model("other", 1), tmp_path / "out"
    run(one, out, [sound("a.wav")])
    before = content(out)
    with pytest.raises(UserError, match="another model.*--overwrite"):
        run(other, out, [sound("b.wav")])
    with pytest.raises(UserError, match="none.wav"):  # nothing goes before something comes
        run(other, out, [tmp_path / "none.wav"], overwrite=True)
    assert content(out) == before
    run(other, out, [tmp_path / "b.wav"], overwrite=True)
    assert list(ScoreSet.read(out).clips) == ["b"] and "strong/a.tsv" not in content(out)
    smooth_directory(out, tmp_path / "smoothed", {"steps": [{"name": "median", "seconds": 0.2}]})
    with pytest.raises(UserError, match="of another command"):
        run(other, tmp_path / "smoothed", [tmp_path / "a.wav"])


def test_ctrl_c_keeps_what_is_done_and_says_so(tmp_path, make_model, sound, monkeypatch):
    out, given = tmp_path / "out", [sound(f"{n}.wav") for n in "abc"]
    before = decoding._decode_group

    def stop_at_the_second(model, group, *rest):
        if group[0][0].id == "b":
            raise KeyboardInterrupt
        before(model, group, *rest)

    monkeypatch.setattr(decoding, "_decode_group", stop_at_the_second)
    with pytest.raises(Interrupted, match=f"1 of 3 recordings are decoded and kept in {out}") as error:
        run(make_model(), out, given, batch=1)
    assert error.value.code == 130
    scores = ScoreSet.read(out)
    assert list(scores.clips) == ["a"] == list(scores.weak) and (out / files.MARK).stat().st_mtime == 0
    monkeypatch.undo()
    run(make_model(), out, given, batch=1)
    assert len(ScoreSet.read(out).clips) == 3 and (out / files.MARK).stat().st_mtime > 0


def test_two_sites_with_the_same_names_through_smoothing_and_scoring(tmp_path, make_model, sound):
    model, out = make_model(), tmp_path / "out"
    for site in "AB":
        sound(f"{site}/0500.wav")
        run(model, out, [tmp_path / site], sources=True)
    smooth_directory(out, tmp_path / "smoothed", {"steps": [{"name": "median", "seconds": 0.2}]})
    for directory in (out, tmp_path / "smoothed"):
        scores = ScoreSet.read(directory)
        assert sorted(scores.clips) == ["A/0500", "B/0500"] == sorted(scores.weak)
    assert len(list(out.glob("separated/*/0500/source0.wav"))) == 2
    (tmp_path / "truth.tsv").write_text(
        "filename\tonset\toffset\tevent_label\nA/0500.wav\t0\t0.5\tHigh\nB/0500.wav\t0.2\t0.7\tLow\n"
    )
    (tmp_path / "seconds.tsv").write_text("filename\tduration\nA/0500.wav\t1\nB/0500.wav\t1\n")
    truth = score.read_truth(None, tmp_path / "truth.tsv", tmp_path / "seconds.tsv")
    found, _ = output.read(truth, out)
    assert found.missing == () and sorted(found.scores) == ["A/0500.wav", "B/0500.wav"]


def test_a_set_does_not_take_the_ids_of_another(tmp_path, make_model, make_set):
    model, out, one = make_model(), tmp_path / "out", make_set("test", 2)
    run(model, out, (), one)
    run(model, out, (), one)
    os.rename(one, tmp_path / "moved")
    with pytest.raises(UserError, match="holds 'test_0' of .* already"):
        run(model, out, (), tmp_path / "moved")
    run(model, out, (), tmp_path / "moved", overwrite=True)
    assert len(ScoreSet.read(out).clips) == 2


def test_a_persons_file_that_was_cut_off_is_decoded_as_far_as_it_goes_and_a_sets_is_not(
    tmp_path, make_model, sound, make_set, capsys
):
    path, data = sound("a.wav"), make_set("test", 1)
    for cut in (path, data / "audio/test_0.wav"):
        cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    run(make_model(), tmp_path / "out", [path])
    assert f"sedsep: {path}: its header declares 1.000 s, and only 0.4" in capsys.readouterr().err
    assert 0.4 < ScoreSet.read(tmp_path / "out").clips["a"].boundaries[-1] < 0.5
    with pytest.raises(UserError, match="test_0.wav: truncated"):
        run(make_model(), tmp_path / "out2", (), data)


def test_two_decodings_do_not_write_one_directory(make_model, sound, tmp_path):
    model = make_model()
    one, other = (Results(tmp_path / "out", models.load(model, "cpu")) for _ in range(2))
    with one:
        with pytest.raises(UserError, match=f"process {os.getpid()} on "), other:
            pass
    with other:  # what was there when this one was made is not what is there now
        pass
    run(model, tmp_path / "out", [sound("a.wav")])
    with other:
        assert list(other.known) == ["a"]


@pytest.mark.parametrize("cut", [False, True])
def test_a_kill_costs_only_the_recording_in_work(tmp_path, make_model, sound, monkeypatch, cut):
    """Its clip-level scores are there beside its table, and another run adds to them."""
    model, out = make_model(), tmp_path / "out"
    given = [sound(f"n{number}.wav") for number in range(4)]
    run(model, tmp_path / "straight", [*given, sound("more.wav")], batch=1)
    add, done = Results.add, []

    def killed(self, *arguments):
        if len(done) == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        add(self, *arguments)
        done.append(1)

    monkeypatch.setattr(Results, "add", killed)
    child = multiprocessing.get_context("fork").Process(target=run, args=(model, out, given), kwargs={"batch": 1})
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    monkeypatch.undo()
    straight, left = ScoreSet.read(tmp_path / "straight"), ScoreSet.read(out)
    assert sorted(left.clips) == sorted(left.weak) == ["n0", "n1"]
    if cut:  # a machine that goes down may leave a part of a row
        for name in ("weak.tsv", "recordings.tsv"):
            (out / name).write_text((out / name).read_text() + "n2\t0.1")
    run(model, out, [sound("more.wav")])
    found = ScoreSet.read(out)
    assert sorted(found.weak) == ["more", "n0", "n1"] == sorted(found.clips)
    for name, row in found.weak.items():
        np.testing.assert_array_equal(row, straight.weak[name])
    assert pd.read_csv(out / "recordings.tsv", sep="\t")["filename"].tolist() == ["n0", "n1", "more"]
