"""Folds: means over folds, with the recordings behind them, and what must be alike."""

import json

import numpy as np
import pandas as pd
import pytest

from sedsep.errors import UserError
from sedsep.evaluate.report import folds
from sedsep.evaluate.report.report import report

VALUES = {"fold1": (1.0, 3.0), "fold2": (2.0, 5.0), "fold3": (6.0, 4.0)}


def result(values, name, identifier="sdr-improvement[x]"):
    def entry(shift):
        each = dict(zip(("Cow", "Dog"), (value + shift for value in values)))
        return {"id": identifier, "value": np.mean(values) + shift, "data": f"stems:{name}", "missing_clips": 0,
                "per_class": {"Cat": None} | each, "recordings": {"Cow": 2, "Dog": int(values[1])}}  # fmt: skip

    leakage = {"id": "y", "value": 0, "data": "", "missing_clips": 0}
    metrics = {f"mean{count}.sdr-improvement": entry(shift) for count, shift in ((10, 0.0), (5, 1.0))}
    return {"data": {"clips": 4}, "metrics": metrics | {"mean5.leakage": leakage}}


@pytest.fixture
def results(tmp_path):
    for name, values in VALUES.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(result(values, name)))
    return tmp_path


def test_each_class_has_its_mean_over_folds_and_its_recordings(results):
    found = folds.read("Table 3", "sdri", list(VALUES), [results])
    assert found.rows == ("Cow", "Dog", "all") and found.clues == ("mean5", "mean10")
    np.testing.assert_allclose(found.values[:, 1].mean(1), [3.0, 4.0, 3.5])
    lines = folds.markdown(found).splitlines()
    assert lines[0] == "| SDRi dB | recordings | mean5 | mean10 |"
    assert lines[2] == "| Cow | 6 (2+2+2) | 4.0 ± 2.6 | 3.0 ± 2.6 |"
    assert lines[3] == "| Dog | 12 (3+5+4) | 5.0 ± 1.0 | 4.0 ± 1.0 |"
    assert lines[4].startswith("| all | 18 (5+7+6) | ") and "stems:fold1, stems:fold2, stems:fold3" in lines[-1]


def test_the_page_and_the_table_for_machines(results):
    head = "table\trow\tcolumn\tresults\tclue\tmetric\tset\tpublished\n"
    (results / "cells.tsv").write_text(head + "Table 1\tMixed\tK=5\tfold1\tmean5\tsdri\tx\t3\n")
    crossed = [("Table 3", "sdri", list(VALUES))]
    printed = report([results], (), [results / "cells.tsv"], results / "r.tsv", results / "R.md", crossed=crossed)
    page = (results / "R.md").read_text()
    assert (
        "## Table 1" in page and "## Table 3\n\n| SDRi dB | recordings |" in page and "| Cow | 6 (2+2+2) |" in printed
    )
    table = pd.read_csv(results / "r_folds.tsv", sep="\t")
    assert len(table) == 3 * 2 * 3
    chosen = table[(table["class"] == "Dog") & (table["clue"] == "mean10")]
    assert chosen["sdri"].tolist() == [3, 5, 4] and chosen["recordings"].tolist() == [3, 5, 4]


def test_folds_alone_are_a_page(results):
    report([results], (), (), results / "r.tsv", results / "R.md", crossed=[("Table 3", "sdri", list(VALUES))])
    assert "| Cow | 6 (2+2+2) |" in (results / "R.md").read_text() and not (results / "r.tsv").exists()


def test_seeds_are_averaged_before_folds(results, tmp_path):
    other = tmp_path / "seed2"
    other.mkdir()
    for name, values in VALUES.items():
        (other / f"{name}.json").write_text(json.dumps(result([value + 2 for value in values], name)))
    found = folds.read("Table 3", "sdri", list(VALUES), [results, other])
    np.testing.assert_allclose(found.values[0, 1], [2, 3, 7])


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda path: path.unlink(), "fold2.json: no such file"),
        (
            lambda path: path.write_text(json.dumps(result((1, 2), "fold2", "other"))),
            "fold2.json: has other clues or met",
        ),
        (lambda path: path.write_text(path.read_text().replace("mean5.", "mean1.")), "fold2.json: has other clues"),
        (
            lambda path: path.write_text(path.read_text().replace("sdr-improvement", "sdr")),
            "no sdr-improvement of single",
        ),
    ],
)
def test_folds_that_are_not_alike(results, change, message):
    change(results / "fold2.json")
    with pytest.raises(UserError, match=message):
        folds.read("Table 3", "sdri", list(VALUES), [results])


@pytest.mark.parametrize("names", [["fold1"], ["fold1", "fold1"]])
def test_a_fold_is_tested_once(results, names):
    with pytest.raises(UserError, match="two folds or more, with commas, each once"):
        folds.read("Table 3", "sdri", names, [results])
