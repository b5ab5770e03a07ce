"""Recipes are tables: what they may say, which rows and runs they name, and which options there are."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests import preloaded

ROOT = Path(__file__).resolve().parents[2]
RECIPES = ("desed_2021", "fsd_soundbeam")


@pytest.fixture
def here():
    return preloaded.environment()


def run(recipe, *options, here, code=0):
    """Never more than a dry run."""
    command = [recipe / "run.sh", "--cmd", "slurm", "--dry-run", *map(str, options)]
    done = subprocess.run(command, capture_output=True, text=True, env=here, check=False)
    assert done.returncode == code, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


def planned(recipe, *options, here):
    """Name of the log -> words of the command, of a dry run."""
    printed = run(recipe, "--preset", "smoke", *options, here=here)
    found = re.findall(r"log=\S*/(\S+)\.log; command=\((.*)\) ;;$", printed, re.M)
    return {name: shlex.split(command) for name, command in found}


@pytest.fixture
def copy(tmp_path):
    """``copy(table, old, new)`` -> a copy of desed_2021 with a change in one of its tables."""
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    recipe = shutil.copytree(ROOT / "egs/desed_2021", tmp_path / "egs/desed_2021", ignore=shutil.ignore_patterns("exp"))

    def change(table, old, new):
        text = (recipe / "conf" / table).read_text()
        assert old in text
        (recipe / "conf" / table).write_text(text.replace(old, new, 1))
        return recipe

    return change


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("option", ["PATH", "HOME", "help-message", "caller", "settings", "stop_stage"])
def test_options_are_a_list_and_nothing_else(name, option, here):
    printed = run(ROOT / "egs" / name, f"--{option}", "x", here=here, code=2)
    assert f"unknown option --{option}; known: --stage --stop-stage" in printed


@pytest.mark.parametrize("words", [("--{}", "x"), ("--set", "{}:a=1"), ("--stage", "{}"), ("--rows", "{}"), ("{}",)])
def test_nothing_that_is_given_is_run(words, here, tmp_path):
    given = [word.format(f"a[$(touch {tmp_path}/ran)]") for word in words]
    run(ROOT / "egs/desed_2021", *given, here=here, code=2)
    assert not (tmp_path / "ran").exists()


def test_settings_reach_the_trainings_whole(here, tmp_path):
    odd = 'data={seconds: 2.0, name: "a\'b"}'
    jobs = planned(ROOT / "egs/desed_2021", "--set", odd, "--set", "desed_s1:schedule.epochs=3", "--seeds", "1,2",
                   "--work", tmp_path, "--stop-stage", 7, here=here)  # fmt: skip
    trainings = {name: words for name, words in jobs.items() if words[1].startswith("train-")}
    assert len(trainings) == 11 and all(words[words.index("--set") + 1] == odd for words in trainings.values())
    limited = [name for name, words in trainings.items() if "schedule.epochs=3" in words]
    assert limited == ["train_desed_s1"] and not any("--set" in jobs[name] for name in jobs if name not in trainings)


def test_settings_of_what_is_not_there(here):
    assert "known: sep_desed" in run(ROOT / "egs/desed_2021", "--set", "moon:a=1", here=here, code=2)
    assert "expected KEY=VALUE" in run(ROOT / "egs/desed_2021", "--set", "a", here=here, code=2)


def test_a_group_of_rows_brings_what_it_is_made_from(here, tmp_path):
    jobs = planned(ROOT / "egs/desed_2021", "--rows", "main", "--work", tmp_path, here=here)
    trained = {name.removeprefix("train_") for name in jobs if name.startswith("train_")}
    assert trained == {"sep_desed", "sed", "desed_s1", "desed_s2", "desed_jt"}
    made = {name.removeprefix("simulate_") for name in jobs if name.startswith("simulate_")}
    assert {"synth_valid", "test", "unlabelled"} <= made and not any(name.startswith(("fuss", "web")) for name in made)
    assert sum(name.startswith("score_") for name in jobs) == 10 and "conf/main.tsv" in jobs["report"]


def test_a_new_row_is_a_line(copy, here, tmp_path):
    """On another set, with another filter and other measures."""
    line = "row\tgroup\tcommand\toptions\tfrom\ttest\tsmooth\tmetrics\n"
    row = "sed.quiet\tnew\tdecode\t--batch 2\t--model sed.student\tsynth_valid\t--median 0.3\t--metric psds\n"
    jobs = planned(copy("rows.tsv", line, line + row), "--rows", "new", "--work", tmp_path, here=here)
    assert {name for name in jobs if name.startswith("train_")} == {"train_sed"}
    exp, data = f"{tmp_path}/exp/mini-smoke-seed42", f"{tmp_path}/data/mini-smoke"
    assert jobs["decode_sed.quiet"] == [
        "sedsep", "decode", f"{exp}/scores/sed.quiet", "--overwrite", "--batch", "2",
        "--model", f"{exp}/sed/best_student.pt", "--data", f"{data}/synth_valid",
    ]  # fmt: skip
    assert jobs["smooth_sed.quiet"][-2:] == ["--median", "0.3"]
    assert jobs["score_sed.quiet"][2:-2] == [
        f"{exp}/smoothed/sed.quiet",
        "--data",
        f"{data}/synth_valid",
        "--metric",
        "psds",
    ]


@pytest.mark.parametrize(
    "table, old, new, message",
    [
        ("runs.tsv", "--init desed_s1.teacher", "--init desed_s9.teacher", "from desed_s9.teacher, which no table"),
        ("runs.tsv", "train_s2", "train_joint", "desed_s2 is made from desed_s1.teacher: list it above"),
        ("runs.tsv", "desed_s2\t4", "desed_s2\t3", "desed_s2 is made from desed_s1.teacher: list it above"),
        ("rows.tsv", "sed.student\t", "sed.teacher\t", "conf/rows.tsv: two are named sed.teacher"),
        ("rows.tsv", "sed.teacher desed_s2.teacher", "sed.teacher desed_s2", "is made from desed_s2, which no table"),
    ],
)
def test_tables_that_cannot_be(copy, here, table, old, new, message):
    assert message in run(copy(table, old, new), here=here, code=2)


def test_several_seeds_have_one_command_that_makes_the_data(here, tmp_path):
    """Two at once would be in each other's way, as jobs of several seeds are."""
    fake = '#!/bin/bash\necho "$@" >> {}/ran\n[ "$1" != soundbank ] || {{ mkdir -p "$2"; touch "$2/sounds.tsv"; }}\n'
    (tmp_path / "sedsep").write_text(fake.format(tmp_path))
    (tmp_path / "sedsep").chmod(0o755)
    command = [ROOT / "egs/desed_2021/run.sh", "--seeds", "1,2", "--stop-stage", "1", "--work", tmp_path]
    subprocess.run(command, env={**here, "PATH": f"{tmp_path}:{here['PATH']}"}, capture_output=True, check=True)
    ran = [line.split()[0] for line in (tmp_path / "ran").read_text().splitlines()]
    assert ran.count("soundbank") == ran.count("validate") == 1


