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
