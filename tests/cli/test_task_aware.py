"""Task-aware separation from the command line: trained, resumed, decoded in three ways, drawn, counted."""

import json

import numpy as np
import pytest
import torch
import yaml

from sedsep.engine import checkpoint
from sedsep.scores.directory import ScoreSet
from tests.test_train import DETECTION, SEPARATION, merged

MASKER = {"n_sources": 3, "bottleneck": 4, "hidden": 8, "skip": 4, "n_blocks": 2, "n_repeats": 1}
PLAIN = {key: value for key, value in DETECTION.items() if key != "system"}


@pytest.fixture
def trained(sedsep, make_set, tmp_path):
    """``trained(exp, epochs, *options)`` trains from one detector and gives the file of the student."""
    sets = {
        "--strong": make_set("strong", stems=True), "--weak": make_set("weak", strong=False),
        "--unlabelled": make_set("bare", strong=False, weak=False),
        "--valid-strong": make_set("valid", 4, stems=True), "--valid-weak": make_set("weakvalid", 4, strong=False),
    }  # fmt: skip
    given = [word for option in sets.items() for word in option]

    def run(command, configuration, exp, *options):
        conf = tmp_path / f"{exp}.yaml"
        conf.write_text(yaml.safe_dump(configuration))
        code, out, errors = sedsep(command, "--conf", conf, "--exp", tmp_path / exp, *given, *options)
        assert code == 0, errors
        return tmp_path / exp

    detector = run("train-sed", merged(DETECTION, schedule={"epochs": 1}), "sed") / "best_teacher.pt"

    def train(exp, epochs, *options):
        configuration = merged(PLAIN, system={"kind": "task_aware", "masker": MASKER}, schedule={"epochs": epochs})
        return run("train-joint", configuration, exp, "--detector", detector, *options) / "best_student.pt"

    train.detector = detector
    return train


def test_from_training_to_a_picture(trained, sedsep, tmp_path):
    model, data = trained("straight", 2), tmp_path / "valid"
    trained("stopped", 1)
    trained("stopped", 2)
    straight, stopped = (checkpoint.load(tmp_path / exp / "last.pt")["weights"] for exp in ("straight", "stopped"))
    assert all(torch.equal(value, stopped[name]) for name, value in straight.items())
    log = [json.loads(line) for line in (tmp_path / "straight/log.jsonl").read_text().splitlines()]
    assert set(log[0]["loss"]) == {"mse", "deep", "weak", "teacher"}
    detector = checkpoint.load(trained.detector)["weights"]
    own = checkpoint.load(model)["weights"]
    assert all(torch.equal(own[f"detector.{n.removeprefix('teacher.')}"], v)
               for n, v in detector.items() if n.startswith("teacher."))  # fmt: skip

    found = {}
    for how in ("max", "sum", "noisy_or"):
        code, _, errors = sedsep("decode", tmp_path / how, "--model", model, "--data", data, "--over-sources", how)
        assert code == 0, errors
        found[how] = next(iter(ScoreSet.read(tmp_path / how).clips.values())).scores
    assert (found["max"] <= found["noisy_or"] + 1e-5).all() and (found["noisy_or"] <= found["sum"] + 1e-5).all()
    assert np.abs(found["sum"] - found["max"]).max() > 1e-3
    assert sedsep("decode", tmp_path / "plain", "--model", model, "--data", data)[0] == 0
    plain = next(iter(ScoreSet.read(tmp_path / "plain").clips.values())).scores
    np.testing.assert_array_equal(plain, found["max"])
    code, _, errors = sedsep("decode", tmp_path / "max", "--model", model, "--data", data, "--over-sources", "sum")
    assert code == 1 and "results of another model" in errors[0], "the ways do not mix in one directory"

    system, _ = checkpoint.load_model(model)
    size = sum(p.numel() for part in (system.student, system.detector) for p in part.parameters())
    results = tmp_path / "results.json"
    assert sedsep("score", tmp_path / "plain", "--data", data, "--metric", "parameters", "--out", results)[0] == 0
    assert json.loads(results.read_text())["metrics"]["parameters"]["value"] == size

    picture = tmp_path / "sources.svg"
    assert sedsep("plot", "sources", picture, "--model", model, "--data", data)[0] == 0
    text = picture.read_text()
    assert "valid_0: High" in text and all(f"source {n}: " in text for n in (1, 2, 3)) and "source 4" not in text
    code, _, errors = sedsep("plot", "sources", picture, "--model", trained.detector, "--data", data)
    assert code == 1 and "which hears no sources by themselves" in errors[0]
    code, _, errors = sedsep("decode", tmp_path / "no", "--model", trained.detector, "--data", data,
                             "--over-sources", "sum")  # fmt: skip
    assert code == 1 and "unknown key 'system.over_sources'" in errors[0]


def test_the_2020_baseline_detects_one_output_beside_the_mixture(trained, sedsep, make_set, tmp_path):
    """Three outputs that keep their places, of which the second is heard, its scores averaged with the mixture's."""
    base, other, data = make_set("base", stems=True), make_set("other"), tmp_path / "valid"
    assert sedsep("overlay", tmp_path / "sums", base, other)[0] == 0
    configuration = merged(SEPARATION, system={**SEPARATION["system"], "loss": "pit", "form": "thresholded",
                                               "groups": ["", "", ""], "slots": "roles"})  # fmt: skip
    conf = tmp_path / "sep.yaml"
    conf.write_text(yaml.safe_dump(configuration))
    sums = tmp_path / "sums"
    code, _, errors = sedsep("train-sep", "--conf", conf, "--exp", tmp_path / "sep", "--train", sums, "--valid", sums)
    assert code == 0, errors
    parts = ["--separator", tmp_path / "sep/best_separator.pt", "--detector", trained.detector, "--data", data]
    assert sedsep("decode", tmp_path / "one", *parts, "--keep", 1)[0] == 0
    assert sedsep("decode", tmp_path / "all", *parts)[0] == 0
    assert sedsep("decode", tmp_path / "alone", "--model", trained.detector, "--data", data)[0] == 0
    assert sedsep("fuse", tmp_path / "both", tmp_path / "alone", tmp_path / "one")[0] == 0
    one, all_of_them, sed, both = (
        np.stack([clip.scores for clip in ScoreSet.read(tmp_path / name).clips.values()])
        for name in ("one", "all", "alone", "both")
    )
    np.testing.assert_allclose(both, (sed + one) / 2, atol=2e-6)
    assert (one <= all_of_them + 1e-5).all() and np.abs(one - all_of_them).max() > 1e-6
    system, _ = checkpoint.load_model(tmp_path / "sep/best_separator.pt")
    networks = ScoreSet.read(tmp_path / "both").info["networks"]
    assert len(networks) == 2 and sum(p.numel() for p in system.separator.parameters()) in networks.values()
    code, _, errors = sedsep("decode", tmp_path / "no", *parts, "--keep", 3)
    assert code == 1 and "outputs of the separator, 0 to 2" in errors[0]
