"""The recipe of weakly supervised detection, at the preset that only shows that it runs; its corpora and its tables."""

import csv
import subprocess
from pathlib import Path

import numpy as np
import pytest

from sedsep.config import build, read
from sedsep.data import audio
from sedsep.data.manifest import ClipSet
from sedsep.data.soundbank import Soundbank
from sedsep.nnet.detectors import DETECTORS
from sedsep.nnet.vgg import VGG
from sedsep.systems import SYSTEMS
from sedsep.train import configured
from tests import preloaded

RECIPE = Path(__file__).resolve().parents[2] / "egs" / "dcase_remix"


def run(*options, work, code=0):
    command = [RECIPE / "run.sh", "--preset", "smoke", "--work", work, *map(str, options)]
    done = subprocess.run(command, capture_output=True, text=True, env=preloaded.environment(), check=False)
    assert done.returncode == code, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """The recipe run from the first stage to the last: one row of each network, at 0 dB."""
    directory = tmp_path_factory.mktemp("recipe")
    return directory, run(work=directory)


def test_the_recipe_ends_in_its_tables(work):
    directory, _ = work
    experiment = directory / "exp" / "mini-smoke-seed42"
    page = (experiment / "RESULTS.md").read_text()
    assert "Table 1: SNR 0 dB" in page and "Table 3: AP of each class at 0 dB" in page and "| 0.571 |" in page
    assert "2AP with reconstruction over dilated AP, 0 dB" in page and "all SNRs" not in page
    assert "| VGGish, 2AP, reconstruction |" in page and "| Alarm_bell_ringing |" in page
    with open(experiment / "cells.tsv", encoding="utf-8") as file:
        cells = list(csv.DictReader(file, delimiter="\t"))
    assert {cell["results"] for cell in cells} == {"gwrp_0.detector", "atrous_0.detector", "two_step_0.detector"}


def test_what_the_detector_says_follows_the_clip(work):
    """Scores that do not move with the clip would fill the tables as well."""
    scores = work[0] / "exp" / "mini-smoke-seed42" / "scores" / "two_step_0.detector" / "strong"
    tables = [np.loadtxt(path, skiprows=1, delimiter="\t")[:, 2:] for path in sorted(scores.iterdir())]
    assert len(tables) == 6 and all(((table >= 0) & (table <= 1)).all() for table in tables)
    assert all(np.abs(tables[0] - other).max() > 1e-6 for other in tables[1:])


def test_train_and_test_share_no_original(work):
    data = work[0] / "data" / "mini-smoke"
    sources = [{s.source for clip in ClipSet.read(data / name) for s in clip.stems} for name in ("train0", "test0")]
    assert sources[0] and sources[1] and not sources[0] & sources[1]


def test_another_fold_needs_another_place(work):
    assert "choose another --work" in run("--stage", 1, "--stop-stage", 1, "--fold", 2, work=work[0], code=1)


@pytest.mark.parametrize(
    "options, message, code",
    [
        (("--stage", 3), "stage 1 makes it", 1),
        (("--corpus", "soundbank"), "needs --root DIR", 1),
        (("--corpus", "dcase"), "needs --root DIR with FSDKaggle2018", 1),
        (("--fold", 5), "unknown --fold 5; known: 1 2 3 4", 2),
        (("--variant", "text"), "unknown --variant text", 2),
        (("--classes", "Dog"), "choose from --corpus soundbank", 2),
    ],
)
def test_what_is_missing_is_said(tmp_path, options, message, code):
    assert message in run(*options, work=tmp_path, code=code)


def test_the_papers_corpora(tmp_path):
    """Verified training clips as events, and every scene of task 1 as a background of its kind."""
    rng, root = np.random.default_rng(0), tmp_path / "root"
    (root / "FSDKaggle2018.meta").mkdir(parents=True)
    rows = [(f"k{n}.wav", ("Bark", "Bus")[n % 2], int(n < 8)) for n in range(10)]
    listed = "".join(f"{name},{label},{verified},{name},CC0\n" for name, label, verified in rows)
    table = root / "FSDKaggle2018.meta/train_post_competition.csv"
    table.write_text(f"fname,label,manually_verified,freesound_id,license\n{listed}")
    for name, *_ in rows:
        audio.write(root / "FSDKaggle2018.audio_train" / name, 0.1 * rng.standard_normal(4000), 8000)
    scenes = root / "TAU-urban-acoustic-scenes-2019-development" / "audio"
    for name in ("airport-lisbon-1000-1-a", "bus-paris-3-4-a", "street_traffic-milan-5-6-a"):
        audio.write(scenes / f"{name}.wav", 0.1 * rng.standard_normal(8000), 8000)
    command = [RECIPE / "local/dcase.sh", tmp_path / "bank", RECIPE / "conf/paper", root]
    done = subprocess.run(command, capture_output=True, text=True, env=preloaded.environment(), check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    bank = Soundbank.read(tmp_path / "bank")
    assert bank.classes.names == ("Bark", "Bus")
    events = {sound.path.name for sound in bank.sounds if sound.role == "foreground"}
    assert events == {f"k{n}.wav" for n in range(8)}
    kinds = {sound.label for sound in bank.sounds if sound.role == "background"}
    assert kinds == {"airport", "bus", "street_traffic"}


def preset(name):
    kind = SYSTEMS["weak_detection"]
    return configured(kind.task, read(RECIPE / "conf/paper" / f"{name}.yaml"), kind)


def test_the_paper_preset_is_what_was_published():
    sizes = {}
    for name in ("two_step", "vggish", "dilated"):
        found = preset(name)
        assert found["data"]["weak"] == 24 and found["data"]["seconds"] == 10.0 and found["schedule"]["epochs"] == 80
        optimisation = {"learning_rate": 1e-3, "schedule": "plateau", "plateau_patience": 3, "plateau_factor": 0.1,
                        "clip_norm": 0.0, "weight_decay": 0.0, "accumulate": 1}  # fmt: skip
        assert optimisation.items() <= found["optimisation"].items()
        spectrum = {"sample_rate": 32000, "n_fft": 2048, "hop": 1024, "n_mels": 64, "f_min": 50.0, "f_max": 16000.0,
                    "mel_scale": "slaney", "centred": False, "area_norm": True, "density": True}  # fmt: skip
        assert spectrum.items() <= found["system"]["frontend"]["spectrum"].items()
        assert found["system"]["frontend"]["compression"] == {"kind": "ln", "floor": 1e-8}
        assert found["system"]["frontend"]["scaling"] == {"kind": "dataset"}
        given = {"n_classes": 41, "n_bands": 64, "n_maps": 1}
        detector = build(DETECTORS, found["system"]["detector"], given)
        sizes[name] = sum(p.numel() for p in detector.parameters())
    decoder = VGG(256, [*preset("two_step")["system"]["reconstruction"]["channels"], 1])
    sizes["two_step"] += sum(p.numel() for p in decoder.parameters())
    assert sizes == {"two_step": 1967366, "vggish": 587593, "dilated": 1047570}


def test_every_row_stands_at_three_snrs():
    with open(RECIPE / "conf/rows.tsv", encoding="utf-8") as file:
        rows = [row["row"].removesuffix(".detector").rpartition("_") for row in csv.DictReader(file, delimiter="\t")]
    systems = {"gap", "gmp", "gwrp", "atrous", "two_step", "two_step_a0", "two_step_a01", "two_step_a1"}
    assert sorted((name, snr) for name, _, snr in rows) == sorted((s, n) for s in systems for n in ("20", "10", "0"))
