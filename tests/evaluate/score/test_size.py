"""Parameters behind scores: counted once where networks are shared, and said to be missing where they are."""

from dataclasses import replace

import pytest

from sedsep.errors import UserError
from sedsep.evaluate.score import output as outputs
from sedsep.evaluate.score.score import read_truth, results, score
from sedsep.evaluate.smooth.fuse import fuse_directories
from sedsep.scores.directory import ScoreSet


def written(directory, networks):
    """The score directory, as if these networks had made it."""
    found = ScoreSet.read(directory)
    replace(found, info={**found.info, "networks": networks}).write(directory)
    return directory


def test_shared_networks_count_once(tmp_path, make_set, make_scores):
    directory = make_set("set")
    alone = written(make_scores("alone", directory), {"detector": 1112420})
    both = written(make_scores("both", directory), {"detector": 1112420, "separator": 9113353})
    fuse_directories(tmp_path / "fused", [alone, both])
    for scores, expected in ((alone, 1112420), (both, 10225773), (tmp_path / "fused", 10225773)):
        found, truth = outputs.read(read_truth(directory), scores)
        numbers = score(truth, found, ["parameters"])
        assert numbers[0].value == expected
        entry = results(truth, found, numbers)["metrics"]["parameters"]
        assert entry["unit"] == "parameters" and entry["shown_in"] == "millions"
    assert numbers[0].unit.text(numbers[0].value) == "10.226 M"


def test_scores_that_do_not_say(tmp_path, make_set, make_scores):
    directory = make_set("set")
    silent = make_scores("silent", directory)
    fuse_directories(tmp_path / "fused", [silent, written(make_scores("other", directory), {"a": 1})])
    for scores in (silent, tmp_path / "fused"):
        found, truth = outputs.read(read_truth(directory), scores)
        with pytest.raises(UserError, match="decode again"):
            score(truth, found, ["parameters"])
