"""Soundbank: active spans, what is skipped and why, selections that share no source."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from sedsep.data import audio
from sedsep.data.corpora.collections import read_collection
from sedsep.data.soundbank import Soundbank, build
from sedsep.data.splits import SPLITS, parse_folds
from sedsep.errors import UserError

RATE = 16000
SHARED = Path(__file__).resolve().parents[2].parent / "shared"


@pytest.fixture
def root(tmp_path):
    """Six dogs, one cat, one rain, a silent file and a broken one."""
    rng = np.random.default_rng(0)
    root = tmp_path / "recordings"
    for number in range(6):
        waveform = np.zeros(2 * RATE, np.float32)
        waveform[RATE // 2 : RATE] = 0.1 * rng.standard_normal(RATE // 2)
        audio.write(root / "dog" / f"{number}.wav", waveform, RATE)
    (root / "cat").mkdir()
    stereo = 0.1 * rng.standard_normal((44100, 2))
    soundfile.write(root / "cat" / "stereo.wav", stereo, 44100)
    audio.write(root / "rain" / "r.wav", 0.1 * rng.standard_normal(RATE), RATE)
    audio.write(root / "dog" / "silent.wav", np.zeros(RATE), RATE)
    (root / "dog" / "broken.wav").write_bytes(b"RIFF")
    return root


def test_build_and_read(root, tmp_path):
    summary = build(tmp_path / "bank", read_collection(root), backgrounds=("rain",))
    assert summary["sounds"] == 8 and summary["skipped"] == 2 and summary["classes"] == 2
    assert set(summary["empty"]) == {"cat/validation", "cat/test"}
    skipped = (tmp_path / "bank" / "skipped.tsv").read_text()
    assert "silent.wav\tsilent\n" in skipped and "broken.wav\tnot readable" in skipped
    bank = Soundbank.read(tmp_path / "bank")
    assert bank.classes.names == ("cat", "dog")
    dogs = [sound for sound in bank.sounds if sound.label == "dog"]
    assert {(s.onset, s.offset) for s in dogs} == {(0.5, 1.0)} and {s.split for s in dogs} == set(SPLITS)
    chosen = bank.select("train")
    assert set(chosen.events) == {"cat", "dog"} and set(chosen.backgrounds) == {"rain"}
    assert chosen.events["cat"][0].offset == 1.0


def test_shares_of_a_split_share_no_source(root, tmp_path):
    build(tmp_path / "bank", read_collection(root), classes=["dog"], backgrounds=("rain",))
    bank = Soundbank.read(tmp_path / "bank")
    parts = [bank.select("train", share).events.get("dog", ()) for share in ((0, 0.5), (0.5, 1))]
    sources = [{sound.source for sound in part} for part in parts]
    assert all(sources) and not sources[0] & sources[1]
    assert sources[0] | sources[1] == {s.source for s in bank.select("train").events["dog"]}


def test_a_bank_that_holds_its_audio_can_move(root, tmp_path):
    build(root, read_collection(root), backgrounds=("rain",))
    root.rename(tmp_path / "moved")
    bank = Soundbank.read(tmp_path / "moved")
    assert all(sound.path.is_file() for sound in bank.sounds)


def test_mistakes_are_one_clear_line(root, tmp_path):
    recordings = read_collection(root)
    with pytest.raises(UserError, match="no recordings of 'dogs' .did you mean 'dog'.*cat, dog, rain"):
        build(tmp_path / "bank", recordings, classes=["dogs"])
    with pytest.raises(UserError, match="no usable recording.*fold .none. is in no split"):
        build(tmp_path / "bank", recordings, folds=parse_folds("train=1"))
    assert not (tmp_path / "bank").exists()
    with pytest.raises(UserError, match="no such soundbank; make it"):
        Soundbank.read(tmp_path / "bank")
    build(tmp_path / "bank", recordings, classes=["dog"])
    table = tmp_path / "bank" / "sounds.tsv"
    for old, new, message in (
        ("\tdog\t", "\tdgo\t", "sounds.tsv:2: unknown label 'dgo'"),
        ("\t0.500\t", "\t3.500\t", "sounds.tsv:2: onset 3.5 s and offset 1 s"),
        ("\ttrain\t", "\ttraining\t", r"sounds.tsv:\d: unknown split 'training'"),
    ):
        text = table.read_text()
        table.write_text(text.replace(old, new))
        with pytest.raises(UserError, match=message):
            Soundbank.read(tmp_path / "bank")
        table.write_text(text)
    bank = Soundbank.read(tmp_path / "bank")
    for share in ((0.5, 0.5), (-1, 1)):
        with pytest.raises(UserError, match="two fractions in order"):
            bank.select("train", share)
    with pytest.raises(UserError, match="no event sounds in split 'train', share"):
        bank.select("train", (0.0, 0.01))


def test_real_esc10_keeps_folds_and_sources_apart(tmp_path):
    root = SHARED / "data" / "esc10"
    if not root.is_dir():
        pytest.skip(f"{root} is not here")
    recordings = [r for r in read_collection(root) if r.labels[0] in ("dog_bark", "rooster", "rain")]
    folds = parse_folds("train=1,2,3 validation=4 test=4")
    summary = build(tmp_path / "bank", recordings, backgrounds=("rain",), folds=folds)
    assert summary["skipped"] == 0 and summary["empty"] == []
    sounds = Soundbank.read(tmp_path / "bank").sounds
    sources = {split: {s.source for s in sounds if s.split == split} for split in SPLITS}
    assert not sources["train"] & sources["test"] and not sources["validation"] & sources["test"]
    assert not sources["train"] & sources["validation"]
    assert all((s.path.name[0] == "4") == (s.split != "train") for s in sounds)
    barks = [s for s in sounds if s.label == "dog_bark"]
    assert np.mean([s.offset - s.onset for s in barks]) < 2.5  # five-second files, mostly padding
