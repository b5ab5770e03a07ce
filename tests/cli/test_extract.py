"""The commands of target sound extraction, through the entry point."""

import numpy as np
import pytest
import soundfile


def test_extract_by_class_and_by_example(sedsep, extractor, tone, tmp_path):
    model, mixture = extractor(), tone("mixture.wav", rate=44100)
    code, said, _ = sedsep("extract", mixture, "--model", model, "--class", "Low", "--like", tone("bark.wav"))
    out = tmp_path / "mixture_extracted"
    assert code == 0 and said.split() == [str(out / name) for name in ("Low.wav", "bark.wav", "rest.wav")]
    parts = [soundfile.read(path, dtype="float32") for path in said.split()]
    np.testing.assert_allclose(sum(p for p, _ in parts), soundfile.read(mixture, dtype="float32")[0], atol=1e-6)
    assert {rate for _, rate in parts} == {44100}


def test_enroll_then_extract(sedsep, extractor, tone, tmp_path):
    model = extractor()
    code, said, _ = sedsep("enroll", "bark", tone("a.wav"), tone("b.wav", 700), "--model", model)
    assert code == 0 and "extractor.classes.tsv: bark (mean); 1 classes in all" in said
    code, said, _ = sedsep("extract", tone("m.wav"), "--model", model, "--class", "bark", "--out", tmp_path / "o")
    assert code == 0 and sorted(p.name for p in (tmp_path / "o").glob("*.wav")) == ["bark.wav", "rest.wav"]


def test_classes_are_listed_removed_and_replaced(sedsep, extractor, tone):
    model = extractor()
    for name in ("bark", "meow"):
        assert sedsep("enroll", name, tone(f"{name}.wav"), "--model", model)[0] == 0
    code, _, errors = sedsep("enroll", "bark", tone("c.wav"), "--model", model)
    assert code == 1 and len(errors) == 1 and "'bark' is enrolled already" in errors[0] and "--replace" in errors[0]
    assert sedsep("enroll", "bark", tone("c.wav"), "--model", model, "--replace")[0] == 0
    code, said, _ = sedsep("classes", model)
    assert code == 0 and [line.split("\t")[0] for line in said.splitlines()] == ["High", "Low", "bark", "meow"]
    assert "Low\ttrained" in said and "c.wav" in said and "bark.wav" not in said
    code, said, _ = sedsep("classes", model, "--remove", "bark")
    assert code == 0 and "bark" not in said and "meow" in said
    code, _, errors = sedsep("classes", model, "--remove", "Low")
    assert code == 1 and "no enrolled class 'Low'" in errors[-1] and "there are: meow" in errors[-1]


def test_a_model_that_changed_still_extracts_and_learns(sedsep, extractor, tone, tmp_path):
    assert sedsep("enroll", "bark", tone("a.wav"), "--model", extractor())[0] == 0
    model, mixture = extractor(seed=1), tone("m.wav")
    assert sedsep("extract", mixture, "--model", model, "--class", "Low")[0] == 0
    assert "bark\tenrolled with another model; enroll it again" in sedsep("classes", model)[1]
    code, _, errors = sedsep("extract", mixture, "--model", model, "--class", "bark")
    assert code == 1 and len(errors) == 1 and "no class 'bark'" in errors[0]
    assert sedsep("enroll", "bark", tone("a.wav"), "--model", model)[0] == 0
    assert sedsep("extract", mixture, "--model", model, "--class", "bark")[0] == 0


def test_a_class_and_an_example_of_one_name(sedsep, extractor, tone, tmp_path):
    model = extractor()
    out = sedsep("extract", tone("m.wav"), "--model", model, "--class", "Low", "--like", tone("Low.wav"))[1].split()
    assert [line.rpartition("/")[2] for line in out] == ["Low.wav", "Low_example.wav", "rest.wav"]


@pytest.mark.parametrize(
    "options, message",
    [
        ((), "nothing to extract: give --class NAME, or --like FILE"),
        (("--class", "low"), "the model knows no class 'low' (did you mean 'Low'?); it knows: High, Low"),
        (("--like", "none.wav"), "none.wav: no such audio file"),
    ],
)
def test_mistakes_are_one_line(sedsep, extractor, tone, options, message):
    code, _, errors = sedsep("extract", tone("m.wav"), "--model", extractor(), *options)
    assert code == 1 and len(errors) == 1 and message in errors[0]


def test_a_model_that_does_not_extract(sedsep, make_set, tone, tmp_path):
    code, _, errors = sedsep("extract", tone("m.wav"), "--model", tone("x.pt"), "--class", "Low")
    assert code == 1 and "not a whole checkpoint" in errors[0]
