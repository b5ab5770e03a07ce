"""The commands smooth and fuse: what they need to be given, what they write and say."""

import sys

import numpy as np
import pytest
from click.testing import CliRunner

from sedsep import cli
from sedsep.cli.smooth import fuse, smooth
from sedsep.scores.directory import ClipScores, ScoreSet


@pytest.fixture
def scores(tmp_path):
    rng = np.random.default_rng(0)
    clips = {name: ClipScores(np.arange(31) * 0.064, rng.random((30, 2))) for name in ("a.b", "c")}
    ScoreSet(("Cat", "Dog"), clips).write(tmp_path / "scores")
    return str(tmp_path / "scores")


def run(command, *arguments):
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_steps(scores, tmp_path):
    done = run(smooth, scores, tmp_path / "out", "--merge-gap", 0.1, "--median", 0.2, "--hmm", "0.9,0.8")
    assert done.exit_code == 0 and "2 clips, median, hmm, merge_gap" in done.output
    steps = ScoreSet.read(tmp_path / "out").info["postprocess"]
    assert steps[1] == {"name": "hmm", "stay_silence": 0.9, "stay_event": 0.8}


@pytest.mark.parametrize(
    "options, message",
    [
        (("--median", 0.2, "--smoother", "s.json"), "either steps"),
        (("--fit", "data"), "--fit needs --smoother"),
        (("--median", 0.2, "--model", "m.pt"), "--model takes what --fit finds"),
        (("--hmm", "high"), "expected numbers with commas"),
    ],
)
def test_options_that_do_not_fit_together(scores, tmp_path, options, message):
    done = run(smooth, scores, tmp_path / "out", *options)
    assert done.exit_code == 2 and message in done.output and not (tmp_path / "out").exists()


def test_without_steps_the_model_says_how(scores, tmp_path):
    done = run(smooth, scores, tmp_path / "out")
    assert done.exit_code == 1 and "names no smoothing of the model" in str(done.exception)
    one = ScoreSet.read(scores)
    steps = [{"name": "median", "seconds": 0.192}]
    one.with_clips(one.clips, {"model_steps": steps}).write(tmp_path / "decoded")
    assert run(smooth, tmp_path / "decoded", tmp_path / "out").exit_code == 0
    assert ScoreSet.read(tmp_path / "out").info["postprocess"] == steps


def test_fuse(scores, tmp_path):
    done = run(fuse, tmp_path / "out", scores, scores, "--weights", "1,3")
    assert done.exit_code == 0 and "weight 0.250" in done.output and "weight 0.750" in done.output
    fused, member = ScoreSet.read(tmp_path / "out"), ScoreSet.read(scores)
    assert np.allclose(fused.clips["a.b"].scores, member.clips["a.b"].scores)


def test_a_mistake_is_one_line(scores, tmp_path, monkeypatch, capsys):
    path = tmp_path / "scores" / "strong" / "c.tsv"
    path.write_text(path.read_text().replace("0.064\t", "0.07\t", 1))
    monkeypatch.setattr(sys, "argv", ["sedsep", "smooth", scores, str(tmp_path / "out"), "--median", "0.2"])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 1
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1 and said[0].startswith("sedsep: error: ") and "c.tsv:3: window overlaps" in said[0]
    assert not (tmp_path / "out").exists()
