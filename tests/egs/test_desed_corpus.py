"""The recipe on DESED, FUSS and YFCC100M in their official layout, from the first stage to the last, with all rows.

A small imitation with missing, corrupt and short files.
"""

import csv
import os
import subprocess

import numpy as np
import pytest
import soundfile

from sedsep import config
from sedsep.data.manifest import ClipSet
from sedsep.files import read_json
from tests.egs.test_desed_2021 import RECIPE, heard, run

LABELS = ("Alarm_bell_ringing", "Cat", "Dog", "Frying", "Speech")
EVENTS = "filename\tonset\toffset\tevent_label\n"


class Tree:
    """Writes clips and their tables below ``root``; every clip is noise with a louder part."""

    def __init__(self, root):
        self.root, self.rng = root, np.random.default_rng(0)

    def audio(self, place, seconds=4.0, rate=16000, channels=1):
        path = self.root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        waveform = 0.005 * self.rng.standard_normal((round(seconds * rate), channels))
        waveform[len(waveform) // 4 : len(waveform) // 2] *= 8
        soundfile.write(path, waveform, rate, "PCM_16")

    def table(self, place, text):
        path = self.root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def events(self, place, names, number=0):
        rows = [f"{name}\t1.000\t2.000\t{LABELS[(i + number) % 5]}\n" for i, name in enumerate(names)]
        self.table(f"dataset/metadata/{place}.tsv", EVENTS + "".join(rows))
        for name in names:
            self.audio(f"dataset/audio/{place}/{name}")


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """DESED (validation: one clip not there, one cut off, one without events, one with overlapping events) and FUSS."""
    made = Tree(tmp_path_factory.mktemp("corpora"))
    made.events("train/synthetic21_train/soundscapes", [f"{i}.wav" for i in range(8)])
    made.events("validation/synthetic21_validation/soundscapes", [f"{i}.wav" for i in range(4)], 1)
    real = [f"Y{i:011d}_30.000_40.000.wav" for i in range(8)]  # of which the smoke preset takes six
    made.events("validation/validation", real, 3)
    table = made.root / "dataset/metadata/validation/validation.tsv"
    rows = table.read_text().splitlines(True)
    rows[3] = f"{real[2]}\t\t\t\n"
    table.write_text("".join([*rows, f"{real[3]}\t1.500\t9.000\t{LABELS[6 % 5]}\n"]))
    heard = made.root / "dataset/audio/validation/validation"
    (heard / real[0]).unlink()
    (heard / real[1]).write_bytes((heard / real[1]).read_bytes()[:9999])
    weak = [f"Yweak{i:02d}_0.000_10.000.wav" for i in range(21)]
    tags = "".join(f"{name}\t{LABELS[i % 5]},{LABELS[(i + 1) % 5]}\n" for i, name in enumerate(weak))
    made.table("dataset/metadata/train/weak.tsv", f"filename\tevent_labels\n{tags}")
    for i, name in enumerate(weak[:-1]):
        made.audio(f"dataset/audio/train/weak/{name}", *((2.5, 44100, 2) if i % 3 == 0 else ()))
    names = [f"Yun{i:02d}_0.000_10.000.wav" for i in range(9)]
    made.table("dataset/metadata/train/unlabel_in_domain.tsv", "filename\n" + "".join(f"{name}\n" for name in names))
    for name in names[:-1]:
        made.audio(f"dataset/audio/train/unlabel_in_domain/{name}")
    made.audio(f"dataset/audio/train/unlabel_in_domain/{names[-1]}", seconds=0.01)
    for part, count in (("train", 8), ("validation", 4), ("eval", 4)):
        rows = []
        for i in range(count):
            mixture, stems = f"{part}/example{i:05d}.wav", []
            for stem in ("background0_sound", "foreground0_sound", "foreground1_sound")[: 2 + i % 2]:
                stems.append(f"{part}/example{i:05d}_sources/{stem}.wav")
                made.audio(f"FUSS/ssdata_reverb/{stems[-1]}")
            waveforms = [soundfile.read(made.root / "FUSS/ssdata_reverb" / stem)[0] for stem in stems]
            soundfile.write(made.root / "FUSS/ssdata_reverb" / mixture, sum(waveforms), 16000, "PCM_16")
            rows.append("\t".join([mixture, *stems]) + "\n")
        made.table(f"FUSS/ssdata_reverb/{part}_example_list.txt", "".join(rows))
    return made.root


def add_videos(tree):
    """YFCC100M: a list of spans of videos, and the sound of all but one; their one class is not DESED's ten."""
    videos = Tree(tree / "YFCC100M")
    rows = [f"v/{i}.mp4,{0.25 * i},{0.25 * i + 2.5},{i}\n" for i in range(7)]
    videos.table("train_list.csv", "".join(rows))
    for i in range(6):
        videos.audio(f"v/{i}.wav", rate=22050 if i % 2 else 16000)


@pytest.fixture(scope="module")
def work(tree, tmp_path_factory):
    """Where the recipe ran: stage 1 without YFCC100M, where it stopped; then all stages and rows with it."""
    directory = tmp_path_factory.mktemp("desed")
    options = ("--corpus", "desed", "--root", tree)
    first = run(*options, "--stop-stage", 1, work=directory, code=1)
    assert (directory / "data/desed-smoke/web").is_symlink(), "the unlabelled clips stand in"
    listing = subprocess.run(
        ["find", tree, "-newer", directory / "data/desed-smoke/root"], capture_output=True, text=True
    )
    assert listing.stdout == "", "nothing is written among the user's recordings"
    add_videos(tree)
    return directory, first, run(*options, "--missing", "go-on", work=directory)


def test_missing_clips_stop_the_recipe_unless_it_is_to_go_on(work):
    _, first, _ = work
    table = {line.split()[0]: line.split()[1:] for line in first.splitlines() if line.count("  ") > 2 and line.split()}
    assert table["test"][:3] == ["6", "4", "2"]
    assert sorted(" ".join(table["test"][3:]).split(", ")) == ["1 not there", "1 unreadable"]
    assert table["unlabelled"] == ["9", "8", "1", "1", "too", "short"] and table["fuss_train"] == ["8", "8", "0"]
    weak = [int(table[name][0]) for name in ("weak_train", "weak_valid")]
    assert sum(weak) == 14 and weak[1] == 2  # the smoke preset takes 12 of the 19 that are for training
    assert "add --missing go-on" in first and "Traceback" not in first


def test_every_stage_passes_and_the_scores_say_what_is_missing(work):
    directory, _, printed = work
    experiment = directory / "exp/desed-smoke-seed42"
    page = (experiment / "RESULTS.md").read_text()
    assert "Ours: 4 test clips, **2 of 6 absent**" in page
    data = read_json(experiment / "results/desed_jt.teacher.json")["data"]
    assert data["absent_clips"] == 2 and len(data["absent"]) == 2
    assert "ABSENT, so not scored" in printed
    assert (experiment / "sep_fuss/best_separator.pt").exists() and (experiment / "sep_web/best_separator.pt").exists()


def test_every_row_of_the_tables_is_made_and_says_something(work):
    experiment = work[0] / "exp/desed-smoke-seed42"
    with open(RECIPE / "conf/rows.tsv", encoding="utf-8") as file:
        rows = {row["row"]: row["metrics"] for row in csv.DictReader(file, delimiter="\t")}
    assert {path.stem for path in (experiment / "results").glob("*.json")} == set(rows)
    for row, kind in rows.items():
        metrics = read_json(experiment / f"results/{row}.json")["metrics"]
        assert np.isfinite([metrics[name]["value"] for name in metrics if name.startswith("psds")]).all()
        if kind == "events":
            assert heard(experiment / "scores" / row), row
    with open(experiment / "results.tsv", encoding="utf-8") as file:
        assert len(list(csv.DictReader(file, delimiter="\t"))) == 23
    assert (experiment / "results_separation.tsv").exists()


def test_the_sets_are_what_the_lists_and_folders_say(work, tree):
    directory, _, _ = work
    sets = {path.parent.name: ClipSet.read(path.parent) for path in directory.glob("data/desed-smoke/*/clips.tsv")}
    assert [clip.filename for clip in sets["synth_valid"]] == [f"validation_{i}.wav" for i in range(4)]
    assert len(sets["synth_train"]) == 8 and {clip.domain for clip in sets["synth_train"]} == {"synthetic"}
    test = {clip.filename: clip for clip in sets["test"]}
    assert test["Y00000000002_30.000_40.000.wav"].strong == ()
    assert test["Y00000000003_30.000_40.000.wav"].strong == ((1.0, 4.0, LABELS[6 % 5]),)
    converted = [clip for clip in sets["weak_train"] if clip.path.is_relative_to(directory)]
    assert converted and {round(clip.duration, 3) for clip in converted} == {2.5}
    assert all(clip.path.is_relative_to(tree) for clip in sets["synth_train"])
    assert [stem.role for stem in sets["fuss_train"].clips[1].stems] == ["background", "foreground", "foreground"]


def test_clips_that_are_found_later_change_the_scores(work, tree):
    directory, _, _ = work
    name = "Y00000000000_30.000_40.000.wav"
    source = tree / "dataset/audio/validation/validation/Y00000000004_30.000_40.000.wav"
    (source.parent / name).write_bytes(source.read_bytes())
    options = ("--corpus", "desed", "--missing", "go-on", "--rows", "main")
    run(*options, "--stage", 1, "--stop-stage", 1, work=directory)  # the root is remembered
    printed = run(*options, "--stage", 5, "--stop-stage", 5, work=directory)
    assert printed.count("5 clips decoded") == 10
    run(*options, "--stage", 1, "--stop-stage", 1, work=directory)
    assert "decoded" not in run(*options, "--stage", 5, "--stop-stage", 5, work=directory)


def test_videos_are_what_the_separator_of_ssep_sed_learns_from(work):
    data = work[0] / "data/desed-smoke"
    web, unlabelled = ClipSet.read(data / "web"), ClipSet.read(data / "unlabelled")
    assert not (data / "web").is_symlink() and len(web) == 6 and len(unlabelled) == 8
    assert tuple(web.classes) == ("sound",) and len(unlabelled.classes) == 10, "separators need no common classes"
    assert len((data / "web/missing.tsv").read_text().splitlines()) == 2, "one video has no sound"
    said = config.read(work[0] / "exp/desed-smoke-seed42/sep_web/config.yaml")
    assert said["given"]["train_mixtures"].startswith("6 clips")


def test_a_download_that_was_cut_off_goes_on(tmp_path):
    fake = tmp_path / "bin" / "sedsep"
    fake.parent.mkdir()
    fake.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/called\nexit 1\n')
    fake.chmod(0o755)
    here = {**os.environ, "PATH": f"{fake.parent}:{os.environ['PATH']}"}
    for _ in range(2):
        run("--corpus", "desed", "--stop-stage", 0, work=tmp_path, code=1, environment=here)
    download = f"download local/downloads.tsv {tmp_path}/data/desed-smoke/download"
    assert (tmp_path / "called").read_text().splitlines() == [download] * 2


def test_a_root_without_the_corpus(tmp_path):
    assert "expected the official tree of DESED" in run("--corpus", "desed", "--root", tmp_path, work=tmp_path, code=1)
