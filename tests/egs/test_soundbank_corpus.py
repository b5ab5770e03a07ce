"""The recipe on anybody's folders of recordings: without backgrounds, with too few recordings, and by choice."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sedsep.data.manifest import ClipSet
from sedsep.data.soundbank import Soundbank
from tests import preloaded

RECIPE = Path(__file__).resolve().parents[2] / "egs/desed_2021/run.sh"


@pytest.fixture
def folders(tmp_path):
    """``folders(dog=7, rain=3)`` -> a folder of stereo recordings of bursts at 44.1 kHz, one folder per class."""

    def make(**counts):
        rng = np.random.default_rng(0)
        for label, count in counts.items():
            (tmp_path / "sounds" / label).mkdir(parents=True)
            for k in range(count):
                burst = np.zeros((44100, 2))
                burst[11025:33075] = 0.1 * rng.standard_normal((22050, 2))
                soundfile.write(tmp_path / "sounds" / label / f"{k}.wav", burst, 44100)
        return tmp_path / "sounds"

    return make


@pytest.fixture
def prepare(tmp_path):
    """``prepare(root, option, ..., stop=0, code=0)`` -> the recipe's stages up to ``stop``: bank, what was said."""

    def run(root, *options, stop=0, code=0):
        command = [RECIPE, "--corpus", "soundbank", "--root", root, "--preset", "smoke", "--work", tmp_path / "work"]
        command += ["--rows", "main", "--stop-stage", str(stop), *options]
        done = subprocess.run(command, capture_output=True, text=True, env=preloaded.environment(), check=False)
        said = done.stdout + done.stderr
        assert done.returncode == code and "Traceback" not in said, said[-3000:]
        return tmp_path / "work/data/soundbank-smoke/bank", said

    return run


def test_recordings_without_backgrounds_get_noise(folders, prepare):
    bank, said = prepare(folders(dog=7, cat=8), stop=1)
    assert "too few backgrounds among the recordings: synthesised noise is added" in said
    assert set(Soundbank.read(bank).select("train").backgrounds) == {"room_tone", "ventilation", "refrigerator"}
    for name in ("synth_train", "synth_valid", "weak_train", "weak_valid", "test"):
        assert ClipSet.read(bank.parent / name).classes.names == ("cat", "dog"), "all sets can be drawn"


def test_too_few_recordings_are_said_up_front(folders, prepare):
    _, said = prepare(folders(dog=7, cat=3), code=1)
    assert "too few recordings: cat has 3 (" in said and ": 7 where no folds divide them" in said
    assert "--classes dog" in said, "the cure is an option of run.sh"
    bank, _ = prepare(folders(cow=7), "--classes", "dog,cow")
    assert Soundbank.read(bank).classes.names == ("dog", "cow")


def test_what_serves_as_background_is_said_and_can_be_chosen(folders, prepare):
    root = folders(dog=7, rain=7, wind=7)
    bank, said = prepare(root)
    assert "rain, wind: backgrounds, no classes" in said and "synthesised noise" not in said
    assert Soundbank.read(bank).classes.names == ("dog",)
    assert "is there already" in prepare(root)[1]
    said = prepare(root, "--backgrounds", "wind", code=1)[1]
    assert "is made with --classes '' --backgrounds '', not with --classes '' --backgrounds 'wind'" in said
    for options, classes in ((("--backgrounds", "wind"), ("dog", "rain")),
                             (("--backgrounds", "none"), ("dog", "rain", "wind")),
                             (("--classes", "dog,rain"), ("dog", "rain"))):  # fmt: skip
        (bank / "sounds.tsv").unlink()
        said = prepare(root, *options)[1]
        assert Soundbank.read(bank).classes.names == classes
        assert ("synthesised noise" in said) == ("none" in options)


@pytest.mark.parametrize("recipe", ["desed_2021", "fsd_soundbeam"])
def test_folds_are_found_in_a_large_collection(folders, tmp_path, recipe):
    """A pipe that its reader closes early kills the writer, and pipefail made that "no folds"."""
    root = folders(dog=9)
    for k in range(9):
        (root / f"dog/{k}.wav").rename(root / f"dog/{k % 5 + 1}-{1000 + k}-A-0.wav")
    for k in range(4000):
        (root / f"dog/1-{10**9 + k}-A-0.txt").touch()
    script = RECIPE.parents[1] / recipe / "local/soundbank.sh"
    command = [script, tmp_path, "conf/smoke", root, "", ""]
    subprocess.run(command, env=preloaded.environment(), cwd=script.parents[1], capture_output=True, check=True)
    bank = tmp_path / "bank" if recipe == "desed_2021" else tmp_path
    dogs = [sound for sound in Soundbank.read(bank).sounds if sound.label == "dog"]
    assert {(s.path.name[0], s.split) for s in dogs} == {
        ("1", "train"), ("2", "train"), ("3", "train"), ("4", "validation"), ("5", "test")
    }  # fmt: skip


def test_a_class_is_no_background(folders, prepare):
    said = prepare(folders(dog=7, rain=7), "--classes", "dog,rain", "--backgrounds", "rain", code=1)[1]
    assert "'rain' is named as a class and as a background" in said


def test_a_corpus_with_classes_of_its_own_takes_no_choice(prepare, tmp_path):
    said = prepare(tmp_path, "--corpus", "mini", "--classes", "Dog", code=2)[1]
    assert "mini has its own" in said
