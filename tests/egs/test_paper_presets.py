"""The presets ``paper`` are the published settings: each is read, resolved, and compared with the spec's numbers."""

import csv
from pathlib import Path

import pytest

from sedsep import config
from sedsep.config import build
from sedsep.data.sampler import StreamSampler
from sedsep.metrics.psd_roc import PSDS_2020, PSDS_2021
from sedsep.nnet.detectors import DETECTORS
from sedsep.nnet.separators import SEPARATORS
from sedsep.scores.events import OPERATING_POINTS
from sedsep.systems import SYSTEMS
from sedsep.train import configured

EGS = Path(__file__).resolve().parents[2] / "egs"
STREAMS = ("strong", "weak", "unlabelled")


def preset(name, recipe="desed_2021"):
    raw = config.read(EGS / recipe / "conf" / "paper" / f"{name}.yaml")
    kind = SYSTEMS[raw["system"]["kind"]]
    return configured(kind.task, raw, kind)


def table(name, recipe="desed_2021"):
    with open(EGS / recipe / "conf" / name, encoding="utf-8") as file:
        return {next(iter(row.values())): row for row in csv.DictReader(file, delimiter="\t")}


def parameters(network):
    return sum(p.numel() for p in network.parameters())


def detector(found, n_classes=10):
    return build(DETECTORS, found["system"]["detector"], {"n_classes": n_classes, "n_bands": 128, "n_maps": 1})


def batches(found):
    """Batches of an epoch on the sets of the preset."""
    sets = table("paper/sets.tsv")
    lengths = dict(zip(STREAMS, (int(sets[name]["count"]) for name in ("synth_train", "weak_train", "unlabelled"))))
    return len(StreamSampler(lengths, {name: found["data"][name] for name in STREAMS}, seed=0))


def says(found, **wanted):
    assert {key: found[key] for key in wanted} == wanted


def test_the_sets():
    wanted = {"synth_train": 10000, "synth_valid": 2500, "weak_train": 1420, "weak_valid": 158, "unlabelled": 14412,
              "test": 1168, "fuss_train": 20000, "fuss_valid": 1000, "fuss_eval": 1000}  # fmt: skip
    sets = table("paper/sets.tsv")
    assert {name: int(sets[name]["count"]) for name in wanted} == wanted
    assert {row["seconds"] for row in sets.values()} == {"10.0"}


def test_every_set_is_one_that_something_is_made_from():
    """What is gathered is used: a set that no run and no row names costs hours and hides a mistake."""
    for recipe in ("desed_2021", "fsd_soundbeam"):
        used = " ".join(
            path.read_text() for name in ("runs", "rows", "groups")
            if (path := EGS / recipe / "conf" / f"{name}.tsv").exists()
        )  # fmt: skip
        scripts = " ".join(
            path.read_text() for path in [EGS / recipe / "run.sh", *(EGS / recipe / "local").glob("*.sh")]
        )
        for preset_name in ("paper", "mini", "smoke"):
            for name in table(f"{preset_name}/sets.tsv", recipe):
                words = used.replace(",", " ").split()
                assert name in words or recipe == "fsd_soundbeam" and name in scripts, (preset_name, name)


def test_the_detector():
    found = preset("sed")
    says(found, seed=42)
    says(found["data"], seconds=10.0, strong=12, weak=12, unlabelled=24)
    frontend = found["system"]["frontend"]
    says(frontend["spectrum"], sample_rate=16000, n_fft=2048, hop=256, n_mels=128, f_min=0.0, f_max=8000.0,
         mel_scale="htk", centred=True)  # fmt: skip
    says(frontend["compression"], floor=1e-5, clamp_db=[-50.0, 80.0])
    assert frontend["scaling"] == {"kind": "minmax"}, "[0, 1] in every version of the 2021 recipe"
    says(found["system"]["detector"], channels=[16, 32, 64, 128, 128, 128, 128], hidden=128, n_layers=2, dropout=0.5)
    assert parameters(detector(found)) == 1112420
    says(found["system"]["teaching"], consistency_weight=2.0, consistency="mse", ema_decay=0.999, view="same")
    assert found["system"]["mixup"] == {"probability": 0.5, "alpha": 0.2, "labels": "soft"}
    says(found["system"]["selection"], strong="intersection", median=pytest.approx(7 * 4 * 256 / 16000))
    says(found["optimisation"], learning_rate=1e-3, schedule="warmup", clip_norm=0.0, accumulate=1, weight_decay=0.0)
    says(found["schedule"], epochs=200, validate_every=1)
    assert batches(found) == 118
    for epochs in (found["optimisation"]["warmup_epochs"], found["system"]["teaching"]["ramp_epochs"]):
        assert epochs * batches(found) == 5900


