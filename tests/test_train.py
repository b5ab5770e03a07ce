"""The composition root, on one-second clips: each training command, resuming, starting from models, clear refusals."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from sedsep.data import audio
from sedsep.data.corpora.collections import read_collection
from sedsep.data.soundbank import build
from sedsep.engine import checkpoint
from sedsep.errors import UserError
from sedsep.train import train

SEPARATION = {
    "data": {"seconds": 0.5, "batch": 4},
    "system": {
        "sample_rate": 8000,
        "separator": {"n_sources": 3, "n_filters": 8, "bottleneck": 4, "hidden": 8, "skip": 4, "n_blocks": 2},
    },
    "schedule": {"epochs": 1},
}
DETECTION = {
    "data": {"seconds": 1.0, "strong": 2, "weak": 2, "unlabelled": 2, "validation": 4},
    "system": {
        "frontend": {"spectrum": {"sample_rate": 8000, "n_fft": 256, "hop": 128, "n_mels": 8, "f_max": 4000.0}},
        "detector": {"channels": [4, 4, 4], "pools": [[2, 2], [2, 2], [1, 2]], "hidden": 4, "n_layers": 1},
    },
    "optimisation": {"warmup_epochs": 1},
    "schedule": {"epochs": 2},
}


def merged(base, **sections):
    return {**base, **{name: {**base.get(name, {}), **values} for name, values in sections.items()}}


@pytest.fixture
def sets(make_set):
    strong, weak = make_set("strong"), make_set("weak", strong=False)
    bare, stems = make_set("bare", strong=False, weak=False), make_set("stems", stems=True)
    return {
        "detection": (
            {"strong": [strong], "weak": [weak], "unlabelled": [bare]},
            {"strong": [make_set("valid", 4)], "weak": [make_set("weakvalid", 4, strong=False)]},
        ),
        "mixtures": ({"mixtures": [bare]}, {"mixtures": [weak]}),
        "stems": ({"mixtures": [stems]}, {"mixtures": [stems]}),
    }


def weights(path):
    return checkpoint.load(path)["weights"]


def same(one, other):
    return all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.mark.parametrize("loss, which", [("mixit", "mixtures"), ("pit", "stems")])
def test_separators(tmp_path, sets, loss, which):
    exp = tmp_path / "sep"
    best = train("train-sep", merged(SEPARATION, system={**SEPARATION["system"], "loss": loss}), exp, *sets[which])
    assert best["separator"]["epoch"] == 1
    assert sorted(p.name for p in exp.iterdir()) == [
        "best_separator.pt", "config.yaml", "environment.json", "last.pt", "log.jsonl",
    ]  # fmt: skip
    assert set(json.loads((exp / "log.jsonl").read_text())["loss"]) == {loss}


def test_pit_without_stems_says_so(tmp_path, sets):
    with pytest.raises(UserError, match="no stems.*mixit"):
        train("train-sep", merged(SEPARATION, system={**SEPARATION["system"], "loss": "pit"}), tmp_path / "e",
              *sets["mixtures"])  # fmt: skip


def test_resumed_detector_equals_straight(tmp_path, sets):
    train("train-sed", DETECTION, tmp_path / "straight", *sets["detection"])
    for epochs in (1, 2):
        train("train-sed", merged(DETECTION, schedule={"epochs": epochs}), tmp_path / "stopped", *sets["detection"])
    assert same(weights(tmp_path / "straight/last.pt"), weights(tmp_path / "stopped/last.pt"))


def test_workers_do_not_change_the_result(tmp_path, sets):
    train("train-sed", DETECTION, tmp_path / "alone", *sets["detection"])
    train("train-sed", merged(DETECTION, data={"workers": 2}), tmp_path / "helped", *sets["detection"])
    assert same(weights(tmp_path / "alone/last.pt"), weights(tmp_path / "helped/last.pt"))


def test_seed_changes_the_result(tmp_path, sets):
    for seed in (1, 2):
        train("train-sed", {**DETECTION, "seed": seed}, tmp_path / f"s{seed}", *sets["detection"])
    assert not same(weights(tmp_path / "s1/last.pt"), weights(tmp_path / "s2/last.pt"))


def test_the_stages_of_joint_training(tmp_path, sets):
    train("train-sep", SEPARATION, tmp_path / "sep", *sets["mixtures"])
    train("train-sed", DETECTION, tmp_path / "sed", *sets["detection"])
    initial = {"separator": tmp_path / "sep/best_separator.pt", "detector": tmp_path / "sed/best_teacher.pt"}
    joint = {key: value for key, value in DETECTION.items() if key != "system"}

    def run(mode, initial):
        train("train-joint", {**joint, "system": {"mode": mode}}, tmp_path / mode, *sets["detection"], initial=initial)
        return weights(tmp_path / mode / "best_teacher.pt")

    s1 = run("stage1", initial)
    s2 = run("stage2", {"model": tmp_path / "stage1/best_teacher.pt"})
    jt = run("joint", initial)
    separator = weights(initial["separator"])
    for network in ("student", "teacher"):
        part = {n.removeprefix(f"{network}."): v for n, v in s1.items() if n.startswith(f"{network}.separator")}
        assert same(part, separator)
        detector = {n: v for n, v in s2.items() if n.startswith(f"{network}.detector")}
        assert same({n: s1[n.replace("student.", "teacher.")] for n in detector}, detector)
    assert not same({n: v for n, v in jt.items() if "separator" in n and "student" in n},
                    {f"student.{n}": v for n, v in separator.items()})  # fmt: skip
    system, description = checkpoint.assemble(initial["separator"], initial["detector"])
    assert description["selected"] == "teacher" and description["classes"] == ["High", "Low"]
    assert same({n.removeprefix("teacher."): v for n, v in system.state_dict().items()
                 if n.startswith("teacher.separator")}, separator)  # fmt: skip


def test_the_ensemble_starts_from_separator_and_detector(tmp_path, sets):
    train("train-sep", SEPARATION, tmp_path / "sep", *sets["mixtures"])
    train("train-sed", DETECTION, tmp_path / "sed", *sets["detection"])
    initial = {"separator": tmp_path / "sep/best_separator.pt", "detector": tmp_path / "sed/best_teacher.pt"}
    ensemble = {key: value for key, value in DETECTION.items() if key != "system"} | {"system": {"kind": "ssep_sed"}}
    ensemble = merged(ensemble, data={"strong": 1}, optimisation={"accumulate": 2, "clip_norm": 5.0})
    best = train("train-joint", ensemble, tmp_path / "e", *sets["detection"], initial=initial)
    assert set(best) == {"student", "teacher"}
    found = weights(tmp_path / "e/best_teacher.pt")
    separator = {n.removeprefix("separator."): v for n, v in found.items() if n.startswith("separator.")}
    assert same(weights(initial["separator"]), {f"separator.{n}": v for n, v in separator.items()})
    mixture = {n.replace("teacher.mixture", "teacher"): v for n, v in found.items() if "teacher.mixture" in n}
    assert same(mixture, weights(initial["detector"]))
    log = [json.loads(line) for line in (tmp_path / "e/log.jsonl").read_text().splitlines()]
    assert [record["step"] for record in log] == [2, 4], "three batches make two steps"


def test_another_configuration_in_the_same_directory_is_refused(tmp_path, sets):
    train("train-sed", DETECTION, tmp_path / "e", *sets["detection"])
    with pytest.raises(UserError, match="another configuration.*optimisation.learning_rate: 0.001 -> 0.1"):
        train("train-sed", merged(DETECTION, optimisation={"learning_rate": 0.1, "warmup_epochs": 1}), tmp_path / "e",
              *sets["detection"])  # fmt: skip


def test_other_data_in_the_same_directory_are_refused(tmp_path, sets, make_set):
    train("train-sed", DETECTION, tmp_path / "e", *sets["detection"])
    streams, validation = sets["detection"]
    with pytest.raises(UserError, match="given.train_strong"):
        train("train-sed", DETECTION, tmp_path / "e", {**streams, "strong": [make_set("other")]}, validation)


def test_the_resolved_configuration_is_kept(tmp_path, sets):
    train("train-sed", DETECTION, tmp_path / "e", *sets["detection"])
    kept = yaml.safe_load((tmp_path / "e/config.yaml").read_text())
    assert kept["seed"] == 42 and kept["system"]["detector"]["dropout"] == 0.5
    environment = json.loads((tmp_path / "e/environment.json").read_text())
    assert environment["packages"]["torch"] == torch.__version__.split("+")[0] or environment["packages"]["torch"]


@pytest.mark.parametrize(
    "change, message",
    [
        ({"optimisation": {"learning_rat": 1}}, "optimisation.learning_rat' .did you mean 'learning_rate'"),
        ({"system": {"detector": {"rnn_layers": 2}}}, "unknown key 'system.detector.rnn_layers'"),
        ({"data": {"strong": 50}}, "strong stream has 6 clips, fewer than its 50"),
        ({"data": {"strong": 0, "weak": 0, "unlabelled": 0}}, "no clip in a batch: set data.strong or data.weak or"),
    ],
)
def test_configuration_errors(tmp_path, sets, change, message):
    with pytest.raises(UserError, match=message):
        train("train-sed", merged(DETECTION, **change), tmp_path / "e", *sets["detection"])


def test_a_system_that_is_no_section(tmp_path, sets):
    with pytest.raises(UserError, match="system must be a section of keys, not 'joint'"):
        train("train-sed", {"system": "joint"}, tmp_path / "e", *sets["detection"])


def test_wrong_rate_and_different_classes(tmp_path, sets, make_set):
    streams, validation = sets["detection"]
    with pytest.raises(UserError, match="16000"):
        train("train-sed", DETECTION, tmp_path / "a", {**streams, "weak": [make_set("fast", rate=16000)]}, validation)
    other = make_set("renamed")
    (other / "classes.txt").write_text("Low\nHigh\n")
    with pytest.raises(UserError, match="same classes in the same order"):
        train("train-sed", DETECTION, tmp_path / "b", {**streams, "weak": [other]}, validation)


def test_half_a_model_and_a_training_state_are_refused(tmp_path, sets):
    train("train-sep", SEPARATION, tmp_path / "sep", *sets["mixtures"])
    model = tmp_path / "sep/best_separator.pt"
    half = tmp_path / "half.pt"
    half.write_bytes(model.read_bytes()[: model.stat().st_size // 2])
    joint = {key: value for key, value in DETECTION.items() if key != "system"}
    for path, message in ((half, "not a whole checkpoint"), (tmp_path / "sep/last.pt", "state of training")):
        with pytest.raises(UserError, match=message):
            train(
                "train-joint", joint, tmp_path / "j", *sets["detection"], initial={"separator": path, "detector": path}
            )


def test_soundscapes_mixed_in_every_epoch(tmp_path, sets):
    rng = np.random.default_rng(0)
    for label in ("High", "Low", "background"):
        for number in range(5):
            audio.write(tmp_path / "sounds" / label / f"{label}{number}.wav",
                        (0.1 * rng.standard_normal(8000)).astype(np.float32), 8000)  # fmt: skip
    build(tmp_path / "bank", read_collection(tmp_path / "sounds"))
    scene = tmp_path / "scene.yaml"
    scene.write_text("{sample_rate: 8000, seconds: 1.0, count: 6, n_events: [1, 2], event_seconds: [0.1, 0.5]}")
    streams, validation = sets["detection"]
    mixed = {**streams, "strong": [(tmp_path / "bank", scene)]}
    for name in ("a", "b"):
        train("train-sed", DETECTION, tmp_path / name, mixed, validation)
    assert same(weights(tmp_path / "a/last.pt"), weights(tmp_path / "b/last.pt"))
    for change, message in (("labels: weak", "scene.yaml: labels are weak; --strong needs strong"),
                            ("sample_rate: 16000", "mixed at 16000 Hz, but the model works at 8000 Hz")):  # fmt: skip
        key = change.split(":")[0]
        (tmp_path / "wrong").mkdir(exist_ok=True)
        other = tmp_path / "wrong/scene.yaml"
        other.write_text(yaml.safe_dump({**yaml.safe_load(scene.read_text()), **yaml.safe_load(change)}))
        with pytest.raises(UserError, match=message):
            train("train-sed", DETECTION, tmp_path / f"w{key}", {**streams, "strong": [(tmp_path / "bank", other)]},
                  validation)  # fmt: skip
    pit = merged(SEPARATION, system={**SEPARATION["system"], "loss": "pit"})
    best = train("train-sep", pit, tmp_path / "c", {"mixtures": [(tmp_path / "bank", scene)]}, sets["stems"][1])
    assert best["separator"]["epoch"] == 1


EXTRACTION = {
    "data": {"seconds": 1.0, "batch": 3, "enrolment_seconds": 0.4},
    "system": {
        "extractor": {"n_filters": 8, "kernel": 16, "stride": 8, "bottleneck": 4, "hidden": 8, "n_blocks": 2,
                      "n_repeats": 2},
    },
    "schedule": {"epochs": 1},
}  # fmt: skip


@pytest.mark.parametrize("clue", ["onehot", "enrolment", "mixed"])
def test_extractors(tmp_path, make_set, clue):
    stems = make_set("stems", 8, stems=True)
    section = {**EXTRACTION["system"], "clue": clue, "embedding_weight": 3.0}
    for name, workers in (("a", 0), ("b", 2)):
        train("train-tse", merged(EXTRACTION, system=section, data={**EXTRACTION["data"], "workers": workers}),
              tmp_path / name, {"mixtures": [stems]}, {"mixtures": [stems]})  # fmt: skip
    assert same(weights(tmp_path / "a/last.pt"), weights(tmp_path / "b/last.pt"))
    system, description = checkpoint.load_model(tmp_path / "a/best_extractor.pt")
    assert description["classes"] == ["High", "Low"] and (system.table is None) == (clue == "enrolment")
    losses = {"onehot": {"onehot"}, "enrolment": {"enrolment"}, "mixed": {"enrolment", "onehot", "embedding"}}[clue]
    assert set(json.loads((tmp_path / "a/log.jsonl").read_text())["loss"]) == losses


def test_a_validation_set_too_small_to_enrol_its_own_classes(tmp_path, make_set):
    """One clip of each class: alone it stops before training, with the bank of the mixtures it does not."""
    rng, small = np.random.default_rng(0), {"mixtures": [make_set("small", 2, stems=True)]}
    for label in ("High", "Low", "background"):
        for number in range(8):
            audio.write(tmp_path / "sounds" / label / f"{number}.wav", 0.1 * rng.standard_normal(8000), 8000)
    build(tmp_path / "bank", read_collection(tmp_path / "sounds"))
    scene = tmp_path / "scene.yaml"
    scene.write_text("{sample_rate: 8000, seconds: 1.0, count: 6, n_events: [1, 2], event_seconds: [0.1, 0.5]}")
    with pytest.raises(UserError, match="no second recording to enrol these classes with: High, Low"):
        train("train-tse", EXTRACTION, tmp_path / "a", {"mixtures": [make_set("stems", 8, stems=True)]}, small)
    assert not (tmp_path / "a/last.pt").exists()
    train("train-tse", EXTRACTION, tmp_path / "b", {"mixtures": [(tmp_path / "bank", scene)]}, small)
    assert checkpoint.load_model(tmp_path / "b/best_extractor.pt")[1]["enrolment_seconds"] == 0.4


def test_extractors_need_stems(tmp_path, make_set):
    with pytest.raises(UserError, match="no stems"):
        train("train-tse", EXTRACTION, tmp_path / "e", {"mixtures": [make_set("bare")]},
              {"mixtures": [make_set("stems", stems=True)]})  # fmt: skip


def test_streams_have_their_own_labels_and_no_others(tmp_path, sets, make_set):
    streams, valid = sets["detection"]
    both = make_set("both")  # strong and weak labels
    for stream, lacking in (("strong", "weak"), ("weak", "bare")):
        wrong = {**streams, stream: [tmp_path / lacking]}
        with pytest.raises(UserError, match=f"{lacking}: has no {stream} labels"):
            train("train-sed", DETECTION, tmp_path / "e", wrong, valid)
        with pytest.raises(UserError, match=f"{lacking}: has no {stream} labels"):
            train("train-sed", DETECTION, tmp_path / "e", streams, {**valid, stream: [tmp_path / lacking]})
    plain = Path(shutil.copytree(both, tmp_path / "plain"))
    for name in ("strong.tsv", "weak.tsv"):
        (plain / name).unlink()
    for directory in (both, plain):
        train("train-sed", DETECTION, tmp_path / "exp" / directory.name, {**streams, "unlabelled": [directory]}, valid)
    one, two = ((tmp_path / "exp" / name / "log.jsonl").read_text().splitlines()[0] for name in ("both", "plain"))
    assert json.loads(one)["loss"] == json.loads(two)["loss"]


def test_models_in_the_wrong_role_are_refused(tmp_path, sets):
    train("train-sed", merged(DETECTION, schedule={"epochs": 1}), tmp_path / "sed", *sets["detection"])
    sed = tmp_path / "sed/best_teacher.pt"
    for initial, needed in (({"model": sed}, "joint"), ({"separator": sed, "detector": sed}, "separation")):
        with pytest.raises(UserError, match=f"holds a detection model; a {needed} model is needed"):
            train("train-joint", {}, tmp_path / "e", *sets["detection"], initial)
    with pytest.raises(UserError, match="holds a detection model; a separation model is needed"):
        checkpoint.assemble(sed, sed)


def test_parts_that_do_not_fit_together_are_refused(tmp_path, sets, make_set):
    """Classes in another order or number, and another rate, are one clear line, never a silent permutation."""
    train("train-sep", SEPARATION, tmp_path / "sep", *sets["mixtures"])
    train("train-sed", merged(DETECTION, schedule={"epochs": 1}), tmp_path / "sed", *sets["detection"])
    initial = {"separator": tmp_path / "sep/best_separator.pt", "detector": tmp_path / "sed/best_teacher.pt"}
    streams, validation = sets["detection"]
    for names in ("Low\nHigh\n", "High\nLow\nMiddle\n"):
        for one in (*streams.values(), *validation.values()):
            (one[0] / "classes.txt").write_text(names)
        with pytest.raises(UserError, match=f"its classes are High, Low, not {', '.join(names.split())}"):
            train("train-joint", {}, tmp_path / "e", streams, validation, initial)
    fast = merged(SEPARATION, system={**SEPARATION["system"], "sample_rate": 16000})
    rapid = [make_set("rapid", rate=16000)]
    train("train-sep", fast, tmp_path / "fast", {"mixtures": rapid}, {"mixtures": rapid})
    initial["separator"] = tmp_path / "fast/best_separator.pt"
    with pytest.raises(UserError, match="fast/best_separator.pt: works at 16000 Hz, and .* at 8000 Hz"):
        checkpoint.assemble(**initial)


def test_classes_that_change_their_order_do_not_go_on(tmp_path, sets):
    streams, validation = sets["detection"]
    train("train-sed", merged(DETECTION, schedule={"epochs": 1}), tmp_path / "e", streams, validation)
    for one in (*streams.values(), *validation.values()):
        (one[0] / "classes.txt").write_text("Low\nHigh\n")
    with pytest.raises(UserError, match="given.classes: .'High', 'Low'. -> .'Low', 'High'."):
        train("train-sed", DETECTION, tmp_path / "e", streams, validation)


def test_ssep_sed_and_models_to_go_on_from_are_compared_too(tmp_path, sets, make_set):
    train("train-sep", SEPARATION, tmp_path / "sep", *sets["mixtures"])
    train("train-sed", merged(DETECTION, schedule={"epochs": 1}), tmp_path / "sed", *sets["detection"])
    initial = {"separator": tmp_path / "sep/best_separator.pt", "detector": tmp_path / "sed/best_teacher.pt"}
    both = {"system": {"kind": "ssep_sed"}, "data": DETECTION["data"], "schedule": {"epochs": 1}}
    train("train-joint", both, tmp_path / "both", *sets["detection"], initial)
    fast = merged(SEPARATION, system={**SEPARATION["system"], "sample_rate": 16000})
    rapid = [make_set("rapid", rate=16000)]
    train("train-sep", fast, tmp_path / "fast", {"mixtures": rapid}, {"mixtures": rapid})
    with pytest.raises(UserError, match="fast/best_separator.pt: works at 16000 Hz, and .* at 8000 Hz"):
        other = {**initial, "separator": tmp_path / "fast/best_separator.pt"}
        train("train-joint", both, tmp_path / "e", *sets["detection"], other)
    quick = make_set("quick", rate=16000)
    with pytest.raises(UserError, match="16000 Hz"):
        train("train-joint", both, tmp_path / "e", {"strong": [quick]}, {"strong": [quick]}, initial)
    streams, validation = sets["detection"]
    for one in (*streams.values(), *validation.values()):
        (one[0] / "classes.txt").write_text("Low\nHigh\n")
    for way in (initial, {"model": tmp_path / "both/best_student.pt"}):
        with pytest.raises(UserError, match="its classes are High, Low, not Low, High"):
            train("train-joint", both, tmp_path / "e", streams, validation, way)


def test_separators_need_no_common_classes(tmp_path, make_set):
    other = make_set("other")
    (other / "classes.txt").write_text("Low\nHigh\nMiddle\n")
    train("train-sep", SEPARATION, tmp_path / "e", {"mixtures": [make_set("bare"), other]}, {"mixtures": [other]})
    assert checkpoint.described(tmp_path / "e/best_separator.pt")["classes"] == ["High", "Low", "Middle"]


def test_clips_without_a_place_and_starts_that_do_not_go_together(tmp_path, sets):
    streams, validation = sets["detection"]
    with pytest.raises(UserError, match="a separation system has no strong clips; it has: mixtures"):
        train("train-sep", SEPARATION, tmp_path / "e", streams, {"mixtures": validation["strong"]})
    with pytest.raises(UserError, match="nothing given for --valid-strong"):
        train("train-sed", DETECTION, tmp_path / "e", streams, {"weak": validation["weak"]})
    with pytest.raises(UserError, match="a joint system starts from --separator and --detector; or --init"):
        train("train-joint", {}, tmp_path / "e", *sets["detection"])
    with pytest.raises(UserError, match="system.kind is 'jiont' .did you mean 'joint'"):
        train("train-joint", {"system": {"kind": "jiont"}}, tmp_path / "e", *sets["detection"])


def test_a_front_end_takes_its_statistics_once_from_the_training_set(tmp_path, sets):
    frontend = {**DETECTION["system"]["frontend"], "scaling": {"kind": "dataset"}}
    scaled = merged(DETECTION, system={**DETECTION["system"], "frontend": frontend})
    train("train-sed", scaled, tmp_path / "straight", *sets["detection"])
    for epochs in (1, 2):
        train("train-sed", merged(scaled, schedule={"epochs": epochs}), tmp_path / "stopped", *sets["detection"])
    one, two = weights(tmp_path / "straight/last.pt"), weights(tmp_path / "stopped/last.pt")
    assert same(one, two) and bool(one["student.frontend.scaling.fitted"])
    system, _ = checkpoint.load_model(tmp_path / "straight/best_teacher.pt")
    streams, spectra = sets["detection"][0], []
    for directory in (sets[0] for sets in streams.values()):
        clips = [audio.read(path, 8000) for path in sorted((directory / "audio").glob("*.wav"))]
        frontend = system.student.frontend
        spectra.append(frontend.compression(frontend.spectrum(torch.from_numpy(np.stack(clips)))).flatten(0, 1))
    torch.testing.assert_close(system.teacher.frontend.scaling.mean, torch.cat(spectra).mean(0), rtol=1e-4, atol=1e-3)
    joint = {key: value for key, value in DETECTION.items() if key != "system"}
    train("train-sep", SEPARATION, tmp_path / "sep", *sets["mixtures"])
    initial = {"separator": tmp_path / "sep/best_separator.pt", "detector": tmp_path / "straight/best_teacher.pt"}
    train("train-joint", joint, tmp_path / "joint", *sets["detection"], initial=initial)
    kept = weights(tmp_path / "joint/last.pt")["student.detector.frontend.scaling.mean"]
    assert torch.equal(kept, one["student.frontend.scaling.mean"]), "a model that training starts from has its own"


def test_effects_and_a_second_view_while_training(tmp_path, sets):
    effects = [{"kind": "shift"}, {"kind": "gain"}]
    plain = merged(DETECTION, schedule={"epochs": 1})
    changed = merged(plain, data={"effects": effects}, system={**DETECTION["system"], "teaching": {"view": "other"}})
    train("train-sed", plain, tmp_path / "plain", *sets["detection"])
    for name, workers in (("a", 0), ("b", 2)):
        train("train-sed", merged(changed, data={**changed["data"], "workers": workers}), tmp_path / name,
              *sets["detection"])  # fmt: skip
    assert same(weights(tmp_path / "a/last.pt"), weights(tmp_path / "b/last.pt"))
    assert not same(weights(tmp_path / "a/last.pt"), weights(tmp_path / "plain/last.pt"))
    with pytest.raises(UserError, match="data.effects.0..kind is 'gian' .did you mean 'gain'"):
        train("train-sed", merged(plain, data={"effects": [{"kind": "gian"}]}), tmp_path / "e", *sets["detection"])
