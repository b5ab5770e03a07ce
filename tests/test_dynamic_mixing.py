"""Dynamic mixing, second views, further backgrounds and feature effects, each switched on alone and all together."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from sedsep.data import audio
from sedsep.data.augment import SOURCE_EFFECTS
from sedsep.data.corpora.collections import read_collection
from sedsep.data.soundbank import build
from sedsep.engine import checkpoint
from sedsep.errors import Stopped, UserError
from sedsep.schedule import Progress
from sedsep.systems.detection import SoundEventDetection
from sedsep.train import train
from tests.test_train import DETECTION, SEPARATION, merged, same, weights

SCENE = {
    "sample_rate": 8000, "seconds": 1.0, "count": 8, "n_events": [1, 5], "event_seconds": [0.1, 0.5],
    "levels": {"kind": "uniform"}, "rooms": {"rt60": [0.1, 0.2], "each": "source"}, "most_effects": 2, "peak": 1.0,
    "effects": [{"kind": kind} for kind in SOURCE_EFFECTS],
}  # fmt: skip
FEATURES = {"effects": [{"kind": "specaugment"}, {"kind": "noise"}]}


@pytest.fixture
def bank(tmp_path):
    """Recordings of High, Low and a background."""
    rng = np.random.default_rng(0)
    for label in ("High", "Low", "background"):
        for number in range(8):
            audio.write(tmp_path / "sounds" / label / f"{number}.wav", 0.1 * rng.standard_normal(8000), 8000)
    build(tmp_path / "bank", read_collection(tmp_path / "sounds"))
    return tmp_path / "bank"


@pytest.fixture
def mixed(tmp_path, bank, make_set):
    """Streams whose strong clips are mixed anew, and the sets to validate on."""
    scene = tmp_path / "scene.yaml"
    scene.write_text(yaml.safe_dump(SCENE))
    streams = {"strong": [(bank, scene)], "weak": [make_set("weak", strong=False)],
               "unlabelled": [make_set("bare", strong=False, weak=False)]}  # fmt: skip
    return streams, {"strong": [make_set("valid", 4)]}


def everything(bank, base=DETECTION):
    """A configuration with every technique switched on, one key each."""
    data = {**base["data"], "effects": [{"kind": "background", "bank": str(bank)}]}
    system = {**base.get("system", {}), "augmentation": FEATURES, "teaching": {"view": "other"}}
    return {**base, "data": data, "system": system}


def test_each_technique_is_one_key_and_changes_the_training(tmp_path, bank, mixed, make_set):
    streams, valid = mixed
    plain = merged(DETECTION, schedule={"epochs": 1})
    system = plain["system"]
    ways = {
        "plain": (plain, {**streams, "strong": [make_set("strong")]}),
        "mixed": (plain, streams),
        "views": (merged(plain, system={**system, "teaching": {"view": "other"}}), streams),
        "backgrounds": (merged(plain, data={"effects": [{"kind": "background", "bank": str(bank)}]}), streams),
        "features": (merged(plain, system={**system, "augmentation": FEATURES}), streams),
        "all": (everything(bank, plain), streams),
    }
    found = {}
    for name, (configuration, given) in ways.items():
        train("train-sed", configuration, tmp_path / name, given, valid)
        found[name] = weights(tmp_path / name / "last.pt")
    names = list(found)
    for place, name in enumerate(names):
        assert not any(same(found[name], found[other]) for other in names[:place]), name


def test_with_everything_on_workers_are_irrelevant_and_a_stopped_run_goes_on(tmp_path, bank, mixed, monkeypatch):
    configuration = everything(bank)
    train("train-sed", configuration, tmp_path / "straight", *mixed)
    helped = merged(configuration, data={"workers": 2})
    train("train-sed", helped, tmp_path / "helped", *mixed)
    assert same(weights(tmp_path / "straight/last.pt"), weights(tmp_path / "helped/last.pt"))
    forward, steps = SoundEventDetection.after_step, []

    def stop(self, progress: Progress):
        forward(self, progress)
        steps.append(progress.step)
        if len(steps) == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(SoundEventDetection, "after_step", stop)
    with pytest.raises(Stopped):
        train("train-sed", configuration, tmp_path / "stopped", *mixed)
    train("train-sed", configuration, tmp_path / "stopped", *mixed)
    assert same(weights(tmp_path / "straight/last.pt"), weights(tmp_path / "stopped/last.pt"))


def test_everything_in_joint_training(tmp_path, bank, mixed, make_set):
    bare = {"mixtures": [make_set("bare", strong=False, weak=False)]}
    once = {"schedule": {"epochs": 1}}
    train("train-sep", merged(SEPARATION, **once), tmp_path / "sep", bare, bare)
    train("train-sed", merged(everything(bank), **once), tmp_path / "sed", *mixed)
    initial = {"separator": tmp_path / "sep/best_separator.pt", "detector": tmp_path / "sed/best_teacher.pt"}
    joint = everything(bank, {"data": {**DETECTION["data"], "batches": 2}, **once})
    kinds = [{"mode": "stage1"}, {"mode": "joint"}, {"kind": "ssep_sed"}]
    for number, kind in enumerate([*kinds, {"mode": "stage2"}]):
        start = {"model": tmp_path / "0/best_teacher.pt"} if kind == {"mode": "stage2"} else initial
        configuration = merged(joint, system={**joint["system"], **kind})
        best = train("train-joint", configuration, tmp_path / str(number), *mixed, initial=start)
        assert set(best) == {"student", "teacher"}
        system, _ = checkpoint.load_model(tmp_path / str(number) / "best_teacher.pt")
        assert system.augmentation.effects and torch.isfinite(system.detect(torch.zeros(1, 8000)).strong).all()


def test_mistakes_are_one_clear_line(tmp_path, bank, mixed):
    streams, valid = mixed
    wrong = [
        ({"data": {"effects": [{"kind": "background"}]}}, r"key 'data.effects\[0\].bank' is missing"),
        ({"data": {"effects": [{"kind": "background", "bank": "no"}]}}, "no: no such soundbank"),
        ({"system": {**DETECTION["system"], "augmentation": {"effects": [{"kind": "nois"}]}}}, "did you mean 'noise'"),
    ]
    for change, message in wrong:
        with pytest.raises(UserError, match=message):
            train("train-sed", merged(DETECTION, **change), tmp_path / "e", streams, valid)
    scene = Path(streams["strong"][0][1])
    for change, message in (
        ({"levels": {"kind": "unifrom"}}, "levels.kind is 'unifrom' .did you mean 'uniform'"),
        ({"rooms": {"each": "sauce"}}, "rooms.each is 'sauce' .did you mean 'source'"),
        ({"effects": [{"kind": "pitch_shift", "cents": [9, 1]}]}, r"effects\[0\].cents must be \[lowest, highest\]"),
    ):
        scene.write_text(yaml.safe_dump({**SCENE, **change}))
        with pytest.raises(UserError, match=message):
            train("train-sed", DETECTION, tmp_path / "e", streams, valid)
