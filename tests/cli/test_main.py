"""The command line as a user meets it: one clear line for a mistake, an exit code, nothing half-written."""

import sys

import numpy as np
import pytest
import soundfile
import yaml

from sedsep import cli

CONF = {
    "data": {"seconds": 1.0, "strong": 2, "weak": 0, "unlabelled": 0},
    "system": {
        "frontend": {"sample_rate": 8000, "n_fft": 256, "hop": 128, "n_mels": 8, "f_max": 4000.0},
        "detector": {"channels": [4, 4, 4], "pools": [[2, 2], [2, 2], [1, 2]], "hidden": 4, "n_layers": 1},
    },
    "schedule": {"epochs": 1},
}


@pytest.fixture
def run(monkeypatch, capfd):
    """``run("decode", ...)`` -> exit code, what was printed."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["sedsep", *map(str, arguments)])
        code = 0
        try:
            cli.main()
        except SystemExit as stop:
            code = stop.code or 0
        return code, "".join(capfd.readouterr())

    return call


@pytest.fixture
def conf(tmp_path):
    path = tmp_path / "sed.yaml"
    path.write_text(yaml.safe_dump(CONF))
    return path


def refused(answer, *parts):
    code, printed = answer
    lines = [line for line in printed.splitlines() if "sedsep: error:" in line]
    assert code != 0 and len(lines) == 1 and "Traceback" not in printed, printed
    for part in parts:
        assert part in lines[0], lines[0]


def test_every_command_explains_itself(run):
    code, printed = run("--help")
    assert code == 0
    for name in cli.sedsep.commands:
        assert name in printed
        code, text = run(name, "--help")
        assert code == 0 and "Usage" in text


def test_train_decode_smooth_score(run, conf, make_set, tmp_path):
    data = make_set("a", 4)
    options = ("--strong", data, "--valid-strong", data, "--valid-weak", data)
    code, printed = run("train-sed", "--conf", conf, "--exp", tmp_path / "e", *options, "--set", "schedule.epochs=2")
    assert code == 0 and "best_teacher.pt  epoch" in printed and "epoch 2:" in printed
    code, printed = run("train-sed", "--conf", conf, "--exp", tmp_path / "e", *options, "--set", "schedule.epochs=2")
    assert code == 0 and "goes on after epoch 2" in printed
    model = tmp_path / "e" / "best_student.pt"
    assert run("decode", tmp_path / "scores", "--model", model, "--data", data)[0] == 0
    assert run("smooth", tmp_path / "scores", tmp_path / "smoothed")[0] == 0
    code, printed = run("score", tmp_path / "smoothed", "--data", data, "--metric", "psds", "--metric", "event-f1",
                        "--out", tmp_path / "score.json")  # fmt: skip
    assert code == 0 and "psds1" in printed and (tmp_path / "score.json").exists()


@pytest.mark.parametrize(
    "setting, words",
    [
        ("optimisation.learning_rte=1", ("learning_rte", "did you mean 'learning_rate'")),
        ("shedule.epochs=1", ("shedule", "did you mean 'schedule'")),
        ("schedule.epochs=many", ("schedule.epochs must be int",)),
        ("system.detector.hidden=[", ("not valid YAML",)),
    ],
)
def test_mistyped_configuration(run, conf, make_set, tmp_path, setting, words):
    data = make_set("a", 4)
    answer = run("train-sed", "--conf", conf, "--exp", tmp_path / "e", "--strong", data, "--valid-strong", data,
                 "--set", setting)  # fmt: skip
    refused(answer, *words)
    assert not (tmp_path / "e").exists()


def test_a_checkpoint_cut_in_half(run, conf, make_set, tmp_path):
    data = make_set("a", 4)
    run("train-sed", "--conf", conf, "--exp", tmp_path / "e", "--strong", data, "--valid-strong", data)
    for name in ("best_student.pt", "last.pt"):
        path = tmp_path / "e" / name
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    answer = run("decode", tmp_path / "out", "--model", tmp_path / "e" / "best_student.pt", "--data", data)
    refused(answer, "best_student.pt", "cut off")
    assert not (tmp_path / "out").exists()
    answer = run("train-sed", "--conf", conf, "--exp", tmp_path / "e", "--strong", data, "--valid-strong", data,
                 "--set", "schedule.epochs=2")  # fmt: skip
    refused(answer, "last.pt", "cut off")


@pytest.mark.parametrize("broken", ["empty", "truncated", "nan", "stereo 8-bit 44.1 kHz", "short", "missing"])
def test_bad_audio_in_training(run, conf, make_set, tmp_path, broken):
    data = make_set("a", 4)
    path = data / "audio" / "a_1.wav"
    tone = 0.1 * np.sin(np.arange(8000) / 5)
    if broken == "empty":
        path.write_bytes(b"")
    elif broken == "truncated":
        path.write_bytes(path.read_bytes()[:30])
    elif broken == "nan":
        tone[100] = np.nan
        soundfile.write(path, tone, 8000, subtype="FLOAT")
    elif broken == "short":
        soundfile.write(path, tone[:100], 8000)
    elif broken == "missing":
        path.unlink()
    else:
        soundfile.write(path, np.stack([tone, tone], 1), 44100, subtype="PCM_U8")
    answer = run("train-sed", "--conf", conf, "--exp", tmp_path / "e", "--strong", data, "--valid-strong", data)
    refused(answer, "a_1.wav")
    assert not list((tmp_path / "e").glob("*.pt"))


@pytest.mark.parametrize(
    "line, words", [("a_1.wav\t0.1\t0.5\tHihg", ("Hihg", "'High'")), ("a_1.wav\t0.5\t0.1\tHigh", ("strong.tsv:6",))]
)
def test_bad_labels_in_training(run, conf, make_set, tmp_path, line, words):
    data = make_set("a", 4)
    with open(data / "strong.tsv", "a", encoding="utf-8") as file:
        file.write(line + "\n")
    answer = run("train-sed", "--conf", conf, "--exp", tmp_path / "e", "--strong", data, "--valid-strong", data)
    refused(answer, "strong.tsv:6", *words)


def test_an_output_that_cannot_be_written(run, conf, make_set, tmp_path):
    data = make_set("a", 4)
    (tmp_path / "file").write_text("")
    answer = run("train-sed", "--conf", conf, "--exp", tmp_path / "file" / "e", "--strong", data, "--valid-strong",
                 data)  # fmt: skip
    refused(answer, "Not a directory")


def test_unknown_commands_and_missing_options(run):
    code, printed = run("trian-sed")
    assert code == 2 and "No such command" in printed
    code, printed = run("train-sed")
    assert code == 2 and "--conf" in printed
