"""Registry: exact numbers in a readable table, for one model alone."""

import multiprocessing
import os
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedsep.apply import enrol
from sedsep.apply import enrolled as registry
from sedsep.apply.enrolled import Enrolled
from sedsep.apply.model import load
from sedsep.errors import UserError
from sedsep.names import fault, normal
from tests.awkward import names

FORK = multiprocessing.get_context("fork")  # torch is imported once


def test_numbers_read_back_equal(tmp_path, extractor):
    model, rng = load(extractor()), np.random.default_rng(0)
    learnt = {
        name: Enrolled(name, "mean", ("a b.wav", "c.wav"), rng.standard_normal(8).astype(np.float32) * 10.0**power,
                       model.fingerprint, improvement)
        for name, power, improvement in (("bark", 0, 1.25), ("clock tick", -9, float("nan")))
    }  # fmt: skip
    path = registry.beside(model.path)
    assert path == tmp_path / "extractor.classes.tsv" and registry.read(path, model) == {}
    registry.write(path, learnt)
    found = registry.read(path, model)
    assert list(found) == ["bark", "clock tick"] and found["bark"].recordings == ("a b.wav", "c.wav")
    for name in learnt:
        np.testing.assert_array_equal(found[name].embedding, learnt[name].embedding)
        np.testing.assert_equal(found[name].improvement, learnt[name].improvement)
    assert path.read_text().splitlines()[1].startswith("bark\tmean\t1.25\ta b.wav | c.wav\t")


def test_a_table_of_an_earlier_version(extractor):
    model = load(extractor())
    path = registry.beside(model.path)
    path.write_text(f"name\thow\trecordings\tmodel\tembedding\nbark\tmean\ta.wav\t{model.fingerprint}\t{'1 ' * 8}\n")
    assert np.isnan(registry.read(path, model)["bark"].improvement)


def test_any_names_read_back(tmp_path, extractor):
    model = load(extractor())

    @settings(max_examples=30, deadline=None)
    @given(names.map(normal).filter(lambda name: not fault(name)), st.lists(names, min_size=1, max_size=3))
    def read_back(name, recordings):
        learnt = {name: Enrolled(name, "mean", tuple(recordings), np.ones(8, np.float32), model.fingerprint)}
        registry.write(tmp_path / "t.tsv", learnt)
        ((key, found),) = registry.read(tmp_path / "t.tsv", model).items()
        assert (key, found.name, found.recordings) == (name, name, tuple(recordings))

    read_back()


def test_a_list_of_recordings_that_is_none(tmp_path, extractor):
    model = load(extractor())
    registry.write(tmp_path / "t.tsv", {"a": Enrolled("a", "mean", ("[",), np.ones(8, np.float32), model.fingerprint)})
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
    registry.write(path, {"bark": Enrolled("bark", "mean", ("a.wav",), np.full(8, 0.5), model.fingerprint)})
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(UserError, match=message):
        registry.read(path, model)


def test_another_models_classes_are_said_and_left_out(extractor, capsys):
    model, other = load(extractor()), load(extractor("other", seed=1))
    wide = Enrolled("meow", "mean", ("b.wav",), np.zeros(3), "of a smaller model")
    entries = [Enrolled("bark", "mean", ("a.wav",), np.zeros(8), model.fingerprint), wide,
               Enrolled("moo", "mean", ("c.wav",), np.ones(8), other.fingerprint)]  # fmt: skip
    path = registry.beside(other.path)
    registry.write(path, {entry.name: entry for entry in entries})
    assert list(registry.read(path, other)) == ["moo"]
    said = capsys.readouterr().err
    assert "left out, enrolled with another model" in said and "bark, meow; enroll them again" in said
    assert list(other.clues(["Low", "moo"])) == ["Low", "moo"]
    assert [name for name, what in registry.listing(path, other) if "another model" in what] == ["bark", "meow"]
    registry.remove(path, ["bark"])
    assert list(registry.read_all(path)) == ["meow", "moo"]
    with pytest.raises(UserError, match="no enrolled class 'mow' .did you mean 'meow'..; there are: meow, moo"):
        registry.remove(path, ["mow"])


def test_trained_and_learnt_classes(extractor):
    system = load(extractor()).system
    learnt = {"bark": Enrolled("bark", "mean", ("a.wav",), np.arange(8.0), "")}
    np.testing.assert_array_equal(registry.embedding_of(system, learnt, "bark"), np.arange(8.0))
    np.testing.assert_array_equal(registry.embedding_of(system, learnt, "Low"), system.table.weight[1].detach())
    with pytest.raises(UserError, match="no class 'bork' .did you mean 'bark'.*High, Low, bark"):
        registry.embedding_of(system, learnt, "bork")
    with pytest.raises(UserError, match="it knows: none; enroll one"):
        registry.embedding_of(load(extractor("enrl", clue="enrolment")).system, {}, "High")


def test_two_that_write_at_once_lose_nothing(tmp_path, extractor):
    """Each has read the table before the other writes, unless it waits."""
    model, path = load(extractor()), tmp_path / "t.tsv"

    def learn(number):
        for step in range(5):
            name = f"{number}.{step}"
            with registry.changing(path) as known:
                time.sleep(0.01)
                known[name] = Enrolled(name, "mean", ("a.wav",), np.ones(8, np.float32), model.fingerprint)

    children = [FORK.Process(target=learn, args=(number,)) for number in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert sorted(registry.read(path, model)) == sorted(f"{n}.{s}" for n in range(3) for s in range(5))
    assert [file.name for file in tmp_path.glob("*t.tsv*")] == ["t.tsv"]  # no lock is left


def test_who_does_not_let_go_is_named(tmp_path, extractor, monkeypatch):
    monkeypatch.setattr(registry, "PATIENCE", 0.1)
    with registry.changing(tmp_path / "t.tsv"), pytest.raises(UserError, match=f"in use by process {os.getpid()} on"):
        registry.remove(tmp_path / "t.tsv", ["bark"])


def test_a_class_that_another_command_has_enrolled_meanwhile_is_kept(tmp_path, extractor, tone):
    model, path = load(extractor()), tmp_path / "t.tsv"
    shots = enrol.shots_of("bark", [tone("a.wav")], model)
    enrol.register(path, model, shots, {"bark": np.ones(8)}, "mean", {}, replacing=False)
    with pytest.raises(UserError, match="'bark' is enrolled already"):
        enrol.register(path, model, shots, {"bark": np.zeros(8)}, "mean", {}, replacing=False)
    np.testing.assert_array_equal(registry.read(path, model)["bark"].embedding, np.ones(8))
