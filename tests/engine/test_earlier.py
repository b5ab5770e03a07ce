"""Files of former formats: models say what they said, and a stopped training goes on to where it would have ended.

``tests/golden`` was written by format 1, before the rebuild of the systems (commit 8dbf7e0): tiny models of every kind,
what they made of one input, experiments that were stopped in the middle of an epoch, and where they ended unstopped.
"""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from sedsep.adapt import enroll
from sedsep.apply.enrol import shots_of
from sedsep.apply.model import load
from sedsep.engine import checkpoint, earlier
from sedsep.errors import UserError
from sedsep.nnet.dropout import Dropout
from sedsep.systems import SYSTEMS
from sedsep.train import configured, train

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
KINDS = {"separation": "separation", "separation_tdcn": "separation", "detection": "detection", "joint": "joint",
         "ensemble": "ssep_sed", "extraction": "extraction"}  # fmt: skip
DETECTION = {
    "data": {"seconds": 1.0, "strong": 2, "weak": 2, "unlabelled": 2, "validation": 4},
    "system": {
        "frontend": {"sample_rate": 8000, "n_fft": 256, "hop": 128, "n_mels": 8, "f_max": 4000.0},
        "detector": {"channels": [3, 3], "pools": [[2, 2], [2, 4]], "hidden": 3, "n_layers": 1},
    },
    "optimisation": {"warmup_epochs": 1},
    "schedule": {"epochs": 2},
}
SEPARATION = {
    "data": {"seconds": 0.5, "batch": 4},
    "system": {
        "sample_rate": 8000,
        "separator": {"n_sources": 3, "n_filters": 8, "bottleneck": 4, "hidden": 8, "skip": 4, "n_blocks": 1},
    },
    "schedule": {"epochs": 2},
}
EXTRACTION = {
    "data": {"seconds": 1.0, "batch": 3, "enrolment_seconds": 0.4},
    "system": {
        "extractor": {"n_filters": 8, "kernel": 16, "stride": 8, "bottleneck": 4, "hidden": 8, "n_blocks": 1,
                      "n_repeats": 2},
        "clue": "mixed",
    },
    "schedule": {"epochs": 2},
}  # fmt: skip


@pytest.fixture(scope="module")
def said():
    return dict(np.load(GOLDEN / "said.npz"))


@pytest.mark.parametrize("name", KINDS)
def test_a_model_says_what_it_said(name, said):
    model, waveform = load(GOLDEN / f"{name}.pt", "cpu"), torch.from_numpy(said["input"])
    assert model.kind == KINDS[name] and list(model.classes) == ["High", "Low"]
    found = {}
    with torch.no_grad():
        if model.detects:
            detection = model.system.detect(waveform, model.variant)
            found |= {"strong": detection.strong, "weak": detection.weak}
        if model.separates:
            found["sources"] = model.system.separate(waveform, model.variant)[..., :300]
        if model.extracts:
            embeddings = torch.stack([model.system.embed_class("High"), model.system.embed(waveform[0])])[None]
            found["sounds"] = model.system.extractor(waveform, embeddings)[..., :300]
    assert found
    for part, value in found.items():
        expected = said[f"{name}.{part}"]
        np.testing.assert_allclose(value, expected, rtol=0, atol=1e-5 * np.abs(expected).max(), err_msg=part)
    noisy = load(GOLDEN / f"{name}.pt", "cpu").system
    with torch.no_grad():  # what is compared listens to the weights
        for parameter in noisy.parameters():
            parameter.mul_(1.5)
        if model.detects:
            assert np.abs(noisy.detect(waveform, model.variant).strong.numpy() - said[f"{name}.strong"]).max() > 1e-3


def test_smoothing_and_the_signed_scaler_are_kept():
    model, description = load(GOLDEN / "detection.pt", "cpu"), checkpoint.described(GOLDEN / "detection.pt")
    assert model.smoothing == [{"name": "median", "seconds": 0.448}]
    assert description["config"]["frontend"]["scaling"] == {"kind": "minmax_signed"} and "system" not in description


def test_enrolled_classes_stay_with_their_model(tmp_path, tone):
    for name in ("extraction.pt", "extraction.classes.tsv"):
        shutil.copy(GOLDEN / name, tmp_path / name)
    model = load(tmp_path / "extraction.pt", "cpu")
    assert list(model.enrolled) == ["bark"] and list(model.clues(["bark"])) == ["bark"]
    assert "2 classes in all" in enroll(model, shots_of("meow", [tone("meow.wav", 900)], model))


@pytest.fixture
def sets(make_set):
    """The sets that the golden experiments were made of."""
    strong, weak = make_set("strong"), make_set("weak", strong=False)
    bare, stems = make_set("bare", strong=False, weak=False), make_set("stems", stems=True)
    labelled = (
        {"strong": [strong], "weak": [weak], "unlabelled": [bare]},
        {"strong": [make_set("valid", 4)], "weak": [make_set("weakvalid", 4, strong=False)]},
    )
    mixtures = ({"mixtures": [bare]}, {"mixtures": [weak]})
    return {"detection": labelled, "joint": labelled, "ensemble": labelled, "separation": mixtures,
            "extraction": ({"mixtures": [stems]}, {"mixtures": [stems]})}  # fmt: skip


