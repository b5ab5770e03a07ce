import json

import pandas as pd
import pytest

from sedsep.errors import UserError
from sedsep.evaluate.report.report import report

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


def make(experiment, seeds=1):
    return report([experiment] * seeds, [("Table 1", experiment / "published.tsv")], (), experiment / "results.tsv",
                  experiment / "RESULTS.md", "./run.sh --x 1", [experiment / "sed"], "On DESED.")  # fmt: skip


def test_table_and_page(experiment):
    printed = make(experiment)
    table = pd.read_csv(experiment / "results.tsv", sep="\t")
    assert list(table.columns) == ["system", "model", "psds1", "psds2", "f1"]
    assert table.values.tolist() == [["SED baseline", "student", 0.25, 0.25, 25.0], ["JT", "teacher", 0.5, 0.5, 50.0]]
    page = (experiment / "RESULTS.md").read_text()
    assert "./run.sh --x 1" in page and printed in page and "On DESED." in page
    assert "| JT | teacher | 0.500 | 0.500 | 50.00 | 0.365 | 0.555 | 43.14 |" in page
    assert "![results](results.png)" in page and (experiment / "training.png").exists()


def test_several_seeds_give_mean_and_spread(experiment):
    other = experiment / "seed2"
    other.mkdir()
    for key, value in (("sed.student", 0.35), ("jt.teacher", 0.5)):
        (other / f"{key}.json").write_text(json.dumps(result(value)))
    published = [("Table 1", experiment / "published.tsv")]
    report([experiment, other], published, (), experiment / "results.tsv", experiment / "RESULTS.md")
    table = pd.read_csv(experiment / "results.tsv", sep="\t")
    assert table.loc[0, ["psds1", "psds1_sd", "f1", "f1_sd"]].tolist() == pytest.approx([0.3, 0.07071, 30, 7.071])
    page = (experiment / "RESULTS.md").read_text()
    assert "| SED baseline | student | 0.300 ± 0.071 | 0.300 ± 0.071 | 30.00 ± 7.07 | 0.338 |" in page
    assert "standard deviation over 2 seeds" in page


def test_tables_of_other_columns_share_a_page(experiment):
    found = result(0.5)
    found["metrics"]["si-sdr-improvement"] = {"id": "y", "value": 7.25, "data": "stems", "missing_clips": 3}
    (experiment / "sep.separator.json").write_text(json.dumps(found))
    (experiment / "two.tsv").write_text("key\tsystem\tmodel\tsi_sdri\nsep\tSeparator\tseparator\t\n")
    published = [("Detection", experiment / "published.tsv"), ("Separation", experiment / "two.tsv")]
    report([experiment], published, (), experiment / "results.tsv", experiment / "RESULTS.md")
    page = (experiment / "RESULTS.md").read_text()
    assert "## Detection" in page and "| Separator | separator | 7.2 |\n" in page and "SI-SDRi dB" in page
    table, other = (pd.read_csv(experiment / f"results{part}.tsv", sep="\t") for part in ("", "_separation"))
    assert list(table.columns) == ["system", "model", "psds1", "psds2", "f1"] and len(table) == 2
    assert list(other.columns) == ["system", "model", "si_sdri"] and other["si_sdri"].tolist() == [7.25]


def test_rows_and_cells_share_a_page(experiment):
    head = "table\trow\tcolumn\tresults\tmetric\tset\tpublished\n"
    lines = [f"By noise\tJT\t{snr} dB\tjt.{snr}\tf1\tsnr{snr}\t{40 + snr}\n" for snr in (-5, 0, 5)]
    (experiment / "cells.tsv").write_text(head + "".join(lines))
    for snr in (-5, 0, 5):
        (experiment / f"jt.{snr}.json").write_text(json.dumps(result(0.3, data=f"at {snr}", clips=30)))
    published = [("Table 1", experiment / "published.tsv")]
    report([experiment], published, [experiment / "cells.tsv"], experiment / "results.tsv", experiment / "RESULTS.md",
           bars="")  # fmt: skip
    page = (experiment / "RESULTS.md").read_text()
    assert "| F1 % | -5 dB | 0 dB | 5 dB | paper: -5 dB | 0 dB | 5 dB |" in page
    assert "| JT | 30.00 | 30.00 | 30.00 | 35.00 | 40.00 | 45.00 |" in page
    assert "Ours: 100 test clips, data abc." in page and "Ours on snr-5: 30 test clips, data at -5." in page
    other = pd.read_csv(experiment / "results_by.tsv", sep="\t")
    assert list(other.columns) == ["table", "row", "column", "results", "published", "f1"]
    assert other["f1"].tolist() == [30.0] * 3 and len(pd.read_csv(experiment / "results.tsv", sep="\t")) == 2


def test_an_unknown_column_names_the_nearest(experiment):
    (experiment / "published.tsv").write_text(ROWS.replace("psds1", "pdss1"))
    with pytest.raises(UserError, match="unknown column 'pdss1' .did you mean 'psds1'"):
        make(experiment)


def test_unlike_results_do_not_share_a_table(experiment):
    (experiment / "jt.teacher.json").write_text(json.dumps(result(0.5, data="other")))
    with pytest.raises(UserError, match="sed.student.json against .*jt.teacher.json"):
        make(experiment)
    assert not (experiment / "results.tsv").exists()


def test_what_is_missing_is_named(experiment):
    (experiment / "jt.teacher.json").unlink()
    with pytest.raises(UserError, match="jt.teacher.json: no such file"):
        make(experiment)
