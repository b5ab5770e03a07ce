"""Registry: exact numbers in a readable table, for one model alone."""

import numpy as np
import pytest

from sedsep.errors import UserError
from sedsep.apply import enrolled as registry
from sedsep.apply.extract import load
from sedsep.apply.enrolled import Learnt


def test_numbers_read_back_equal(tmp_path, extractor):
    model, rng = extractor(), np.random.default_rng(0)
    learnt = {
        name: Learnt(name, "mean", ("a b.wav", "c.wav"), rng.standard_normal(8).astype(np.float32) * 10.0**power)
        for name, power in (("bark", 0), ("clock tick", -9))
    }
    path = registry.beside(model)
    assert path == tmp_path / "extractor.classes.tsv" and registry.read(path, model, 8) == {}
    registry.write(path, model, learnt)
    found = registry.read(path, model, 8)
    assert list(found) == ["bark", "clock tick"] and found["bark"].recordings == ("a b.wav", "c.wav")
    for name in learnt:
        np.testing.assert_array_equal(found[name].embedding, learnt[name].embedding)
    assert path.read_text().splitlines()[1].startswith("bark\tmean\ta b.wav | c.wav\t")


@pytest.mark.parametrize(
    "old, new, message",
    [("0.5 0.5", "0.5", "must be 2 numbers"), ("0.5 0.5", "0.5 nan", "must be 2 numbers"),
     ("0.5 0.5", "0.5 x", "is no number"), ("how", "haw", "no column 'how'")],
)  # fmt: skip
def test_broken_tables(extractor, old, new, message):
    model = extractor()
    path = registry.beside(model)
    registry.write(path, model, {"bark": Learnt("bark", "mean", ("a.wav",), np.full(2, 0.5))})
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(UserError, match=message):
        registry.read(path, model, 2)


def test_another_models_classes_are_refused(extractor):
    model, other = extractor(), extractor("other", seed=1)
    path = registry.beside(model)
    registry.write(path, model, {"bark": Learnt("bark", "mean", ("a.wav",), np.zeros(8))})
    with pytest.raises(UserError, match="classes.tsv:2: 'bark' was enrolled with another model"):
        registry.read(path, other, 8)


def test_trained_and_learnt_classes(extractor):
    system = load(extractor())
    learnt = {"bark": Learnt("bark", "mean", ("a.wav",), np.arange(8.0))}
    np.testing.assert_array_equal(registry.embedding_of(system, learnt, "bark"), np.arange(8.0))
    np.testing.assert_array_equal(registry.embedding_of(system, learnt, "Low"), system.table.weight[1].detach())
    with pytest.raises(UserError, match="no class 'bork' .did you mean 'bark'.*High, Low, bark"):
        registry.embedding_of(system, learnt, "bork")
    with pytest.raises(UserError, match="it knows: none; enroll one"):
        registry.embedding_of(load(extractor("enrl", clue="enrolment")), {}, "High")
