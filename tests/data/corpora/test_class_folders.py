"""One folder per class: splits, folds and archives are none, and where that leaves a doubt nothing is guessed."""

import pytest

from sedsep.data.corpora.class_folders import meaning
from sedsep.data.corpora.collections import read_collection
from sedsep.errors import UserError


def read(root, *files):
    for name in files:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return {str(r.path.relative_to(root)): (r.labels[0], r.split or r.fold, r.source) for r in read_collection(root)}


@pytest.mark.parametrize("name", ["test", "Train", "valid", "audio_train", "FSD50K.eval_audio", "dev", "training_set"])
def test_names_of_splits(name):
    assert meaning(name).split


@pytest.mark.parametrize("name", ["fold1", "fold_01", "Fold-3"])
def test_names_of_folds(name):
    assert meaning(name).fold in ("1", "01", "3")


@pytest.mark.parametrize("name", ["ESC-50-master", "audio", "wavs", "sounds.zip", "Dataset", "sound_files"])
def test_names_of_archives_and_their_kin(name):
    assert meaning(name) == ("", "")


@pytest.mark.parametrize("name", ["Dog", "train_horn", "water_main", "7", "test_tone", "Speech, male", "crash sound x"])
def test_names_that_may_be_classes(name):
    assert meaning(name) is None


def test_splits_hold_classes(tmp_path):
    assert read(tmp_path, "train/Dog/1.wav", "val/Dog/1.wav", "test/Cat/2.wav", "background/hum/h.wav") == {
        "train/Dog/1.wav": ("Dog", "train", "train/Dog/1"),
        "val/Dog/1.wav": ("Dog", "validation", "val/Dog/1"),
        "test/Cat/2.wav": ("Cat", "test", "test/Cat/2"),
        "background/hum/h.wav": ("hum", "", "background/hum/h"),
    }


@pytest.mark.parametrize("splits", [("dev", "eval"), ("train", "dev")])
def test_development_is_training_where_there_is_no_other(tmp_path, splits):
    found = read(tmp_path, *(f"{split}/Dog/1.wav" for split in splits))
    assert [split for _, split, _ in found.values()] == {"eval": ["train", "test"], "dev": ["validation", "train"]}[
        splits[1]
    ]


def test_folds_in_an_archive_hold_classes(tmp_path):
    assert read(tmp_path, "sounds-master/audio/fold1/Dog/1.wav", "sounds-master/audio/fold2/Dog/1.wav") == {
        "sounds-master/audio/fold1/Dog/1.wav": ("Dog", "1", "fold1/Dog/1"),
        "sounds-master/audio/fold2/Dog/1.wav": ("Dog", "2", "fold2/Dog/1"),
    }


def test_a_train_may_be_a_vehicle(tmp_path):
    found = read(tmp_path, "train/1.wav", "airplane/1.wav", "engine/a/1.wav")
    assert {label for label, _, _ in found.values()} == {"train", "airplane", "engine"}


@pytest.mark.parametrize(
    "files, message",
    [
        (("train/1.wav", "test/1.wav"), "test: no folder of a class in it, and 'test' names none; put the recordings"),
        (("audio/1.wav",), "audio: no folder of a class in it"),
        (("fold1/1.wav", "fold2/2.wav"), "fold1: no folder of a class in it"),
        (("Dog/1.wav", "test/Dog/2.wav"), "test: stands among folders of classes, but 'test' names none"),
        (("Dog/1.wav", "train/Dog/2.wav"), "train: stands among folders of classes"),
        (("Dog/1.wav", "audio/Cat/2.wav"), "audio: stands among folders of classes"),
        (("x/Dog/1.wav", "x/Cat/1.wav"), "is 'x' the class, or 'Cat', 'Dog' in it. Give --root .*/x for these; else"),
    ],
)
def test_doubts_are_errors(tmp_path, files, message):
    with pytest.raises(UserError, match=message):
        read(tmp_path, *files)


def test_names_have_one_form(tmp_path):
    found = read(tmp_path, "Cafe\u0301/1.wav", "Dog/cafe\u0301.wav")
    assert [(label, source) for label, _, source in found.values()] == [
        ("Caf\u00e9", "Caf\u00e9/1"),
        ("Dog", "Dog/caf\u00e9"),
    ]
