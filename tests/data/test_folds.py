"""Folds: every recording of a class that is divided is tested once, and none is ever on both sides."""

from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from sedsep.cli import sedsep
from sedsep.data import audio
from sedsep.data.corpora.collections import read_collection
from sedsep.data.folds import held_out
from sedsep.data.soundbank import Soundbank, build
from sedsep.data.splits import parse_folds
from sedsep.errors import UserError


@pytest.fixture(scope="module")
def esc(tmp_path_factory):
    """ESC's names: five folds, in each two clips of one original and one of another, of three classes; a background."""
    root, rng = tmp_path_factory.mktemp("esc"), np.random.default_rng(0)
    for label in ("Cat", "Cow", "Dog"):
        for fold in range(1, 6):
            for source, take in ((0, "A"), (0, "B"), (1, "A")):
                sound = np.pad(0.2 * rng.standard_normal(2000), 800)
                audio.write(root / label / f"{fold}-{label}{10 * fold + source}-{take}-0.wav", sound, 8000)
    for number in range(3):
        audio.write(root / f"background/room/{number}.wav", 0.1 * rng.standard_normal(16000), 8000)
    build(root / "bank", read_collection(root), folds=parse_folds("train=1,2,3 validation=4 test=5"))
    return Soundbank.read(root / "bank")


def of(bank, labels, split):
    return [s for s in bank.sounds if s.label in labels and s.split == split and s.role == "foreground"]


@pytest.mark.parametrize("count", [5, 4, 2])
@pytest.mark.parametrize("published", [True, False])
def test_every_recording_is_tested_once_and_none_on_both_sides(esc, tmp_path, count, published):
    if not published:
        esc = replace(esc, sounds=tuple(replace(s, fold="") for s in esc.sounds))
    tested = []
    for number in range(1, count + 1):
        bank = held_out(esc, tmp_path, ("Cow", "Dog"), number, count)
        test, train = (of(bank, ("Cow", "Dog"), split) for split in ("test", "train"))
        assert len(test) + len(train) == 30 and not of(bank, ("Cow", "Dog"), "validation")
        assert not {s.source for s in test} & {s.source for s in bank.sounds if s.split != "test"}
        assert {s.label for s in test} == {"Cow", "Dog"}
        if published:
            assert not {s.fold for s in test} & {s.fold for s in train}
        tested += [s.path for s in test]
        others = [s for s in esc.sounds if s.label not in ("Cow", "Dog")]
        assert [s for s in bank.sounds if s.label not in ("Cow", "Dog")] == others  # what the extractor heard stays
    assert len(tested) == 30 and set(tested) == {s.path for s in esc.sounds if s.label in ("Cow", "Dog")}


def test_an_original_that_other_classes_share_is_never_on_both_sides(esc, tmp_path):
    """A Dog cut from a recording of which a Cat is in training, in validation and in test."""
    shared = {}
    for split in ("train", "validation", "test"):
        shared[of(esc, ("Cat",), split)[0].source] = split
    dogs = iter(sorted({s.source for s in esc.sounds if s.label == "Dog"}))
    renamed = dict(zip(dogs, shared))
    esc = replace(esc, sounds=tuple(replace(s, source=renamed.get(s.source, s.source), fold="") for s in esc.sounds))
    for number in range(1, 4):
        bank = held_out(esc, tmp_path, ("Dog",), number, 3)
        of_split = {split: {s.source for s in bank.sounds if s.split == split} for split in ("train", "test")}
        assert not of_split["train"] & of_split["test"]
        assert not {s.source for s in of(bank, ("Dog",), "test")} & {
            s for s, split in shared.items() if split != "test"
        }


@pytest.mark.parametrize(
    "classes, number, count, message",
    [
        (("Dgo",), 1, 2, "unknown label 'Dgo'.*did you mean 'Dog'"),
        (("Dog",), 3, 2, "fold 3 of 2"),
        (("Dog",), 1, 1, "at least 2"),
        (("Dog",), 1, 6, r"has 5 folds \(1, 2, 3, 4, 5\), not 6"),
    ],
)
def test_what_cannot_be_divided(esc, tmp_path, classes, number, count, message):
    with pytest.raises(UserError, match=message):
        held_out(esc, tmp_path, classes, number, count)


def test_more_folds_than_originals(esc, tmp_path):
    few = replace(esc, sounds=tuple(replace(s, fold="") for s in esc.sounds if s.fold in "12"))
    with pytest.raises(UserError, match="4 originals of 'Dog' make no 5 folds"):
        held_out(few, tmp_path, ("Dog",), 1, 5)


def test_the_command_writes_a_bank(esc, tmp_path):
    found = CliRunner().invoke(
        sedsep, ["fold", str(esc.directory), str(tmp_path / "fold2"), "--classes", "Dog", "--test", "2", "--of", "5"]
    )
    assert found.exit_code == 0 and "fold 2 of 5, 2 recordings of 1 classes" in found.output
    bank = Soundbank.read(tmp_path / "fold2")
    assert bank.sounds == held_out(esc, tmp_path / "fold2", ("Dog",), 2, 5).sounds and bank.classes == esc.classes
    assert {s.fold for s in of(bank, ("Dog",), "test")} == {"2"} and all(s.path.is_file() for s in bank.sounds)


def test_a_bank_of_an_earlier_version_has_no_folds(esc, tmp_path):
    table = esc.directory / "sounds.tsv"
    text = "".join("\t".join(line.split("\t")[:-1]) + "\n" for line in table.read_text().splitlines())
    (tmp_path / "sounds.tsv").write_text(text)
    (tmp_path / "classes.txt").write_text((esc.directory / "classes.txt").read_text())
    assert {sound.fold for sound in Soundbank.read(tmp_path).sounds} == {""}
