"""Comparison: like with like only, ranks, seeds' spread and the paired test."""

import json

import numpy as np
import pytest

from sedsep.errors import UserError
from sedsep.evaluate.score.compare import as_json, compare, left_out, read, table


@pytest.fixture
def make_results(tmp_path):
    def make(name, value, identifier="psds1[x]", data="events:1", replicates=None, seed=0, missing=0, metric="psds1"):
        entry = {"id": identifier, "value": value, "data": data, "missing_clips": missing}
        found = {"metrics": {metric: entry}}
        if replicates is not None:
            entry["replicates"] = list(replicates)
            found["bootstrap"] = {"resamples": len(replicates), "seed": seed}
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(found))
        return str(path)

    return make


def test_rank_with_a_paired_test(make_results):
    clips = np.random.default_rng(0).normal(0.3, 0.05, 200)
    arguments = [make_results("a", 0.3, replicates=clips), make_results("b", 0.35, replicates=clips + 0.05, missing=2)]
    ranked = compare(read(arguments))["psds1[x]"]
    assert [one.system for one in ranked] == arguments[::-1]
    assert ranked[0].against_best is None and ranked[0].missing == 2
    test = ranked[1].against_best
    assert test.value == pytest.approx(-0.05) and test.high < 0 and test.p == pytest.approx(2 / 201)
    text = table(compare(read(arguments)))
    assert "p = 0.00995" in text and "2 clips MISSING" in text
    assert json.dumps(as_json(compare(read(arguments))))


def test_seeds_have_a_spread(make_results):
    runs = [make_results(f"a{seed}", value) for seed, value in enumerate((0.1, 0.2, 0.3))]
    ranked = compare(read([",".join(runs), make_results("b", 0.25)]))["psds1[x]"]
    assert ranked[1].value == pytest.approx(0.2) and ranked[1].spread == pytest.approx(0.1) and ranked[1].n_runs == 3
    assert ranked[0].spread is None
    assert "+- 0.100 over 3 runs" in table({"psds1[x]": ranked}) and "No paired test" in table({"psds1[x]": ranked})


def test_numbers_are_shown_as_score_shows_them(make_results, tmp_path):
    paths = [make_results("a", 0.23571, replicates=[0.2, 0.3]), make_results("b", 0.25, replicates=[0.2, 0.4])]
    assert "  0.236  -0.014 [" in table(compare(read(paths))), "files of older versions do not say how"
    for path in paths:
        found = json.loads(open(path, encoding="utf-8").read())
        found["metrics"]["psds1"]["shown_in"] = "per cent"
        open(path, "w", encoding="utf-8").write(json.dumps(found))
    ranked = compare(read(paths))
    assert "  23.57 %  -1.43 % [" in table(ranked)
    assert as_json(ranked)["psds1[x]"][0]["unit"] == "fraction"


def test_other_resamples_are_not_paired(make_results):
    values = np.linspace(0.1, 0.5, 50)
    arguments = [make_results("a", 0.3, replicates=values), make_results("b", 0.2, replicates=values, seed=1)]
    assert compare(read(arguments))["psds1[x]"][1].against_best is None


@pytest.mark.parametrize(
    ("other", "complaint"),
    [
        ({"identifier": "psds1[y]"}, r"psds1 is not comparable: other parameters: psds1\[x\] .*psds1\[y\]"),
        ({"data": "events:2"}, "psds1 is not comparable: other data: events:1 .*events:2"),
        ({"metric": "psds2"}, "no metric in common"),
    ],
)
def test_unlike_is_refused(make_results, other, complaint):
    with pytest.raises(UserError, match=complaint):
        compare(read([make_results("a", 0.1), make_results("b", 0.2, **other)]))


def test_metrics_that_some_lack_are_listed(make_results, tmp_path):
    first = json.loads(open(make_results("a", 0.1), encoding="utf-8").read())
    first["metrics"]["extra"] = first["metrics"]["psds1"]
    (tmp_path / "more.json").write_text(json.dumps(first))
    systems = read([str(tmp_path / "more.json"), make_results("b", 0.2)])
    assert left_out(systems) == ["extra"] and "extra" in table(compare(systems), left_out(systems))


def test_bad_files(make_results, tmp_path):
    with pytest.raises(UserError, match="two files of results or more"):
        read([make_results("a", 0.1)])
    with pytest.raises(UserError, match="given twice"):
        read([make_results("a", 0.1)] * 2)
    (tmp_path / "x.json").write_text("[]")
    with pytest.raises(UserError, match="x.json: not a file of results"):
        read([str(tmp_path / "x.json"), make_results("a", 0.1)])
    with pytest.raises(UserError, match="no value"):
        compare(read([make_results("a", 0.1), make_results("b", None)]))


def names(systems):
    return [len(system.runs) for system in systems]


def test_paths_with_commas(make_results, tmp_path, monkeypatch):
    """A file that is there is one file; between commas names of files are looked for, and quotes decide."""
    (tmp_path / "a,b").mkdir()
    one, two, plain = make_results("a,b/x", 0.1), make_results("a,b/y,z", 0.2), make_results("p", 0.3)
    assert names(read([one, two, plain])) == [1, 1, 1]
    assert names(read([f"{one},{two}", plain])) == [2, 1]
    quoted = f'"{one}","{two}"'
    assert names(read([quoted, plain])) == [2, 1]
    assert read([f"{one},{two}", plain])[0].runs == read([quoted, plain])[0].runs
    with pytest.raises(UserError, match="no such file"):
        read([f"{one},{tmp_path}/none.json", plain])
    monkeypatch.chdir(tmp_path)
    for name in ("u", "v", "w", "u,v", "v,w"):
        make_results(name, 0.1)
    for name in ("u", "u,v"):  # without an ending, so that "u,v.json" and "v.json" are both there
        (tmp_path / name).write_text((tmp_path / "u.json").read_text())
    with pytest.raises(UserError, match="u,v.json,w.json: may mean|may mean .* or .*quote a path that has a comma"):
        read(["u,v.json,w.json", plain])
    assert names(read(['"u,v.json",w.json', plain])) == [2, 1]