INITIAL = {"separator": GOLDEN / "separation.pt", "detector": GOLDEN / "detection.pt"}
ONE_EPOCH = {**{key: value for key, value in DETECTION.items() if key != "system"}, "schedule": {"epochs": 1}}
STOPPED = {
    "detection": ("train-sed", DETECTION, None),
    "joint": ("train-joint", {**ONE_EPOCH, "system": {"mode": "joint"}}, INITIAL),
    "ensemble": ("train-joint", {**ONE_EPOCH, "system": {"kind": "ssep_sed"}}, INITIAL),
    "separation": ("train-sep", SEPARATION, None),
    "extraction": ("train-tse", EXTRACTION, None),
}


@pytest.mark.parametrize("name", STOPPED)
def test_a_stopped_training_goes_on_to_where_it_would_have_ended(name, tmp_path, sets, monkeypatch):
    # Dropout drew torch's numbers then; with these, all else must be the same.
    monkeypatch.setattr(Dropout, "forward", lambda self, x: torch.nn.Dropout.forward(self, x.contiguous()))
    monkeypatch.setenv("SEDSEP_FAST", "0")
    task, raw, initial = STOPPED[name]  # they name neither scaling nor dropout, whose defaults were others then
    exp = Path(shutil.copytree(GOLDEN / f"stopped_{name}", tmp_path / "exp"))
    before = torch.cat([v.double().flatten() for v in checkpoint.load(exp / "last.pt")["weights"].values()])
    train(task, raw, exp, *sets[name], initial=initial)
    after = torch.cat([v.double().flatten() for v in checkpoint.load(exp / "last.pt")["weights"].values()])
    with np.load(GOLDEN / "ends.npz") as ends:
        expected = torch.from_numpy(ends[name])
    # Not bit for bit, for the file may have been written on another processor; but of the way that was left, all.
    left, missed = (before - expected).abs().max(), (after - expected).abs().max()
    assert missed <= 0.02 * left, (missed, left)
    assert left > 0 and (before - expected).norm() > 10 * (after - expected).norm(), "what did not go on would be seen"
    said = yaml.safe_load((exp / "config.yaml").read_text())["system"]
    if "frontend" in said:
        assert said["frontend"]["scaling"] == {"kind": "minmax_signed"}
    if said["kind"] == "ssep_sed":
        assert said["frozen_dropout"] is False
    train(task, raw, exp, *sets[name], initial=initial)  # and so it stays


@pytest.mark.parametrize("scaling", ["minmax", "none"])
def test_another_scaling_than_the_one_it_was_begun_with_is_refused(tmp_path, sets, scaling):
    exp = Path(shutil.copytree(GOLDEN / "stopped_detection", tmp_path / "exp"))
    frontend = {**DETECTION["system"]["frontend"], "scaling": {"kind": scaling}}
    other = {**DETECTION, "system": {**DETECTION["system"], "frontend": frontend}}
    with pytest.raises(UserError, match=f"scaling.kind: 'minmax_signed' -> '{scaling}'"):
        train("train-sed", other, exp, *sets["detection"])


def test_the_frozen_dropout_of_before_is_kept_and_another_is_refused(tmp_path, sets):
    exp = Path(shutil.copytree(GOLDEN / "stopped_ensemble", tmp_path / "exp"))
    other = {**ONE_EPOCH, "system": {"kind": "ssep_sed", "frozen_dropout": True}}
    with pytest.raises(UserError, match="system.frozen_dropout: False -> True"):
        train("train-joint", other, exp, *sets["ensemble"], initial=INITIAL)


def test_instance_keeps_its_range_and_what_is_begun_now_has_todays():
    written_before = {**DETECTION, "system": {"frontend": {**DETECTION["system"]["frontend"], "scaler": "instance"}}}
    kind = SYSTEMS["detection"]
    found = configured("train-sed", written_before, kind)["system"]["frontend"]["scaling"]
    assert found == {"kind": "minmax_signed"}
    assert configured("train-sed", DETECTION, kind)["system"]["frontend"]["scaling"] == {"kind": "minmax"}


def test_former_defaults_hold_only_where_nothing_is_asked():
    begun = {"frontend": {"scaling": {"kind": "minmax_signed"}}, "frozen_dropout": False}
    assert earlier.as_begun({}, begun) == begun
    asked = {"frontend": {"scaling": {"kind": "none"}}, "frozen_dropout": True}
    assert earlier.as_begun(asked, begun) == asked
    today = {"frontend": {"scaling": {"kind": "minmax"}}, "frozen_dropout": True}
    assert earlier.as_begun({}, today) == {}, "what changes is what was a default once"
    assert earlier.as_begun({"frontend": "mel"}, begun)["frontend"] == "mel", "a mistake stays one"


def test_an_experiment_of_another_configuration_is_still_refused(tmp_path, sets):
    exp = Path(shutil.copytree(GOLDEN / "stopped_detection", tmp_path / "exp"))
    other = {**DETECTION, "system": {**DETECTION["system"], "mixup": {"probability": 0.25}}}
    with pytest.raises(UserError, match="another configuration .system.mixup.probability: 0.5 -> 0.25"):
        train("train-sed", other, exp, *sets["detection"])


def test_configurations_of_before_are_those_of_today():
    old = yaml.safe_load((GOLDEN / "stopped_ensemble/config.yaml").read_text())
    new = earlier.configuration(old, "ssep_sed")
    assert new["system"]["kind"] == "ssep_sed" and new["system"]["frontend"]["spectrum"]["n_mels"] == 8
    assert earlier.section(new["system"]) == new["system"], "what is of today stays as it is"
