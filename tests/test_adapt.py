"""New classes from a few recordings: by their mean, adapted from the mean, adapted from nothing."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import yaml

from sedsep.adapt import Adapting, adapt, adapting, enroll
from sedsep.apply import enrolled as registry
from sedsep.apply.enrol import shots_of
from sedsep.apply.model import load
from sedsep.data import audio
from sedsep.data.corpora.collections import read_collection
from sedsep.data.scene import describe
from sedsep.data.soundbank import Soundbank, build
from sedsep.errors import UserError
from sedsep.systems.adaptation import Adaptation

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
        said = enroll(model, shots, None, mix, start, Adapting(epochs=2, batch=3, learning_rate=0.1), replacing=True)
        learnt = registry.read(path, model)
        assert learnt["bark"].how == (f"adapted from {start}" if mix else "mean") and learnt["bark"].how in said
        np.testing.assert_array_equal(learnt["meow"].embedding, before["meow"].embedding)
        assert model.path.read_bytes() == content
        if learnt["bark"].how in found:  # the second time gives the same numbers
            np.testing.assert_array_equal(found[learnt["bark"].how], learnt["bark"].embedding)
        found[learnt["bark"].how] = learnt["bark"].embedding
    assert len({hashlib.sha256(e.tobytes()).digest() for e in found.values()}) == 3
    assert np.abs(found["mean"] - found["adapted from mean"]).max() < 1  # a few steps away
    assert f"bark {learnt['bark'].improvement:+.1f} dB of SI-SDR (adapted from mean); 2 classes in all" in said
    with pytest.raises(UserError, match="'bark' is enrolled already"):
        enroll(model, shots, None, mixing)


def test_a_class_that_comes_out_worse_than_the_mixture_is_said(extractor, mixing, tone, monkeypatch, capsys):
    model = load(extractor())
    shots, beside = shots_of("bark", [tone("a.wav")], model), registry.beside(model.path)
    # One that gives the mixture back, and one that gives what has nothing to do with it.
    for change, worse in ((lambda x: x, False), (lambda x: x.flip(1), True)):
        wrong = lambda self, mixture, embeddings: change(mixture).unsqueeze(1) + 0 * embeddings.sum()  # noqa: E731
        monkeypatch.setattr(type(model.system.extractor), "forward", wrong)
        enroll(model, shots, None, mixing, "mean", Adapting(epochs=1, batch=3), replacing=True)
        improvement, said = registry.read(beside, model)["bark"].improvement, capsys.readouterr().err
        assert (improvement < -1) == ("'bark' comes out worse than the mixture itself" in said) == worse


def test_the_expected_improvement_is_that_of_other_mixtures_of_the_same_scene(extractor, mixing, tone):
    bank, scene = Soundbank.read(mixing[0]), describe(SCENE)
    model, settings = load(extractor()), Adapting(epochs=1, batch=3)
    shots = shots_of("bark", [tone("a.wav"), tone("b.wav", 700)], model)
    shots |= shots_of("moo", [tone("c.wav", 200)], model)
    embeddings, expected = adapt(model, bank, scene, shots, None, settings)
    assert set(expected) == {"bark", "moo"} and all(np.isfinite(list(expected.values())))
    assert adapt(model, bank, scene, shots, None, settings)[1] == expected
    assert adapt(model, bank, replace(scene, seed=1), shots, None, settings)[1] != expected


@pytest.mark.parametrize("level", [0, 3e-4])
def test_pauses_in_a_recording_are_not_mixed(extractor, mixing, tmp_path, level, monkeypatch):
    """A bark, a second of next to nothing, and a bark: what is asked for is always a bark."""
    time, heard = np.arange(3200) / 8000, []
    bark, pause = 0.3 * np.sin(2 * np.pi * 1000 * time), level * np.random.default_rng(0).standard_normal(8000)
    audio.write(tmp_path / "bark.wav", np.concatenate([bark, pause, bark]), 8000)
    (tmp_path / "scene.yaml").write_text(yaml.safe_dump({**SCENE, "count": 30, "cut_seconds": [0.1, 0.3]}))
    model, forward = load(extractor()), Adaptation.forward

    def hear(self, batch, progress):
        heard.extend(batch.target.numpy())
        return forward(self, batch, progress)

    monkeypatch.setattr(Adaptation, "forward", hear)
    enroll(model, shots_of("bark", [tmp_path / "bark.wav"], model), None, mixing, "mean", Adapting(epochs=1))
    assert len(heard) == 30
    for target in heard:
        power = np.abs(np.fft.rfft(target)) ** 2  # bins of 1 Hz
        assert power[900:1100].sum() > 0.8 * power.sum() > 0


def test_what_cannot_be_adapted(extractor, mixing, tone, tmp_path):
    model = load(extractor())
    shots = shots_of("bark", [tone("short.wav", seconds=0.05)], model)
    with pytest.raises(UserError, match="'bark' have only sounds shorter than the scene's event_seconds; lower"):
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
