"""The SoundBeam recipe, from nothing to both tables, at the preset that only shows that it runs."""

import csv
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sedsep.data import audio
from sedsep.data.soundbank import Soundbank
from tests import preloaded

RECIPE = Path(__file__).resolve().parents[2] / "egs" / "fsd_soundbeam"


def run(*options, work, code=0):
    command = [RECIPE / "run.sh", "--preset", "smoke", "--work", work, *map(str, options)]
    done = subprocess.run(command, capture_output=True, text=True, env=preloaded.environment(), check=False)
    assert done.returncode == code, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """The recipe run from the first stage to the last."""
    directory = tmp_path_factory.mktemp("recipe")
    return directory, run(work=directory)


def test_the_recipe_ends_in_both_tables_and_the_figure(work):
    directory, printed = work
    experiment = directory / "exp" / "mini-smoke-seed42"
    with open(experiment / "results.tsv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    cells = {(row["table"][:7], row["row"], row["column"]): row for row in rows}
    assert len(cells) == 8 + 24
    filled = {cell for cell, row in cells.items() if row["results"] != "-"}
    assert len(filled) == 6 + 4 + 15 and all(np.isfinite(float(cells[cell]["sdri"])) for cell in filled)
    adapted = cells["Table 2", "Mixed+EL +adapt, mean init", "K=10"]
    assert adapted["published"] == "8.2" and adapted["clue"] == "adapted_mean10"
    page = (experiment / "RESULTS.md").read_text()
    assert "./run.sh --preset smoke" in page and "| Mixed+EL +adapt, random init | - |" in page
    assert "| onehot.test_seen | onehot |" in page and "![classes](classes.png)" in page
    assert all((experiment / name).stat().st_size > 5000 for name in ("classes.png", "training.png"))
    assert "| Enrl | - |" in printed


def test_each_fold_of_the_new_classes_is_tested_once(work):
    """By what was enrolled from the others, which no test mixture has a recording of; and the page has the table."""
    data, experiment = work[0] / "data/mini-smoke", work[0] / "exp/mini-smoke-seed42"
    new, tested = set((data / "bank/new.txt").read_text().split()), []
    for number in (1, 2, 3):
        bank = Soundbank.read(data / f"bank_fold{number}")
        source = {str(sound.path): sound.source for sound in bank.sounds}
        with open(data / f"shots_fold{number}.tsv", encoding="utf-8") as file:
            shots = {source[row["path"]] for row in csv.DictReader(file, delimiter="\t")}
        with open(data / f"test_fold{number}/stems.tsv", encoding="utf-8") as file:
            stems = [row for row in csv.DictReader(file, delimiter="\t") if row["role"] == "foreground"]
        assert len(shots) == 30 and stems and not shots & {row["source"] for row in stems}
        held = {sound.source for sound in bank.sounds if sound.label in new and sound.split == "test"}
        assert {row["source"] for row in stems if row["event_label"] in new} <= held and not shots & held
        tested += held
    every = {sound.source for sound in Soundbank.read(data / "bank").sounds if sound.label in new}
    assert len(tested) == len(set(tested)) and set(tested) == every
    page = (experiment / "RESULTS.md").read_text()
    assert "each of 3 folds tested once" in page and "| all | 6 (2+2+2) |" in page
    with open(experiment / "results_folds.tsv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert {row["results"] for row in rows} == {f"mixed_el.fold{number}" for number in (1, 2, 3)}
    assert {row["clue"] for row in rows} == {"mean1", "mean5", "mean10", "adapted_mean10"}


def test_what_is_extracted_is_sound(work):
    """Silence throughout would fill the tables as well."""
    extracted = work[0] / "exp" / "mini-smoke-seed42" / "extracted"
    rows = [path for path in extracted.iterdir() if path.is_dir()]
    assert rows
    for row in rows:
        sounds = [audio.read(path, 8000) for path in row.rglob("*.wav")]
        assert sounds and all(np.isfinite(sound).all() for sound in sounds)
        assert np.mean([np.abs(sound).max() > 1e-5 for sound in sounds]) > 0.5, row.name


def test_new_classes_are_kept_out_of_training_and_in_one_place_of_each_new_mixture(work):
    data = work[0] / "data" / "mini-smoke"
    new = set((data / "bank/new.txt").read_text().split())
    assert len(new) == 3 and not new & set((data / "valid/classes.txt").read_text().split())
    with open(data / "test_new/stems.tsv", encoding="utf-8") as file:
        labels = {}
        for row in csv.DictReader(file, delimiter="\t"):
            labels.setdefault(row["filename"], []).append(row["event_label"])
    for names in labels.values():
        assert len(set(names) - {""}) == 3 and len(new & set(names)) == 1


def test_shots_are_never_in_a_test_mixture(work):
    data = work[0] / "data" / "mini-smoke"
    with open(data / "shots.tsv", encoding="utf-8") as file:
        shots = {row["path"] for row in csv.DictReader(file, delimiter="\t")}
    split = {str(sound.path): sound.split for sound in Soundbank.read(data / "bank").sounds}
    assert {split[path] for path in shots} == {"train"} and len(shots) == 30


def test_stages_can_be_run_twice(work):
    directory, _ = work
    table = directory / "exp" / "mini-smoke-seed42" / "results.tsv"
    before = table.read_bytes()
    printed = run("--stage", 0, "--stop-stage", 1, work=directory)
    assert "is there already" in printed
    run("--stage", 5, work=directory)
    assert table.read_bytes() == before


@pytest.mark.parametrize(
    "options, message",
    [
        (("--stage", 2), "stage 1 makes it"),
        (("--stage", 5), "stage 1 makes it"),
        (("--stage", 7), "stage 5 makes it"),
        (("--corpus", "soundbank"), "needs --root DIR"),
        (("--corpus", "fsd"), "needs --root DIR"),
        (("--noise", "/"), "--noise goes with --corpus fsd or soundbank"),
    ],
)
def test_what_is_missing_is_said(tmp_path, options, message):
    assert message in run(*options, work=tmp_path, code=1)


def test_an_unknown_new_class_is_said(work):
    assert "no such class: Cow" in run("--stop-stage", 1, "--new", "Cow,Cat", work=work[0], code=1)
    run("--stop-stage", 0, work=work[0])


@pytest.fixture
def corpora(tmp_path):
    """Two classes of FSDKaggle2018, and six clips of FSD50K."""
    rng, root = np.random.default_rng(0), tmp_path / "root"
    (root / "FSDKaggle2018.meta").mkdir(parents=True)
    (root / "FSD50K.ground_truth").mkdir()
    kaggle = [(f"k{number}.wav", ("Bark", "Cough")[number % 2], f"9{number}") for number in range(12)]
    for part, rows in (("train", kaggle[:8]), ("test", kaggle[8:])):
        name = {"train": "train_post_competition", "test": "test_post_competition_scoring_clips"}[part]
        text = "".join(f"{name},{label},1,{source},x\n" for name, label, source in rows)
        (root / f"FSDKaggle2018.meta/{name}.csv").write_text(
            f"fname,label,manually_verified,freesound_id,license\n{text}"
        )
        for name, *_ in rows:
            audio.write(root / f"FSDKaggle2018.audio_{part}" / name, 0.1 * rng.standard_normal(8000), 8000)
    dev = [("11", "Camera,Mechanisms"), ("12", "Camera,Mechanisms,Speech"), ("13", "Frog"), ("14", "Mechanisms")]
    for part, rows, split in (("dev", dev, ",train"), ("eval", [("15", "Frog"), ("16", "Frog,Speech")], "")):
        text = "".join(f'{name},"{labels}","/m/0,/m/1"{split}\n' for name, labels in rows)
        (root / f"FSD50K.ground_truth/{part}.csv").write_text(f"fname,labels,mids{',split' * bool(split)}\n{text}")
        for name, _ in rows:
            audio.write(root / f"FSD50K.{part}_audio" / f"{name}.wav", 0.1 * rng.standard_normal(8000), 8000)
    return root


def prepared(root, bank, noise="", code=0):
    command = [RECIPE / "local/fsd.sh", bank, RECIPE / "conf/smoke", root, "Camera,Frog", noise]
    done = subprocess.run(command, capture_output=True, text=True, env=preloaded.environment(), check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return Soundbank.read(bank) if code == 0 else done.stderr


def test_the_papers_corpora(tmp_path, corpora):
    """The classes of FSDKaggle2018, and of FSD50K the clips that carry a new class and nothing beside it."""
    found = prepared(corpora, tmp_path / "bank")
    assert found.classes.names == ("Bark", "Cough", "Camera", "Frog")
    new = {(sound.label, sound.path.name) for sound in found.sounds if sound.label in ("Camera", "Frog")}
    assert new == {("Camera", "11.wav"), ("Frog", "13.wav"), ("Frog", "15.wav")}
    assert {sound.label for sound in found.sounds if sound.role == "background"} >= {"room_tone", "ventilation"}
    assert {sound.split for sound in found.sounds if sound.label == "Bark"} == {"train", "validation", "test"}


@pytest.mark.parametrize("listed", ["sounds", "lists"])
def test_fuss_says_which_clips_hold_a_single_sound(tmp_path, corpora, listed):
    """FUSS's sources, or its lists of them, are named by FSD50K's numbers; a count of labels is not asked then."""
    for part, numbers in (("train", ("11", "12", "99")), ("eval", ("16",))):
        folder = corpora / "FUSS/fsd_data" / part / "sound"
        folder.mkdir(parents=True)
        if listed == "sounds":
            for number in numbers:
                audio.write(folder / f"{number}.wav", np.full(8, 0.1), 8000)
        else:  # without an end of line at the end, as FUSS writes them
            names = "\n".join(f"{part}/sound/{number}.wav" for number in numbers)
            (corpora / f"FUSS/fsd_data/{part}_foreground.txt").write_text(names)
    found = prepared(corpora, tmp_path / "bank")
    new = {(sound.label, sound.path.name) for sound in found.sounds if sound.label in ("Camera", "Frog")}
    assert new == {("Camera", "11.wav"), ("Camera", "12.wav"), ("Frog", "16.wav")}


def test_a_users_noise(tmp_path, corpora):
    """Folders of recordings with many channels, as REVERB's; a bank keeps the noise that it was made with."""
    rng, noise, bank = np.random.default_rng(0), tmp_path / "noise", tmp_path / "bank"
    assert "0 recordings" in prepared(corpora, bank, tmp_path / "nothing", code=1)
    for number in range(5):
        (noise / f"room {number % 2}").mkdir(parents=True, exist_ok=True)
        soundfile.write(noise / f"room {number % 2}/n{number}.wav", 0.1 * rng.standard_normal((8000, 8)), 16000)
    found = prepared(corpora, bank, noise)
    backgrounds = [sound for sound in found.sounds if sound.role == "background"]
    assert {sound.label for sound in backgrounds} == {"noise"} and len(backgrounds) == 5
    assert {sound.split for sound in backgrounds} == {"train", "validation", "test"}
    for again in ("", noise):
        assert prepared(corpora, bank, again).sounds == found.sounds
        assert (bank / "noises.txt").read_text() == "noise\n"
    assert "is made with other noise" in prepared(corpora, bank, tmp_path, code=1)
