"""Scoring from end to end: DESED's figures, every metric on a small set, ids, per-clip tables and bad requests."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sedsep.data import audio
from sedsep.errors import UserError
from sedsep.evaluate.score import output as outputs
from sedsep.evaluate.score.score import METRICS, read_truth, results, score, table, write

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "desed2021"


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/data/desed2021")
def test_desed_2021(tmp_path):
    truth = read_truth(None, SHARED / "validation.tsv", SHARED / "validation_durations.tsv")
    found, truth = outputs.read(truth, None, SHARED / "baseline_student_0.5.csv", SHARED / "baseline_student")
    numbers = score(truth, found, ["psds", "event-f1", "intersection-f1"])
    write(tmp_path / "out.json", results(truth, found, numbers), numbers)
    entries = json.loads((tmp_path / "out.json").read_text())["metrics"]
    expected = {"psds1": 0.33447, "psds2": 0.52810, "event-f1-macro": 0.3987, "event-f1-micro": 0.4095}
    for name, value in expected.items():
        assert entries[name]["value"] == pytest.approx(value, abs=1e-4)
        assert entries[name]["missing_clips"] == 0
    assert len(truth.filenames) == 1168 and len(truth.events) == 4224


@pytest.fixture
def scored(make_set, make_scores):
    """``scored(metrics, noise, bootstrap)`` -> truth, output, numbers of a set with stems."""

    def run(metrics, noise=0.0, bootstrap=0):
        directory = make_set("set", stems=True)
        found, truth = outputs.read(read_truth(directory), make_scores("system", directory, noise, separated=True))
        return truth, found, score(truth, found, metrics, bootstrap=bootstrap)

    return run


def test_every_metric_of_a_system_that_is_right(scored):
    elsewhere = ("extraction", "fuss", "parameters")  # test_extraction.py, test_fuss_numbers.py, test_size.py
    truth, found, numbers = scored([name for name in METRICS if name not in elsewhere])
    values = {number.name: number.value for number in numbers}
    for name, value in values.items():
        if "sdr" not in name:
            assert value == pytest.approx(1), name
    assert 20 < values["si-sdr"] < 60 and values["sdr"] > values["si-sdr"] - 1
    entries = results(truth, found, numbers)["metrics"]
    assert all(entry["id"].startswith(name) for name, entry in entries.items())
    assert {entry["unit"] for entry in entries.values()} == {"fraction", "dB"}
    details = entries["si-sdr"]
    assert details["sources"] == 12 and details["silent_references"] == 0 and details["leakage_db"] < -20


def test_exact_and_published_psds_are_different_metrics(scored):
    _, _, numbers = scored(["psds", "psds-exact"])
    assert len({number.id for number in numbers}) == 4
    assert "50 operating points" in numbers[0].id and "all thresholds" in numbers[2].id


def test_psds_over_all_triggered_classes_is_another_metric(make_set, make_scores):
    """The mean of psds_eval before 0.5, of the published procedure and the exact one; PSDS1 has no cross-triggers."""
    directory = make_set("set")
    found, truth = outputs.read(read_truth(directory), make_scores("system", directory, 0.3))
    metrics = ["psds", "psds-exact"]
    new, old = (score(truth, found, metrics, bootstrap=5, triggered=how) for how in ("others", "all"))
    changed = {one.name for one, other in zip(new, old) if one.id != other.id}
    assert changed == {"psds2", "psds-exact2"}
    for one, other in zip(new, old):
        assert other.value >= one.value and ("psds_eval<0.5" in other.id) == (other.name in changed)
        assert (other.replicates >= one.replicates - 1e-9).all()


def test_bootstrap_gives_intervals_around_the_value(scored):
    metrics = ["psds", "psds-exact", "event-f1", "segment-f1", "tagging-f1", "ap", "auc", "si-sdr"]
    truth, found, numbers = scored(metrics, noise=0.25, bootstrap=30)
    entries = results(truth, found, numbers, bootstrap=30, seed=0)
    assert entries["bootstrap"] == {"resamples": 30, "seed": 0}
    for name, entry in entries["metrics"].items():
        low, high = entry["interval_95"]
        assert low - 0.2 <= entry["value"] <= high + 0.2 and len(entry["replicates"]) == 30, name
    assert "[" in table(truth, numbers, 0)


def test_per_clip_table_adds_up(scored, tmp_path):
    truth, found, numbers = scored(["event-f1", "sdr"], noise=0.3)
    path = write(tmp_path / "out.json", results(truth, found, numbers), numbers, with_clips=True)
    clips = pd.read_csv(path, sep="\t")
    of_f1 = clips[clips["metric"] == "event-f1-macro"]
    micro = 2 * of_f1["tp"].sum() / (2 * of_f1["tp"] + of_f1["fp"] + of_f1["fn"]).sum()
    values = {number.name: number.value for number in numbers}
    assert len(of_f1) == 6 and micro == pytest.approx(values["event-f1-micro"])
    assert clips[clips["metric"] == "sdr"]["value"].mean() == pytest.approx(values["sdr"])


def test_per_clip_of_metrics_without_clips(scored, tmp_path):
    truth, found, numbers = scored(["psds"])
    with pytest.raises(UserError, match="drop --per-clip"):
        write(tmp_path / "out.json", results(truth, found, numbers), numbers, with_clips=True)


def test_silent_references_stand_apart(make_set, make_scores):
    directory = make_set("set", stems=True)
    scores = make_scores("system", directory, separated=True)
    values = []
    for _ in range(2):
        found, truth = outputs.read(read_truth(directory), scores)
        numbers = score(truth, found, ["si-sdr"])
        values.append((numbers[0].value, numbers[0].details["silent_references"]))
        # A third stem that is silent: it may not change the mean.
        header, *rows = (directory / "stems.tsv").read_text().splitlines()
        quiet = truth.clips["set_0.wav"].stems[0].path.with_name("quiet.wav")
        audio.write(quiet, np.zeros(8000, "f4"), 8000)
        rows.append(f"set_0.wav\t{quiet}\tHigh\tforeground\tquiet")
        (directory / "stems.tsv").write_text("\n".join([header, *rows]) + "\n")
    assert values[0][1] == 0 and values[1][1] == 1 and values[0][0] == values[1][0]


def test_class_rule_is_stated_where_a_class_has_no_references(make_set, make_scores):
    directory = make_set("set")
    scores = make_scores("system", directory)
    lines = (directory / "strong.tsv").read_text().splitlines()
    silent = [line if "Low" not in line else line.split("\t")[0] + "\t\t\t" for line in lines]
    (directory / "strong.tsv").write_text("\n".join(silent) + "\n")
    found, truth = outputs.read(read_truth(directory), scores)
    numbers = score(truth, found, ["event-f1", "psds-exact"])
    entry = results(truth, found, numbers)
    assert entry["data"]["classes_without_references"] == ["Low"]
    assert entry["metrics"]["event-f1-macro"]["value"] == 1
    assert entry["metrics"]["event-f1-macro-zero"]["value"] == 0.5
    assert entry["metrics"]["event-f1-macro"]["per_class"]["Low"] is None
    assert "left out" in entry["metrics"]["event-f1-macro"]["note"]
    assert "-" in table(truth, numbers, 0).splitlines()[-1]


def test_missing_clips_go_with_every_number(make_set, make_scores):
    directory = make_set("set")
    scores = make_scores("system", directory)
    (scores / "strong" / "set_2.tsv").unlink()
    found, truth = outputs.read(read_truth(directory), scores)
    numbers = score(truth, found, ["event-f1", "psds-exact"])
    entries = results(truth, found, numbers)["metrics"]
    assert all(entry["missing_clips"] == 1 for entry in entries.values())
    assert "1 MISSING" in table(truth, numbers, ["b.wav"])
    assert entries["event-f1-micro"]["value"] == pytest.approx(10 / 11)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "give the ground truth"),
        ((None, "a.tsv", None), "give the ground truth"),
        (("set", "a.tsv", "b.tsv"), "give the ground truth"),
    ],
)
def test_truth_is_given_once(arguments, complaint):
    with pytest.raises(UserError, match=complaint):
        read_truth(*arguments)


def test_bad_requests(make_set, make_scores):
    directory = make_set("set", strong=False)
    found, truth = outputs.read(read_truth(directory), make_scores("system", directory))
    with pytest.raises(UserError, match="unknown metric 'psd'.*did you mean 'psds'"):
        score(truth, found, ["psd"])
    with pytest.raises(UserError, match="event-f1 needs events; the set has none"):
        score(truth, found, ["event-f1"])
    with pytest.raises(UserError, match="needs separated sources"):
        score(truth, found, ["si-sdr"])
    assert score(truth, found, ["tagging-f1"])[0].part == "tags"


def test_a_set_without_events_is_refused(make_set, make_scores):
    directory = make_set("set")
    scores = make_scores("system", directory)
    header, *rows = (directory / "strong.tsv").read_text().splitlines()
    empty = [row.split("\t")[0] + "\t\t\t" for row in rows]
    (directory / "strong.tsv").write_text("\n".join([header, *empty]) + "\n")
    found, truth = outputs.read(read_truth(directory), scores)
    with pytest.raises(UserError, match="has no reference events"):
        score(truth, found, ["psds"])