def test_the_mini_recipe_adapts_as_the_readmes_command_does(here):
    """With the scene of the recipe and the defaults of ``sedsep enroll --adapt``, and nothing else."""
    words = planned(ROOT / "egs/fsd_soundbeam", "--preset", "mini", here=here)["enroll_mixed_el_enrolled"]
    assert "--set" not in words and words[words.index("--adapt") + 2].endswith("/scenes/adapt.yaml")
    paper = planned(ROOT / "egs/fsd_soundbeam", "--preset", "paper", here=here)["enroll_mixed_el_enrolled"]
    assert {"learning_rate=0.001", "epochs=10"} <= set(paper)


def test_a_line_with_a_per_cent_sign_is_one_for_each_fold(here, tmp_path):
    options = ("--corpus", "soundbank", "--root", tmp_path, "--work", tmp_path)
    jobs = planned(ROOT / "egs/fsd_soundbeam", *options, "--folds", "5", here=here)
    for number in range(1, 6):
        words = jobs[f"enroll_mixed_el_adapted_fold{number}"]
        assert words[2].endswith(f"/shots_fold{number}.tsv") and words[4].endswith(f"/bank_fold{number}")
        assert "epochs=1" in words and jobs[f"score_mixed_el.fold{number}"][4].endswith(f"/test_fold{number}")
    only = planned(ROOT / "egs/fsd_soundbeam", *options, "--rows", "folds", here=here)
    assert {name for name in only if name.startswith("train")} == {"train_mixed_el"}
    assert "--cells" not in only["report"] and "--folds" in only["report"]
    assert "mixed_el.fold1,mixed_el.fold2,mixed_el.fold3,mixed_el.fold4,mixed_el.fold5," in jobs["report"]
    assert jobs["simulate"][-5:] == ["1", "2", "3", "4", "5"]
    jobs = planned(ROOT / "egs/fsd_soundbeam", *options, "--folds", "1", here=here)
    assert not any("fold" in name for name in jobs) and "--folds" not in jobs["report"]
    assert "expected a number" in run(ROOT / "egs/fsd_soundbeam", "--folds", "x", here=here, code=2)
