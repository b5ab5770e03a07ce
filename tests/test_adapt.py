"""New classes from a few recordings: by their mean, adapted from the mean, adapted from nothing."""

import hashlib

import numpy as np
import pytest
import yaml

from sedsep.adapt import Adapting, adapting, enroll
from sedsep.apply import enrolled as registry
from sedsep.apply.enrol import shots_of
from sedsep.apply.model import load
from sedsep.data import audio
from sedsep.data.corpora.collections import read_collection
from sedsep.data.soundbank import build
from sedsep.errors import UserError

SCENE = {"sample_rate": 8000, "seconds": 1.0, "count": 6, "n_events": [2, 2], "event_seconds": [0.1, 0.6]}


@pytest.fixture
def mixing(tmp_path):
    """A bank of the trained classes and of one that is enrolled anew, and a scene."""
    rng = np.random.default_rng(0)
    for label in ("High", "Low", "bark", "background"):
        for number in range(4):
            audio.write(tmp_path / "sounds" / label / f"{number}.wav", 0.1 * rng.standard_normal(4000), 8000)
    build(tmp_path / "bank", read_collection(tmp_path / "sounds"))
    (tmp_path / "scene.yaml").write_text(yaml.safe_dump(SCENE))
    return tmp_path / "bank", tmp_path / "scene.yaml"


def test_only_the_new_class_changes(extractor, mixing, tone):
    model = load(extractor())
    path, content = registry.beside(model.path), model.path.read_bytes()
    enroll(model, shots_of("meow", [tone("meow.wav", 900)], model))
    before, found = registry.read(path, model), {}
    shots = shots_of("bark", [tone("a.wav"), tone("b.wav")], model)
    for mix, start in ((None, "mean"), (mixing, "mean"), (mixing, "random"), (mixing, "mean")):
        said = enroll(model, shots, None, mix, start, Adapting(epochs=2, batch=3, learning_rate=0.1))
        learnt = registry.read(path, model)
        assert learnt["bark"].how == (f"adapted from {start}" if mix else "mean") and learnt["bark"].how in said
        np.testing.assert_array_equal(learnt["meow"].embedding, before["meow"].embedding)
        assert model.path.read_bytes() == content
        if learnt["bark"].how in found:  # the second time gives the same numbers
            np.testing.assert_array_equal(found[learnt["bark"].how], learnt["bark"].embedding)
        found[learnt["bark"].how] = learnt["bark"].embedding
    assert len({hashlib.sha256(e.tobytes()).digest() for e in found.values()}) == 3
    assert np.abs(found["mean"] - found["adapted from mean"]).max() < 1  # a few steps away
    assert "bark (adapted from mean); 2 classes in all" in said


def test_what_cannot_be_adapted(extractor, mixing, tone, tmp_path):
    model = load(extractor())
    shots = shots_of("bark", [tone("short.wav", seconds=0.05)], model)
    with pytest.raises(UserError, match="all recordings of 'bark' are shorter than"):
        enroll(model, shots, None, mixing)
    shots = shots_of("bark", [tone("long.wav")], model)
    (tmp_path / "bank/classes.txt").write_text("bark\nother\n")
    table = tmp_path / "bank/sounds.tsv"
    table.write_text(table.read_text().replace("\tHigh\t", "\tother\t").replace("\tLow\t", "\tother\t"))
    with pytest.raises(UserError, match="none of the model's classes to mix with: High, Low"):
        enroll(model, shots, None, mixing)
    assert not registry.beside(model.path).exists()


def test_settings():
    assert adapting(["epochs=3", "learning_rate=0.01"]) == Adapting(epochs=3, learning_rate=0.01)
    with pytest.raises(UserError, match="unknown key 'epoch' .did you mean 'epochs'"):
        adapting(["epoch=3"])
