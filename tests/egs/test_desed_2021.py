"""The recipe, from nothing to the table, at the preset that only shows that it runs."""

import csv
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests import preloaded

RECIPE = Path(__file__).resolve().parents[2] / "egs" / "desed_2021"
SYSTEMS = ["SED baseline", *(f"{p}-{s}" for p in ("FUSS", "DESED") for s in ("S0", "S1", "S2", "JT"))]
TABLE_2 = [
    "SSep-SED baseline", "SED baseline + DESED-S2", "SED baseline + DESED-JT", "DESED-S2 + DESED-JT",
    "SED baseline + S2 + JT",
]  # fmt: skip


def run(*options, work, code=0, environment=None):
    command = [RECIPE / "run.sh", "--preset", "smoke", "--work", work, *map(str, options)]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment or preloaded.environment(), check=False
    )
    assert done.returncode == code, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


def heard(scores):
    """Whether a directory of scores listens: neither all zero nor the same at all times and in all clips."""
    tables = [np.loadtxt(path, skiprows=1, ndmin=2)[:, 2:] for path in sorted((scores / "strong").glob("*.tsv"))]
    assert tables and all(np.isfinite(table).all() for table in tables)
    values = np.concatenate(tables)
    return len(values) > 0 and values.max() > 0 and (np.ptp(values, axis=0) > 1e-6).any()


@pytest.fixture(scope="module")
def work(tmp_path_factory, local_slurm):
    """The recipe run from the first stage to the last: as jobs where there is a Slurm, else here."""
    directory = tmp_path_factory.mktemp("recipe")
    if isinstance(local_slurm, str):
        return directory, run(work=directory)
    here = {**local_slurm, "PATH": preloaded.environment()["PATH"]}
    return directory, run("--cmd", "slurm", work=directory, environment=here)


