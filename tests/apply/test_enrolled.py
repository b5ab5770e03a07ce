"""Registry: exact numbers in a readable table, for one model alone."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sedsep.apply import enrolled as registry
from sedsep.apply.enrolled import Enrolled
from sedsep.apply.model import load
from sedsep.errors import UserError
from sedsep.names import fault, normal
from tests.awkward import names


def test_numbers_read_back_equal(tmp_path, extractor):
    model, rng = load(extractor()), np.random.default_rng(0)
    learnt = {
        name: Enrolled(name, "mean", ("a b.wav", "c.wav"), rng.standard_normal(8).astype(np.float32) * 10.0**power)
        for name, power in (("bark", 0), ("clock tick", -9))
    }
    path = registry.beside(model.path)
    assert path == tmp_path / "extractor.classes.tsv" and registry.read(path, model) == {}
    registry.write(path, model, learnt)
    found = registry.read(path, model)
    assert list(found) == ["bark", "clock tick"] and found["bark"].recordings == ("a b.wav", "c.wav")
    for name in learnt:
        np.testing.assert_array_equal(found[name].embedding, learnt[name].embedding)
    assert path.read_text().splitlines()[1].startswith("bark\tmean\ta b.wav | c.wav\t")


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names.map(normal).filter(lambda name: not fault(name)), st.lists(names, min_size=1, max_size=3))
def test_any_names_read_back(tmp_path, extractor, name, recordings):
    model = load(extractor())
    learnt = {name: Enrolled(name, "mean", tuple(recordings), np.ones(8, np.float32))}
    registry.write(tmp_path / "t.tsv", model, learnt)
    ((key, found),) = registry.read(tmp_path / "t.tsv", model).items()
    assert (key, found.name, found.recordings) == (name, name, tuple(recordings))


def test_a_list_of_recordings_that_is_none(tmp_path, extractor):
    model = load(extractor())
    registry.write(tmp_path / "t.tsv", model, {"a": Enrolled("a", "mean", ("[",), np.ones(8, np.float32))})
    text = (tmp_path / "t.tsv").read_text()
    (tmp_path / "t.tsv").write_text(text.replace('["["]', '["['))
    with pytest.raises(UserError, match="t.tsv:2: .* the recordings are no list; enroll 'a' again"):
        registry.read(tmp_path / "t.tsv", model)


@pytest.mark.parametrize(
    "old, new, message",
    [("0.5 0.5", "0.5 ", "must be 8 numbers"), ("0.5 0.5", "0.5 nan", "must be 8 numbers"),
     ("0.5 0.5", "0.5 x", "is no number"), ("how", "haw", "no column 'how'")],
)  # fmt: skip
def test_broken_tables(extractor, old, new, message):
    model = load(extractor())
    path = registry.beside(model.path)
    registry.write(path, model, {"bark": Enrolled("bark", "mean", ("a.wav",), np.full(8, 0.5))})
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(UserError, match=message):
        registry.read(path, model)


def test_another_models_classes_are_refused(extractor):
    model, other = load(extractor()), load(extractor("other", seed=1))
    path = registry.beside(model.path)
    registry.write(path, model, {"bark": Enrolled("bark", "mean", ("a.wav",), np.zeros(8))})
    with pytest.raises(UserError, match="classes.tsv:2: 'bark' was enrolled with another model"):
        registry.read(path, other)


def test_trained_and_learnt_classes(extractor):
    system = load(extractor()).system
    learnt = {"bark": Enrolled("bark", "mean", ("a.wav",), np.arange(8.0))}
    np.testing.assert_array_equal(registry.embedding_of(system, learnt, "bark"), np.arange(8.0))
    np.testing.assert_array_equal(registry.embedding_of(system, learnt, "Low"), system.table.weight[1].detach())
    with pytest.raises(UserError, match="no class 'bork' .did you mean 'bark'.*High, Low, bark"):
        registry.embedding_of(system, learnt, "bork")
    with pytest.raises(UserError, match="it knows: none; enroll one"):
        registry.embedding_of(load(extractor("enrl", clue="enrolment")).system, {}, "High")
