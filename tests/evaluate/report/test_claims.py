import json

import numpy as np
import pytest

from sedsep.errors import UserError
from sedsep.evaluate.report.claims import markdown, read_claims

HEAD = "claim\tbetter\tworse\tcolumns\n"
TRUSTED = {"id": "x", "data": "events:1", "missing_clips": 0}


@pytest.fixture
def results(tmp_path):
    """Two seeds of two systems, A better by 0.2 and 0.3 in PSDS1; replicates that agree with that."""
    generator = np.random.default_rng(0)
    noise = 0.01 * generator.standard_normal(50)
    for seed, gain in (("one", 0.2), ("two", 0.3)):
        (tmp_path / seed).mkdir()
        for key, value in (("a.x", 0.5 + gain), ("b.x", 0.5), ("c.x", None)):
            metric = {"value": value, **TRUSTED}
            if value is not None:
                metric["replicates"] = (value + noise).tolist()
            (tmp_path / seed / f"{key}.json").write_text(json.dumps({"metrics": {"psds1": metric}}))
    return [tmp_path / "one", tmp_path / "two"]


def table(tmp_path, *rows):
    (tmp_path / "claims.tsv").write_text(HEAD + "".join("\t".join(row) + "\n" for row in rows))
    return tmp_path / "claims.tsv"


def test_differences_over_pairs_and_seeds(results, tmp_path):
    pairs = {"A over B": ("a.x", "b.x"), "B over A": ("b.x", "a.x"), "both": ("a.x,b.x", "b.x,a.x")}
    rows = [(text, *pair, "psds1") for text, pair in pairs.items()]
    better, worse, neither = read_claims(table(tmp_path, *rows), results)
    assert better.differences[0].value == pytest.approx(0.25) and better.verdict(0) == "holds"
    assert better.by_seed.tolist() == [pytest.approx([0.2, 0.3])]
    assert worse.differences[0].value == pytest.approx(-0.25) and worse.verdict(0) == "does not hold"
    assert neither.differences[0].value == pytest.approx(0, abs=1e-12) and neither.verdict(0) == "undecided"
    lines = markdown([better, worse]).splitlines()
    assert lines[0] == "| claim | PSDS1 |" and lines[2] == "| A over B | +0.250 ± 0.071 [+0.250, +0.250] **holds** |"


def test_without_resamples_there_is_no_verdict(results, tmp_path):
    for path in results[0].glob("*.json"):
        found = json.loads(path.read_text())
        found["metrics"]["psds1"].pop("replicates", None)
        path.write_text(json.dumps(found))
    (claim,) = read_claims(table(tmp_path, ("A over B", "a.x", "b.x", "psds1")), results)
    assert claim.verdict(0) == "" and claim.differences[0].value == pytest.approx(0.25)


def test_a_value_that_is_none_decides_nothing(results, tmp_path):
    (claim,) = read_claims(table(tmp_path, ("A over C", "a.x", "c.x", "psds1")), results)
    assert np.isnan(claim.differences[0].value) and claim.verdict(0) == ""
    assert "nan" not in markdown([claim])


def test_a_clue_stands_behind_the_system(tmp_path):
    metrics = {
        f"{clue}.sdr-improvement": {"value": value, **TRUSTED} for clue, value in (("mean1", 2.0), ("mean10", 5.0))
    }
    (tmp_path / "m.new.json").write_text(json.dumps({"metrics": metrics}))
    path = table(tmp_path, ("more shots help", "m.new:mean10", "m.new:mean1", "sdri"))
    (claim,) = read_claims(path, [tmp_path])
    assert claim.differences[0].value == 3.0 and "| more shots help | +3.0 |" in markdown([claim])


def test_what_makes_no_claim(results, tmp_path):
    with pytest.raises(UserError, match="has 2 better and 1 worse systems; name pairs"):
        read_claims(table(tmp_path, ("x", "a.x,b.x", "b.x", "psds1")), results)
    with pytest.raises(UserError, match="d.x.json: no such file"):
        read_claims(table(tmp_path, ("x", "d.x", "b.x", "psds1")), results)
    with pytest.raises(UserError, match="a.x.json: no psds2; score with --metric psds"):
        read_claims(table(tmp_path, ("x", "a.x", "b.x", "psds2")), results)
    with pytest.raises(UserError, match="unknown column 'psds3'"):
        read_claims(table(tmp_path, ("x", "a.x", "b.x", "psds3")), results)
