"""Names: what is asked for begins what is answered; files of earlier versions are read in today's names."""

import json

import pytest

from sedsep.errors import UserError
from sedsep.evaluate.report.class_bars import draw_classes
from sedsep.evaluate.score import output as outputs
from sedsep.evaluate.score.compare import compare, read
from sedsep.evaluate.score.score import METRICS, read_truth, results, score
from sedsep.evaluate.score.stored import read_results

ELSEWHERE = ("extraction", "fuss", "parameters")  # of these the clue or the measure of the paper comes first


@pytest.fixture
def found(make_set, make_scores):
    """Results of every metric on a small set, each metric scored by itself: asked -> its entries."""
    directory = make_set("set", stems=True)
    output, truth = outputs.read(read_truth(directory), make_scores("system", directory, separated=True))
    asked = [name for name in METRICS if name not in ELSEWHERE]
    return {name: results(truth, output, score(truth, output, [name])) for name in asked}


def test_a_number_is_named_as_it_is_asked_for(found):
    for asked, results_of_it in found.items():
        for name, entry in results_of_it["metrics"].items():
            assert name.startswith(asked) and entry["id"].startswith(f"{name}["), (asked, name)
    assert list(found["psds-exact"]["metrics"]) == ["psds-exact1", "psds-exact2"]


def earlier(found):
    """The same results as the version before wrote them."""
    return json.loads(json.dumps(found["psds-exact"]).replace("psds-exact", "exact-psds"))


def test_files_of_earlier_versions_are_like_those_of_this_one(found, tmp_path):
    (tmp_path / "new.json").write_text(json.dumps(found["psds-exact"]))
    (tmp_path / "old.json").write_text(json.dumps(earlier(found)))
    assert "exact-psds1[" in (tmp_path / "old.json").read_text()
    assert read_results(tmp_path / "old.json")["metrics"] == found["psds-exact"]["metrics"]
    standings = compare(read([str(tmp_path / "old.json"), str(tmp_path / "new.json")]))
    assert [identifier.split("[")[0] for identifier in standings] == ["psds-exact1", "psds-exact2"]
    draw_classes([tmp_path], "old:psds-exact1", tmp_path / "classes.png")


def test_what_is_no_result_is_refused_where_it_is_read(tmp_path):
    path = tmp_path / "x.json"
    for text, message in (
        ("[]", "x.json: not a file of results"),
        ('{"metrics": {"psds1": {"value": 0.5}}}', "x.json: psds1 has no id.*score again"),
    ):
        path.write_text(text)
        with pytest.raises(UserError, match=message):
            read_results(path)
        with pytest.raises(UserError, match=message):
            draw_classes([tmp_path], "x:psds1", tmp_path / "classes.png")
