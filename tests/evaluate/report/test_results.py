"""Our numbers for published cells: every cell, several seeds, and what must not be mixed."""

import json

import pandas as pd
import pytest

from sedsep.errors import UserError
from sedsep.evaluate.report.report import report

CELLS = [
    ("Table 1", "1-hot", "Mixed", "mixed.test", "onehot", "12.6", "sdri,si_sdri,leakage"),
    ("Table 1", "1-hot", "Enrl", "-", "-", "", "sdri,si_sdri,leakage"),
    ("Table 2", "Mixed", "K=1", "mixed.test", "mean1", "4.4", "sdri,si_sdri,leakage"),
]
HEAD = ["table", "row", "column", "results", "clue", "published", "metric"]


@pytest.fixture
def made(tmp_path):
    pd.DataFrame(CELLS, columns=HEAD).to_csv(tmp_path / "published.tsv", sep="\t", index=False)
    for seed in (1, 2):
        metrics = {
            f"{clue}.{name}": {"id": f"{name}[x]", "value": value + seed, "data": "stems:1", "missing_clips": 0,
                               "per_class": {"Cat": value, "Dog": None}, "unit": "dB"}
            for clue, value in (("onehot", 5.0), ("mean1", 2.0))
            for name in ("sdr-improvement", "si-sdr-improvement")
        }  # fmt: skip
        metrics["onehot.leakage"] = {"id": "leakage[x]", "value": -20.0, "data": "stems:1", "missing_clips": 0}
        (tmp_path / str(seed)).mkdir()
        result = {"data": {"clips": 7}, "metrics": metrics}
        (tmp_path / str(seed) / "mixed.test.json").write_text(json.dumps(result))
    return tmp_path


def run(made, *seeds, bars="mixed.test:onehot.sdr-improvement"):
    return report([made / seed for seed in seeds], (), [made / "published.tsv"], made / "r.tsv", made / "R.md",
                  "./run.sh", bars=bars)  # fmt: skip


def test_ours_beside_the_published(made):
    text = run(made, "1")
    assert "| SDRi dB | Mixed | Enrl | paper: Mixed | Enrl |" in text
    assert "| 1-hot | 6.0 | - | 12.6 | - |" in text and "| Mixed | 3.0 | 4.4 |" in text
    page = (made / "R.md").read_text()
    assert "./run.sh" in page and "| mixed.test | onehot | 6.0 | 6.0 | -20.0 |" in page
    assert "| mixed.test | mean1 | 3.0 | 3.0 | - |" in page and "Ours: 7 test clips, data stems:1" in page
    table = pd.read_csv(made / "r.tsv", sep="\t")
    assert list(table.columns) == [*HEAD[:-1], "sdri", "si_sdri", "leakage"]
    assert table["sdri"].tolist()[::2] == [6.0, 3.0] and table["sdri"].isna().tolist() == [False, True, False]
    assert (made / "classes.png").stat().st_size > 3000 and (made / "results.png").stat().st_size > 3000


def test_a_cell_of_one_class(made):
    """A column ``class`` shows that class's number; a class that the results do not have is named."""
    head = [*HEAD, "class"]
    cells = [("Table 3", name, "ours", "mixed.test", "onehot", "", "sdri", name) for name in ("Cat", "Dog")]
    pd.DataFrame(cells, columns=head).to_csv(made / "published.tsv", sep="\t", index=False)
    text = run(made, "1")
    assert "| Cat | 5.0 |" in text and "| Dog | - |" in text, "the class's value, not the mean of 6.0"
    assert pd.read_csv(made / "r.tsv", sep="\t")["class"].tolist() == ["Cat", "Dog"]
    pd.DataFrame([(*cells[0][:-1], "Catt")], columns=head).to_csv(made / "published.tsv", sep="\t", index=False)
    with pytest.raises(UserError, match="no sdr-improvement of class 'Catt'.*did you mean 'Cat'|of class 'Catt'"):
        run(made, "1")


def test_several_seeds_have_a_spread(made):
    assert "| Mixed | 3.5 ± 0.7 | 4.4 |" in run(made, "1", "2")
    assert "over 2 seeds" in (made / "R.md").read_text()
    table = pd.read_csv(made / "r.tsv", sep="\t")
    assert table.loc[0, ["sdri", "sdri_sd"]].tolist() == [6.5, 0.707]


def test_what_does_not_belong_together_is_refused(made):
    path = made / "2" / "mixed.test.json"
    whole = path.read_text()
    path.write_text(whole.replace("stems:1", "stems:2"))
    with pytest.raises(UserError, match="different data or metrics: .*1/mixed.test.json against .*2/mixed.test.json"):
        run(made, "1", "2")
    path.write_text(whole.replace("mean1.", "mean2."))
    with pytest.raises(UserError, match="no mean1.sdr-improvement; decode with --clue mean1, then score"):
        run(made, "1", "2")
    path.unlink()
    with pytest.raises(UserError, match="no such file"):
        run(made, "1", "2")
    for bars in ("mixed.test:none", "mixed.test:onehot.leakage"):
        with pytest.raises(UserError, match=f"--bars {bars}"):
            run(made, "1", bars=bars)
