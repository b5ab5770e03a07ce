import json

import pandas as pd
import pytest

from sedsep.errors import UserError
from sedsep.evaluate.report import report

ROWS = (
    "key\tsystem\tmodel\tpsds1\tpsds2\tf1\n"
    "sed\tSED baseline\tstudent\t0.338\t0.522\t40.12\n"
    "jt\tJT\tteacher\t0.365\t0.555\t43.14\n"
)


def result(value, data="abc", clips=100):
    entry = {"id": "x", "value": value, "data": data, "missing_clips": 0}
    return {"data": {"clips": clips}, "metrics": {n: dict(entry) for n in ("psds1", "psds2", "event-f1-macro")}}


@pytest.fixture
def experiment(tmp_path):
    (tmp_path / "published.tsv").write_text(ROWS)
    for key, value in (("sed.student", 0.25), ("jt.teacher", 0.5)):
        (tmp_path / f"{key}.json").write_text(json.dumps(result(value)))
    log = tmp_path / "sed"
    log.mkdir()
    records = [{"epoch": e, "loss": {"strong": 1 / e}, "valid": {"student": {"objective": e}}} for e in (1, 2)]
    (log / "log.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
    return tmp_path


def make(experiment):
    return report(experiment, experiment / "published.tsv", experiment / "results.tsv", experiment / "RESULTS.md",
                  "./run.sh --x 1", experiment)  # fmt: skip


def test_table_and_page(experiment):
    printed = make(experiment)
    table = pd.read_csv(experiment / "results.tsv", sep="\t")
    assert list(table.columns) == ["system", "model", "psds1", "psds2", "f1"]
    assert table.values.tolist() == [["SED baseline", "student", 0.25, 0.25, 25.0], ["JT", "teacher", 0.5, 0.5, 50.0]]
    page = (experiment / "RESULTS.md").read_text()
    assert "./run.sh --x 1" in page and printed in page
    assert "| JT | teacher | 0.500 | 0.500 | 50.00 | 0.365 | 0.555 | 43.14 |" in page
    assert "![results](results.png)" in page and (experiment / "training.png").exists()


def test_unlike_results_do_not_share_a_table(experiment):
    (experiment / "jt.teacher.json").write_text(json.dumps(result(0.5, data="other")))
    with pytest.raises(UserError, match="sed.student against jt.teacher"):
        make(experiment)
    assert not (experiment / "results.tsv").exists()


def test_what_is_missing_is_named(experiment):
    (experiment / "jt.teacher.json").unlink()
    with pytest.raises(UserError, match="jt.teacher.json: no such file"):
        make(experiment)
