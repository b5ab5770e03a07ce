"""The recipe of 2020: every row planned, a few of them made, from nothing to the table."""

import csv
import json
import re
import shlex
import shutil
import subprocess

import pytest

from sedsep import config
from sedsep.config import build
from sedsep.engine import checkpoint
from sedsep.nnet.detectors import DETECTORS
from sedsep.nnet.frontends.frontend import Frontend
from sedsep.nnet.frontends.smoother import coefficient
from sedsep.systems import SYSTEMS
from sedsep.train import configured
from tests import preloaded
from tests.conftest import ROOT

RECIPE = ROOT / "egs" / "desed_2020"
KEPT = ("baseline_thresholds", "ppcen", "dat_augm_hmm")  # a control, a front-end, all that is adversarial


def table(path):
    with open(path, encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def run(recipe, *options, code=0):
    command = [recipe / "run.sh", *map(str, options)]
    done = subprocess.run(command, capture_output=True, text=True, env=preloaded.environment(), check=False)
    assert done.returncode == code, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


def only(path, kept):
    """Leave the lines of a table that say nothing of other rows."""
    head, *lines = path.read_text().splitlines(keepends=True)
    path.write_text(head + "".join(line for line in lines if kept(line)))


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The recipe with three rows of Table 2, and one of Table 3 that takes over an HMM."""
    root = tmp_path_factory.mktemp("desed_2020")
    shutil.copytree(ROOT / "tools", root / "tools")
    (root / "egs/desed_2021").mkdir(parents=True)
    shutil.copytree(ROOT / "egs/desed_2021/local", root / "egs/desed_2021/local")
    recipe = shutil.copytree(RECIPE, root / "egs/desed_2020", ignore=shutil.ignore_patterns("exp", "data"))
    names = {f"{name}.student" for name in (*KEPT, "dat_augm_eval")}
    only(recipe / "conf/rows.tsv", lambda line: line.split("\t")[0] in names)
    text = (recipe / "conf/rows.tsv").read_text()
    (recipe / "conf/rows.tsv").write_text(re.sub(r"\t(frontends|all)\t", "\tablation\t", text))
    only(recipe / "conf/table2.tsv", lambda line: line.split("\t")[0] in KEPT)
    claim = "ours\tdat_augm_hmm.student\tbaseline_thresholds.student\tf1,f1_held_out\n"
    (recipe / "conf/claims2.tsv").write_text(f"claim\tbetter\tworse\tcolumns\n{claim}")
    return recipe


@pytest.fixture(scope="module")
def made(small):
    run(small, "--preset", "smoke", "--rows", "ablation")
    return small / "exp/mini-smoke-seed42"


def test_it_ends_in_a_table(made):
    rows = table(made / "results.tsv")
    assert [row["system"] for row in rows] == ["+thresholds (control)", "+PPCEN", "+DAT+Augm+HMM"]
    assert all(0 <= float(row[name]) <= 100 for row in rows for name in ("f1", "f1_held_out"))
    page = (made / "RESULTS.md").read_text()
    assert "half not tuned on" in page and "45.20" in page and "| ours |" in page
    result = json.loads((made / "results/dat_augm_hmm.student.json").read_text())
    assert "half=seed 0" in result["metrics"]["event-f1-held-out-macro"]["id"]


def test_what_is_fitted_is_fitted_once_and_taken_over(made):
    smoother = json.loads((made / "smoothers/dat_augm_hmm.student.json").read_text())
    assert [step["name"] for step in smoother["steps"]] == ["hmm", "min_length"]
    assert len(smoother["fitted"]["tuned_on"]) == 8
    steps = {
        row: json.loads((made / f"smoothed/{row}.student/scores.json").read_text())["postprocess"]
        for row in ("dat_augm_hmm", "dat_augm_eval", "baseline_thresholds", "ppcen")
    }
    assert steps["dat_augm_eval"] == steps["dat_augm_hmm"] == smoother["steps"]
    assert [step["name"] for step in steps["baseline_thresholds"]] == ["threshold", "median"]
    assert [step["name"] for step in steps["ppcen"]] == ["median"]


def test_what_was_trained_is_what_was_asked_for(made):
    found = config.read(made / "dat_augm/config.yaml")
    assert found["system"]["adversary"]["weight"] == 0.1 and found["data"]["effects"][0]["kind"] == "background"
    system, state = checkpoint.load_model(made / "dat_augm/best_student.pt")
    assert state["config"]["adversary"] is None and system.adversary is None
    ppcen = config.read(made / "ppcen/config.yaml")["system"]["frontend"]["compression"]
    assert (ppcen["n_layers"], ppcen["levels"]["kind"], ppcen["levels"]["top_db"]) == (2, "log", 80.0)


def test_every_row_is_planned(tmp_path):
    printed = run(RECIPE, "--cmd", "slurm", "--dry-run", "--preset", "smoke", "--work", tmp_path)
    commands = dict(re.findall(r"log=\S*/(\S+)\.log; command=\((.*)\) ;;$", printed, re.M))
    runs, rows = (
        [line for line in table(RECIPE / f"conf/{name}.tsv") if line["group"] != "night"] for name in ("runs", "rows")
    )
    assert len(runs) == 22 and len(rows) == 41
    for one in runs:
        assert f"train_{one['run']}" in commands
    for row in rows:
        for step in ("smooth", "score"):
            assert f"{step}_{row['row']}" in commands
    words = shlex.split(commands["train_dat_augm2"])
    assert words[words.index("--seed", words.index("--seed") + 1) + 1] == "1042", "of another training run"
    assert "--mix" in words and any("background" in word for word in words)
    fitted = shlex.split(commands["smooth_ensemble2.student"])
    assert fitted[fitted.index("--tuner") + 1] == "forest" and "--fit" in fitted
    taken = shlex.split(commands["smooth_ensemble2_eval.student"])
    assert taken[taken.index("--smoother") + 1].endswith("smoothers/ensemble2.student.json") and "--fit" not in taken


def test_every_published_number_has_its_row():
    named = {row["row"] for row in table(RECIPE / "conf/rows.tsv")}
    one, two, three = (table(RECIPE / f"conf/table{number}.tsv") for number in (1, 2, 3))
    assert [row["f1"] for row in one] == ["35.93", "28.71", "35.42", "36.84", "36.92", "38.20", "39.34"]
    published = {row["system"]: row["f1"] for row in two if row["f1"]}
    assert len(published) == 9 and published["+PPCEN+DAT+Augm+HMM"] == "46.30"
    assert {f"{row['key']}.{row['model']}" for row in one + two} | {row["results"] for row in three} <= named
    assert len({row["row"] for row in three}) == 5


def preset(name):
    raw = config.read(RECIPE / f"conf/paper/{name}.yaml")
    return configured("train-sed", raw, SYSTEMS["detection"])


def test_the_paper_presets():
    baseline = preset("baseline")
    system = baseline["system"]
    assert [baseline["data"][name] for name in ("weak", "unlabelled", "strong")] == [6, 12, 6]
    assert baseline["seed"] == 2020 and baseline["schedule"]["epochs"] == 200
    assert (system["teaching"]["start"], system["teaching"]["view"], system["teaching"]["noise_db"]) == (
        "independent", "noise", 30.0,
    )  # fmt: skip
    assert system["selection"] == {"strong": "event", "median": pytest.approx(7 * 4 * 255 / 16000)}
    assert system["frontend"]["spectrum"]["offsets"] == "floor" and system["frontend"]["spectrum"]["hop"] == 255
    assert baseline["optimisation"]["learning_rate"] == 1e-3 and baseline["optimisation"]["warmup_epochs"] == 50
    dat = preset("dat")
    assert [dat["data"][name] for name in ("unlabelled", "weak", "strong")] == [4, 2, 2]
    assert (dat["optimisation"]["accumulate"], dat["optimisation"]["clip_norm"]) == (2, 5.0)
    assert dat["optimisation"]["learning_rate"] == 5e-4 and dat["optimisation"]["group_rates"] == {"classifier": 2e-4}
    assert dat["system"]["adversary"]["reading"] == "code" and dat["system"]["detector"]["initialisation"] == "torch"
    both = preset("dat_ppcen")["system"]
    frontend = Frontend(**both["frontend"])
    assert frontend.n_maps == 2 and sum(p.numel() for p in frontend.parameters()) == 518
    detector = build(DETECTORS, both["detector"], {"n_classes": 10, "n_bands": 128, "n_maps": 2})
    assert sum(p.numel() for p in detector.parameters()) == 1112564


def test_the_fixed_settings_are_the_papers():
    runs = {row["run"]: row["options"] for row in table(RECIPE / "conf/runs.tsv")}
    for name, alpha, seconds in (("fixed1", 0.98, 0.4), ("fixed2", 0.8, 0.4), ("fixed3", 0.8, 0.06)):
        raw = config.read(RECIPE / "conf/paper/pcen.yaml", [w for w in runs[name].split() if w != "--set"])
        found = configured("train-sed", raw, SYSTEMS["detection"])["system"]["frontend"]["compression"]
        assert (found["alpha"], found["delta"], found["r"], found["trainable"]) == ([alpha], [2.0], [0.5], False)
        assert found["smoothing"] == [pytest.approx(coefficient(seconds * 16000 / 255), abs=1e-6)]
        assert found["direction"] == "causal"
