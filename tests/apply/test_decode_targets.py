"""From a set and its pairs to extracted sounds and their numbers, for every clue."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from sedsep.adapt import enroll
from sedsep.apply.decode_targets import decode
from sedsep.apply.enrol import shots_of
from sedsep.apply.model import load
from sedsep.data import audio
from sedsep.data.enrolment import PAIRS, read_enrolment
from sedsep.data.manifest import ClipSet
from sedsep.errors import UserError
from sedsep.evaluate.score import output, score
from sedsep.files import clip_id, write_table
from sedsep.metrics.separation import leakage, pairwise_sdr, pairwise_si_sdr


@pytest.fixture
def data(make_set, tone):
    """Four clips with stems; of each, its own class and the other, absent, one are asked for."""
    directory = make_set("test", 4, stems=True)
    examples = {"High": tone("high.wav", 2000), "Low": tone("low.wav", 300)}
    rows = [(clip.filename, label, examples[label], 0.1, 0.5) for clip in ClipSet.read(directory) for label in examples]
    write_table(directory / PAIRS, pd.DataFrame(rows, columns=["filename", "event_label", "path", "onset", "offset"]))
    return directory


def numbers(out, data):
    truth = score.read_truth(data)
    found, truth = output.read(truth, out)
    return {number.name: number for number in score.score(truth, found, ["extraction"])}


def test_every_clue_extracts_its_classes(tmp_path, data, extractor, tone):
    model = load(extractor())
    assert decode(model, data, tmp_path / "out", ["onehot", "enrolment"]) == 16
    files = sorted(p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.wav"))
    assert files[:2] == ["extracted/enrolment/test_0/High.wav", "extracted/enrolment/test_0/Low.wav"]
    mixture = torch.from_numpy(audio.read(data / "audio/test_1.wav", 8000))
    (example,) = read_enrolment(tmp_path / "low.wav", 8000, 30.0, 0.1, 0.5)
    for clue, embedding in (
        ("onehot", model.system.embed_class("Low").detach()),
        ("enrolment", torch.from_numpy(model.embedding([example]))),
    ):
        with torch.no_grad():
            expected = model.system.extractor(mixture[None], embedding.view(1, 1, -1))[0, 0].numpy()
        found = audio.read(tmp_path / f"out/extracted/{clue}/test_1/Low.wav", 8000)
        np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_numbers_are_those_of_the_metrics(tmp_path, data, extractor):
    decode(load(extractor()), data, tmp_path / "out", ["onehot"])
    found, sdr, si_sdr, leaks = numbers(tmp_path / "out", data), [], [], []
    for clip in ClipSet.read(data):
        mixture, (stem,) = audio.read(clip.path, 8000), [s for s in clip.stems if s.label]
        for label in ("High", "Low"):
            sound = audio.read(tmp_path / f"out/extracted/onehot/{clip_id(clip.filename)}/{label}.wav", 8000)
            if label == stem.label:
                target, both = audio.read(stem.path, 8000)[None], np.stack([sound, mixture])
                sdr.append(pairwise_sdr(both, target)[:, 0])
                si_sdr.append(pairwise_si_sdr(both, target)[:, 0])
            else:
                leaks.append(leakage(sound[None], mixture))
    for name, values in (("sdr", sdr), ("si-sdr", si_sdr)):
        mine, before = np.mean(values, 0)
        assert found[f"onehot.{name}"].value == pytest.approx(mine)
        assert found[f"onehot.{name}-improvement"].value == pytest.approx(mine - before)
    assert found["onehot.leakage"].value == pytest.approx(np.mean(leaks))
    assert set(found) == {"onehot.sdr", "onehot.sdr-improvement", "onehot.si-sdr", "onehot.si-sdr-improvement",
                          "onehot.leakage"}  # fmt: skip
    assert found["onehot.sdr"].per_class[0] == pytest.approx(np.mean([value for value, _ in sdr[::2]]))


def test_the_target_itself_is_perfect_and_silence_leaks_nothing(tmp_path, data):
    for clip in ClipSet.read(data):
        (stem,) = [s for s in clip.stems if s.label]
        for label in ("High", "Low"):
            sound = audio.read(stem.path, 8000) if label == stem.label else np.zeros(8000, np.float32)
            audio.write(tmp_path / f"out/extracted/oracle/{clip_id(clip.filename)}/{label}.wav", sound, 8000)
    found = numbers(tmp_path / "out", data)
    assert found["oracle.sdr"].value > 60 and found["oracle.si-sdr"].value > 60
    assert found["oracle.leakage"].value == -120


def test_a_registry_extracts_its_own_classes_alone(tmp_path, data, extractor, tone):
    model, table = load(extractor(classes=("High",))), tmp_path / "mean1.tsv"
    enroll(model, shots_of("Low", [tone("low.wav", 300)], model), table)
    assert decode(model, data, tmp_path / "out", ["onehot", table]) == 8
    found = numbers(tmp_path / "out", data)
    assert {"onehot.sdr", "onehot.leakage", "mean1.sdr", "mean1.leakage"} <= set(found)
    assert np.isnan(found["mean1.sdr"].per_class[0]) and np.isfinite(found["mean1.sdr"].per_class[1])


def test_mistakes(tmp_path, data, extractor):
    model = load(extractor())
    for clue, message in (("onhot", "did you mean 'onehot'"), (tmp_path / "none.tsv", "no registry with classes")):
        with pytest.raises(UserError, match=message):
            decode(model, data, tmp_path / "out", [clue])
    with pytest.raises(UserError, match="trained with --clue enrolment"):
        decode(load(extractor("enrl", clue="enrolment")), data, tmp_path / "out", ["onehot"])
    assert not (tmp_path / "out").exists()
    with pytest.raises(UserError, match="extraction needs extracted sounds"):
        truth = score.read_truth(data)
        score.score(truth, output.Output({}), ["extraction"])


def test_the_file_of_results(tmp_path, data, extractor):
    decode(load(extractor()), data, tmp_path / "out", ["onehot"])
    truth = score.read_truth(data)
    found, truth = output.read(truth, tmp_path / "out")
    made = score.score(truth, found, ["extraction"], bootstrap=20)
    score.write(tmp_path / "r.json", score.results(truth, found, made, 20), made, with_clips=True)
    entry = json.loads((tmp_path / "r.json").read_text())["metrics"]["onehot.sdr-improvement"]
    assert entry["id"].startswith("sdr-improvement[bsseval") and entry["sounds"] == 4 and entry["interval_95"]


def test_another_clue_joins_and_another_model_needs_to_overwrite(tmp_path, data, extractor):
    model, out = load(extractor()), tmp_path / "out"
    decode(model, data, out, ["onehot"])
    decode(model, data, out, ["enrolment"])
    assert len(list(out.glob("extracted/*/test_0/*.wav"))) == 4
    assert json.loads((out / "extracted.json").read_text())["clues"] == ["onehot", "enrolment"]
    other = load(extractor("other", seed=1))
    with pytest.raises(UserError, match="another model.*--overwrite"):
        decode(other, data, out, ["onehot"])
    decode(other, data, out, ["onehot"], overwrite=True)
    assert [path.name for path in (out / "extracted").iterdir()] == ["onehot"]
