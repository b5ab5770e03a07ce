"""Task-aware separation in the recipe of 2020: both tables from nothing, at the preset that only shows that it runs."""

import csv
import json
import shutil
import subprocess

import pytest

from tests.conftest import ROOT
from tests.egs.test_desed_2020 import RECIPE, only, run
from tests.egs.test_desed_2021 import heard

ROWS = {
    "sed_only", "sep_sed_alone", "sep_sed", "aware", "aware_count", "aware_mse", "aware_weak", "aware_deep",
    "aware_sum", "aware_noisy_or", "jss_labels", "jss_aware",
}  # fmt: skip
KEPT = {"sed_only", "sep_sed_alone", "sep_sed", "aware", "aware_mse", "aware_sum", "jss_aware"}  # a smoke run of these


@pytest.fixture(scope="module")
def experiment(tmp_path_factory):
    """The recipe with a row of every sort, run from the first stage to the last."""
    root = tmp_path_factory.mktemp("aware")
    shutil.copytree(ROOT / "tools", root / "tools")
    shutil.copytree(ROOT / "egs/desed_2021/local", root / "egs/desed_2021/local")
    recipe = shutil.copytree(RECIPE, root / "egs/desed_2020", ignore=shutil.ignore_patterns("exp", "data"))
    only(recipe / "conf/rows.tsv", lambda line: line.split("\t")[0].removesuffix(".student") in KEPT)
    for number in range(1, 5):
        only(recipe / f"conf/aware{number}.tsv",
             lambda line: line.split("\t")[0] in KEPT and line.split("\t")[2] == "student")  # fmt: skip
    claims = recipe / "conf/aware_claims.tsv"
    claims.write_text("claim\tbetter\tworse\tcolumns\nit helps\taware.student\tsed_only.student\tf1\n")
    run(recipe, "--preset", "smoke", "--rows", "aware")
    return recipe / "exp/mini-smoke-seed42"


def test_both_tables_with_counted_parameters(experiment):
    with open(experiment / "results.tsv", encoding="utf-8") as file:
        rows = {(row["system"], row["model"]): row for row in csv.DictReader(file, delimiter="\t")}
    assert ("Proposed, widths of the text", "student") in rows and ("+ weak + DFL + teach", "student") in rows
    sizes = {
        name: json.loads((experiment / "results" / f"{name}.student.json").read_text())["metrics"] for name in KEPT
    }
    sizes = {name: metrics["parameters"]["value"] for name, metrics in sizes.items()}
    assert sizes["sed_only"] < sizes["aware"]
    assert sizes["sep_sed"] == sizes["sep_sed_alone"] > sizes["sed_only"], "the detector counts once"
    assert sizes["aware"] == sizes["aware_mse"] == sizes["aware_sum"]
    page = (experiment / "RESULTS.md").read_text()
    assert all(title in page for title in ("Table 1", "Table 2", "From sources to clips", "Two ideas on one budget"))


def test_every_row_listens(experiment):
    for name in KEPT - {"aware_sum"}:  # where nothing is learnt yet, five sources add up to more than 1 everywhere
        assert heard(experiment / "scores" / f"{name}.student"), name


def test_the_losses_are_those_of_the_rows(experiment):
    everything = {"mse", "weak", "deep", "teacher"}
    expected = {"aware_mse": {"mse"}, "aware": everything, "jss_aware": everything}
    for name, losses in expected.items():
        record = json.loads((experiment / name / "log.jsonl").read_text().splitlines()[0])
        assert set(record["loss"]) == losses, name


def test_the_sources_are_drawn(experiment):
    assert (experiment / "sources.png").stat().st_size > 10_000


def test_what_is_for_the_night_is_made_for_it_alone():
    tables = [RECIPE / "conf" / f"{name}.tsv" for name in ("groups", "runs", "rows")]
    made = {}
    for group in ("all", "aware", "night"):
        command = ["awk", "-F", "\t", "-v", "OFS=\t", "-v", "recipe=x", "-v", f"group={group}"]
        command += ["-f", RECIPE.parents[1] / "tools" / "rows.awk", *tables]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        made[group] = {line.split("\t")[0] for line in done.stdout.splitlines()} - {"-"}
    night = {"aware_dat", "aware_ppcen", "aware_ppcen_dat", "jss_dat", "jss_ppcen"}
    assert night <= made["night"] and not night & (made["all"] | made["aware"])
    assert {"dat_augm", "ppcen", "sep_jss"} <= made["night"] and "baseline" not in made["night"]
    assert {f"{name}.student" for name in ROWS} <= made["aware"] <= made["all"]
