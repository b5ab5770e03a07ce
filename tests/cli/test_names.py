"""Names and tables as people have them, from one command to the next."""

import os

import numpy as np
import pytest

from sedsep.data import audio

RATE = 8000
SCENE = """
sample_rate: 8000
seconds: 2.0
count: 3
n_events: [2, 2]
event_seconds: [0.1, 1.0]
background_probability: 0.0
event_classes: [["Caf\u00e9, noisy"], [Dog]]
labels: weak
"""


@pytest.fixture
def sounds(tmp_path):
    """Two classes of four recordings: one has a comma and an accent of its own, the other's files quotes and tabs."""
    rng, root = np.random.default_rng(0), tmp_path / "sounds"
    for folder, names in (("Cafe\u0301, noisy", "1234"), ("Dog", ('take "1"', '"2"', "3\t", "4\n"))):
        for name in names:
            audio.write(root / folder / f"{name}.wav", 0.2 * rng.standard_normal(RATE // 2), RATE)
    return root


@pytest.mark.parametrize("classes", [None, "Caf\u00e9, noisy,Dog", '"Cafe\u0301, noisy",Dog'])
def test_from_hard_names_to_a_valid_set(sounds, sedsep, tmp_path, classes):
    (tmp_path / "scene.yaml").write_bytes(SCENE.encode("utf-8-sig"))
    options = ("--classes", classes) if classes else ()
    code, said, _ = sedsep("soundbank", tmp_path / "bank", "--root", sounds, *options)
    assert code == 0 and "8 sounds of 2 classes, 0 skipped" in said and "not used" not in said
    assert sedsep("simulate", tmp_path / "bank", tmp_path / "set", "--conf", tmp_path / "scene.yaml")[0] == 0
    code, said, _ = sedsep("validate", tmp_path / "set", tmp_path / "set")
    assert code == 0 and "3 clips, 6 s at 8000 Hz, 2 classes; known: weak, stems" in said


def test_gather_finds_names_in_any_form_and_says_how_to_name_a_comma(sounds, sedsep, tmp_path):
    rows = "filename,onset,offset,event_label,\r\n\r\n" + '"take ""1"".flac",0.1,0.4,"Cafe\u0301, noisy",\r\n'
    (tmp_path / "list.csv").write_bytes(rows.encode("utf-16"))
    gather = ("gather", tmp_path / "set", "--list", "strong", tmp_path / "list.csv", "--audio", sounds / "Dog",
              "--sample-rate", RATE, "--classes")  # fmt: skip
    code, _, (error,) = sedsep(*gather, "Caf\u00e9, noisy,Dog")
    assert code == 1 and "--classes takes names with commas in quotes: '\"Caf\u00e9, noisy\",...'" in error
    assert sedsep(*gather, '"Caf\u00e9, noisy",Dog')[0] == 0
    assert sedsep("validate", tmp_path / "set")[0] == 0


def test_what_a_bank_does_not_take_is_said(sounds, sedsep, tmp_path):
    (sounds / "Dog" / "5.m4a").touch()
    (sounds / "loose.wav").touch()
    code, said, _ = sedsep("soundbank", tmp_path / "bank", "--root", sounds)
    assert code == 0 and f"{sounds}: 1 audio files are not used\n{sounds}: 1 files are not read: 1 .m4a; " in said


def test_loose_truth_and_the_class_that_has_no_references(sedsep, tmp_path):
    truth = "filename;start;end;label;\na.wav;0.5;2;Dog;\n\nb.wav;1;6;Dog;\n"
    (tmp_path / "truth.csv").write_text(truth, encoding="utf-8-sig")
    (tmp_path / "durations.tsv").write_text("filename\tduration\na.wav\t10\nb.wav\t10\n")
    (tmp_path / "system.tsv").write_text("filename\tonset\toffset\tevent_label\na.wav\t0.5\t2\tdog\n")
    score = ("score", "--metric", "event-f1", "--ground-truth", tmp_path / "truth.csv", "--durations",
             tmp_path / "durations.tsv", "--events", tmp_path / "system.tsv")  # fmt: skip
    code, _, (error,) = sedsep(*score)
    assert code == 1 and "system.tsv: events of unknown class 'dog' (did you mean 'Dog'?)" in error
    assert sedsep(*score, "--classes", "Dog,dog")[0] == 0
    code, _, (error,) = sedsep("score", "--metric", "event-f1", "--data", tmp_path, "--classes", "Dog")
    assert code == 1 and "--classes goes with --ground-truth" in error


def test_a_fault_is_named_with_its_line(sedsep, make_set):
    directory = make_set("set", 1)
    text = (directory / "strong.tsv").read_text().replace("\n", "\r\n\r\n").replace("High", "high")
    (directory / "strong.tsv").write_bytes(text.encode("utf-8-sig"))
    code, said, _ = sedsep("validate", directory)
    assert code == 1 and "strong.tsv:3: unknown label 'high'; use a class of classes.txt (did you mean 'High'?)" in said


def test_a_file_whose_name_is_not_utf_8(sounds, sedsep, tmp_path):
    os.rename(sounds / "Dog" / '"2".wav', os.fsdecode(os.fsencode(sounds) + b"/Dog/caf\xe9.wav"))
    code, said, _ = sedsep("soundbank", tmp_path / "bank", "--root", sounds)
    assert code == 0 and "7 sounds" in said and r"caf\udce9.wav: not entered, its name is not UTF-8" in said