def test_the_separators_of_jss():
    found = preset("sep")
    says(found["data"], seconds=10.0, batch=6)
    says(found["system"], sample_rate=16000, loss="mixit", form="snr", zero_mean=False, assignment="exact", allow=None,
         deny=None)  # fmt: skip
    separator = found["system"]["separator"]
    says(separator, kind="conv_tasnet", n_sources=4, n_filters=512, kernel=16, stride=8, bottleneck=128, hidden=512,
         skip=128, conv_kernel=3, n_blocks=4, n_repeats=1, mask="sigmoid", norm="gln",
         mixture_consistency=False)  # fmt: skip
    assert parameters(build(SEPARATORS, separator)) == 1153161
    says(found["optimisation"], learning_rate=1e-3, schedule="plateau", plateau_patience=5, plateau_factor=0.5,
         clip_norm=5.0)  # fmt: skip
    says(found["schedule"], epochs=200, patience=30)


def test_the_separator_of_ssep_sed():
    found = preset("tdcn")
    says(found["data"], seconds=10.0, batch=6)
    says(found["system"], sample_rate=16000, loss="mixit", form="thresholded", snr_max=30.0)
    separator = found["system"]["separator"]
    says(separator, kind="tdcn_mixit", n_sources=8, mixture_consistency="predicted")
    assert parameters(build(SEPARATORS, separator)) == 9067009
    says(found["optimisation"], learning_rate=1e-4)


def test_ssep_sed():
    found = preset("ssep_sed")
    says(found["data"], strong=1, weak=2, unlabelled=2, validation=1)
    says(found["system"], frozen_dropout=True)
    says(found["system"]["teaching"], consistency_weight=2.0, ema_decay=0.999)
    says(found["system"]["selection"], strong="intersection", median=0.448)
    says(found["optimisation"], learning_rate=1e-3, schedule="warmup", clip_norm=5.0, accumulate=64)
    says(found["schedule"], epochs=200, validate_every=5, patience=5)
    steps = -(-batches(found) // found["optimisation"]["accumulate"])
    assert batches(found) == 710 and steps == 12
    for epochs in (found["optimisation"]["warmup_epochs"], found["system"]["teaching"]["ramp_epochs"]):
        assert epochs * steps == 330


def test_joint():
    found = preset("joint")
    data, accumulate = found["data"], found["optimisation"]["accumulate"]
    assert [data[name] * accumulate for name in STREAMS] == [12, 12, 24], "the baseline's batch"
    says(found["system"], freeze_batch_norm=True, frozen_dropout=False)
    says(found["system"]["teaching"], consistency_weight=2.0, ema_decay=0.999)
    says(found["system"]["selection"], strong="intersection", median=0.448)
    says(found["optimisation"], learning_rate=1e-3, schedule="warmup")
    says(found["schedule"], epochs=200)


def test_the_measures():
    one, two = PSDS_2021
    assert (one.dtc, one.gtc, one.alpha_ct, one.alpha_st, one.max_efpr) == (0.7, 0.7, 0, 1, 100)
    assert (two.dtc, two.gtc, two.cttc, two.alpha_ct, two.alpha_st, two.max_efpr) == (0.1, 0.1, 0.3, 0.5, 1, 100)
    assert [(s.dtc, s.gtc, s.cttc, s.alpha_ct, s.alpha_st) for s in PSDS_2020] == [
        (0.5, 0.5, 0.3, 0, 0), (0.5, 0.5, 0.3, 1, 0), (0.5, 0.5, 0.3, 0, 1)
    ]  # fmt: skip
    assert len(OPERATING_POINTS) == 50
    assert {row["metrics"] for row in table("rows.tsv").values()} == {"events", "sources"}


def test_soundbeam():
    found = preset("tse", "fsd_soundbeam")
    says(found["data"], seconds=6.0)
    says(found["system"], sample_rate=8000, loss="snr", alternate=False)
    says(found["system"]["extractor"], n_filters=256, kernel=20, stride=10, bottleneck=256, hidden=512, conv_kernel=3,
         n_blocks=8, n_repeats=4, adaptation="stream", norm="gln")  # fmt: skip
    says(found["optimisation"], learning_rate=1e-4)
    says(found["schedule"], epochs=200)
    assert "embedding_weight=3.0" in table("runs.tsv", "fsd_soundbeam")["mixed_el"]["options"]
    sets = table("paper/sets.tsv", "fsd_soundbeam")
    wanted = {"train": 50000, "adapt": 1000, "valid": 10000, "test_seen": 10000, "test_new": 3000}
    assert {name: int(sets[name]["count"]) for name in wanted} == wanted
    assert {(row["seconds"], row["cut"]) for row in sets.values()} == {("6.0", "2,5")}
    assert "learning_rate=0.001 epochs=10" in (EGS / "fsd_soundbeam/conf/paper/sizes.sh").read_text()