def test_the_recipe_ends_in_a_table(work):
    directory, printed = work
    experiment = directory / "exp" / "mini-smoke-seed42"
    with open(experiment / "results.tsv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert list(rows[0]) == ["system", "model", "psds1", "psds2", "f1"]
    with open(experiment / "results_separation.tsv", encoding="utf-8") as file:
        separators = list(csv.DictReader(file, delimiter="\t"))
    table_1 = [(system, model) for system in SYSTEMS for model in ("student", "teacher")]
    assert [(r["system"], r["model"]) for r in rows] == table_1 + [(system, "teacher") for system in TABLE_2]
    assert all(0 <= float(row["psds1"]) <= 1 and 0 <= float(row["f1"]) <= 100 for row in rows)
    assert [row["system"] for row in separators] == ["Conv-TasNet, PIT on FUSS", "Conv-TasNet, MixIT on DESED"]
    assert all(float(row["multi_source"]) > -80 for row in separators)
    page = (experiment / "RESULTS.md").read_text()
    assert "./run.sh --preset smoke" in page and "| DESED-S2 | teacher |" in page and "0.362" in page
    assert "## Claims" in page and "| S1 over S0: " in page
    assert (experiment / "results.png").stat().st_size > 10000
    assert f"The tables: {experiment}/RESULTS.md" in printed
    assert "DESED-JT" in (experiment / "log/report.log").read_text()


def test_every_row_says_something(work):
    """Scores of zero throughout, or the same for every clip and at every time, would fill the table as well."""
    experiment = work[0] / "exp" / "mini-smoke-seed42"
    with open(RECIPE / "conf/rows.tsv", encoding="utf-8") as file:
        rows = [row["row"] for row in csv.DictReader(file, delimiter="\t") if row["metrics"] == "events"]
    assert len(rows) == 23 and all(heard(experiment / "scores" / row) for row in rows)


@pytest.mark.parametrize("kind", ["zero", "constant"])
def test_scores_that_say_nothing_are_told_from_scores(tmp_path, kind):
    (tmp_path / "strong").mkdir()
    for name in "ab":
        level = {"zero": "0.0\t0.0", "constant": "0.5\t0.4"}[kind]
        rows = [f"{i}\t{i + 1}\t{level}\n" for i in range(3)]
        (tmp_path / f"strong/{name}.tsv").write_text("onset\toffset\tCat\tDog\n" + "".join(rows))
        assert not heard(tmp_path)
    (tmp_path / "strong/c.tsv").write_text("onset\toffset\tCat\tDog\n0\t1\t0.5\t0.1\n")
    assert heard(tmp_path)


def test_the_stages_are_jobs(work, slurm):
    directory, printed = work
    jobs = dict(re.findall(r"^(\w+): job (\d+)$", printed, re.M))
    names = "prepare simulate validate train_sep train_sed train_joint train_s2 decode fuse smooth score report"
    assert list(jobs) == names.split()
    assert len(re.findall(rf"^ *{jobs['decode']}_\d+ .* done$", printed, re.M)) == 21
    log = directory / "exp/mini-smoke-seed42/log"
    waits = {name: re.search(r"afterok:(\S+)", (log / f"{name}.sbatch").read_text()) for name in jobs}
    after = {name: found and {n for n in jobs if jobs[n] in found[1].split(":")} for name, found in waits.items()}
    assert after["prepare"] is None and after["train_sep"] == after["train_sed"] == {"simulate", "validate"}
    assert after["train_joint"] == {"simulate", "validate", "train_sep", "train_sed"} and after["report"] == {"score"}
    assert after["train_s2"] == {"train_joint"} and after["fuse"] == {"decode"}


def test_a_dry_run_prints_the_jobs_and_makes_nothing(tmp_path):
    printed = run("--cmd", "slurm", "--dry-run", "--ngpu", 2, work=tmp_path)
    assert printed.count("#!/bin/bash") == 12 and printed.count("--ngpu 2 --seed") == 11
    assert "#SBATCH --dependency=afterok:simulate:train_sed:train_sep:validate\n" in printed
    assert "#SBATCH --array=1-21\n" in printed
    assert not list(tmp_path.iterdir())


def test_stages_can_be_run_twice(work):
    directory, _ = work
    table = directory / "exp" / "mini-smoke-seed42" / "results.tsv"
    before = table.read_bytes()
    printed = run("--stage", 0, "--stop-stage", 3, work=directory)
    assert "is there already" in printed
    run("--stage", 8, work=directory)
    assert table.read_bytes() == before


def test_several_seeds_are_one_table_with_mean_and_spread(work):
    directory, _ = work
    first = directory / "exp" / "mini-smoke-seed42"
    shutil.copytree(first, first.with_name("mini-smoke-seed43"))
    result = first.with_name("mini-smoke-seed43") / "results" / "sed.student.json"
    found = json.loads(result.read_text())
    found["metrics"]["psds1"]["value"] += 0.5
    result.write_text(json.dumps(found))
    run("--seeds", "42,43", "--stage", 8, work=directory)
    both = directory / "exp" / "mini-smoke-seeds-42-43"
    with open(both / "results.tsv", encoding="utf-8") as file:
        student = next(csv.DictReader(file, delimiter="\t"))
    assert float(student["psds1_sd"]) == pytest.approx(0.5 / 2**0.5, abs=1e-4)
    assert "mean ± standard deviation over 2 seeds" in (both / "RESULTS.md").read_text()


def test_every_set_of_the_recipe_is_valid(work):
    directory, _ = work
    sets = sorted(path.parent for path in (directory / "data" / "mini-smoke").glob("*/clips.tsv"))
    assert len(sets) == 10
    here = preloaded.environment()
    done = subprocess.run(["sedsep", "validate", *sets], capture_output=True, text=True, env=here, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "options, message",
    [
        (("--stage", 3), "stage 1 makes it"),
        (("--stage", 5), "stage 1 makes it"),
        (("--stage", 7), "stage 6 makes it"),
        (("--corpus", "soundbank"), "needs --root DIR"),
    ],
)
def test_what_is_missing_is_said(tmp_path, options, message):
    assert message in run(*options, work=tmp_path, code=1)


@pytest.mark.parametrize(
    "options, word",
    [
        (("--stge", 3), "unknown option --stge"),
        (("--corpus", "moon"), "known: desed mini soundbank"),
        (("--rows", "some"), "known: all main"),
        (("--preset", "huge"), "known: mini paper smoke"),
        (("--cmd", "pbs"), "known: local slurm"),
        (("3",), "unexpected argument 3"),
    ],
)
def test_wrong_options(tmp_path, options, word):
    assert word in run(*options, work=tmp_path, code=2)


def test_a_failed_command_fails_the_recipe(tmp_path):
    broken = tmp_path / "data" / "mini-smoke" / "bank"
    broken.mkdir(parents=True)
    (broken / "sounds.tsv").write_text("path\n")
    printed = run("--stage", 1, work=tmp_path, code=1)
    assert "sedsep: error:" in printed and "the log is" in printed and "Traceback" not in printed
