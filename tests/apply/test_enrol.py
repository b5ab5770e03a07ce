"""Enrolling: the mean of the recordings' embeddings, and nothing else in the registry moves."""

import numpy as np
import pytest

from sedsep.apply import enrol
from sedsep.apply import enrolled as registry
from sedsep.apply.model import load
from sedsep.data.enrolment import read_enrolment
from sedsep.errors import UserError


def test_one_sound_per_recording_from_first_to_last_activity(tmp_path, extractor, tone):
    shots = enrol.shots_of("bark", [tone("a.wav"), tone("b.wav", seconds=1.0)], load(extractor()))
    assert [s.path.name for s in shots["bark"]] == ["a.wav", "b.wav"]
    assert [(s.onset, s.offset) for s in shots["bark"]] == [(0.1, 0.6), (0.1, 1.1)]


def test_the_class_is_the_mean_and_the_others_stay(tmp_path, extractor, tone):
    model = load(extractor())
    path = registry.beside(model.path)
    for name, files in (("bark", ["a.wav"]), ("meow", ["b.wav", "c.wav"]), ("bark", ["a.wav", "d.wav"])):
        shots = enrol.shots_of(name, [tone(f, 300 + 100 * ord(f[0])) for f in files], model)
        before = registry.read(path, model)
        count = enrol.register(path, model, shots, enrol.means(model, shots), "mean", {"meow": 2.5})
        learnt = registry.read(path, model)
        assert count == len(learnt)
        for other in set(before) - {name}:
            np.testing.assert_array_equal(learnt[other].embedding, before[other].embedding)
        single = [model.embedding(read_enrolment(s.path, 8000, 30.0, s.onset, s.offset)) for s in shots[name]]
        np.testing.assert_allclose(learnt[name].embedding, np.mean(single, 0), atol=1e-6)
    assert list(learnt) == ["bark", "meow"] and len(learnt["bark"].recordings) == 2
    assert learnt["meow"].improvement == 2.5 and np.isnan(learnt["bark"].improvement)


def test_enrolling_again_keeps_the_classes_of_other_models(tmp_path, extractor, tone):
    """After the model file changed, its classes are enrolled again one by one, and nothing is lost meanwhile."""
    model, other = load(extractor()), load(extractor("other", seed=1))
    path = tmp_path / "table.tsv"
    shots = {name: enrol.shots_of(name, [tone(f"{name}.wav")], model)[name] for name in ("bark", "meow")}
    enrol.register(path, model, shots, enrol.means(model, shots), "mean", {})
    with pytest.raises(UserError, match="'bark' is enrolled already .mean of .*bark.wav.; to learn it anew: --replace"):
        enrol.check_new(path, model, ["bark"])
    enrol.check_new(path, other, ["bark"])
    few = {"bark": shots["bark"]}
    assert enrol.register(path, other, few, enrol.means(other, few), "mean", {}) == 1
    assert list(registry.read(path, other)) == ["bark"] and list(registry.read(path, model)) == ["meow"]


def test_names_that_cannot_be(extractor, tone):
    model = load(extractor())
    for name, message in (("High", "trained on 'High'"), ("a/b", "cannot name"), ("rest", "cannot name"),
                          ("", "cannot name"), ("a\tb", "a tab, a line"), (" a", "spaces around")):  # fmt: skip
        with pytest.raises(UserError, match=message):
            enrol.shots_of(name, [tone("a.wav")], model)
