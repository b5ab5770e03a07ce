"""The FUSS numbers of a set with one to four sources without labels, from files to results, tables and reports."""

import json

import numpy as np
import pandas as pd
import pytest

from sedsep.data import audio
from sedsep.data.manifest import Clip, write_set
from sedsep.data.tables import Stem
from sedsep.errors import UserError
from sedsep.evaluate.report.columns import COLUMNS
from sedsep.evaluate.score import output as outputs
from sedsep.evaluate.score.score import read_truth, results, score, table, write
from sedsep.metrics import fuss

RATE, SECONDS = 8000, 0.1
NAMES = [
    "fuss-1-source-si-snr", "fuss-2-source-si-snri", "fuss-3-source-si-snri", "fuss-4-source-si-snri",
    "fuss-multi-source-si-snri", "fuss-under-separated", "fuss-equally-separated", "fuss-over-separated",
]  # fmt: skip


@pytest.fixture
def make_fuss(tmp_path):
    """``make_fuss(counts)`` -> set and outputs; clip i has ``counts[i]`` sources, a background first.

    Clip i is separated into all its sources but one (i % 3 = 0), all (1), or all and one more (2); others silent.
    """

    def make(counts, name="set"):
        rng, clips = np.random.default_rng(len(counts)), []
        for index, count in enumerate(counts):
            sources = (0.1 * rng.standard_normal((count, round(RATE * SECONDS)))).astype(np.float32)
            stems = []
            for number, source in enumerate(sources):
                role = "foreground" if number else "background"
                path = tmp_path / name / "stems" / str(index) / f"{role}{number}.wav"
                audio.write(path, source, RATE)
                stems.append(Stem(path, "", role, f"{index}_{number}"))
            path = tmp_path / name / "audio" / f"{index}.wav"
            audio.write(path, sources.sum(0), RATE)
            clips.append(Clip(path.name, path, SECONDS, stems=tuple(stems)))
            found = np.zeros((5, sources.shape[1]), np.float32)
            heard = sources + 0.01 * rng.standard_normal(sources.shape).astype(np.float32)
            n_found = max(0, count - 1 + index % 3)
            found[:n_found] = np.concatenate([heard, heard[:1]])[:n_found][::-1]
            for slot, waveform in enumerate(found):
                folder = tmp_path / f"{name}_out" / "separated" / str(index)
                audio.write(folder / f"source{slot}.wav", waveform, RATE)
        write_set(tmp_path / name, ("sound",), clips)
        return tmp_path / name, tmp_path / f"{name}_out"

    return make


def scored(directory, out, bootstrap=0):
    found, truth = outputs.read(read_truth(directory), out)
    return truth, found, score(truth, found, ["fuss"], bootstrap=bootstrap)


def test_numbers_are_means_over_sources_and_fractions_of_clips(make_fuss):
    directory, out = make_fuss([1, 1, 2, 2, 3, 4, 4, 1, 3])
    truth, found, numbers = scored(directory, out)
    assert [number.name for number in numbers] == NAMES
    by_count, signs = {}, []
    for name, clip in truth.clips.items():
        files = sorted((out / "separated" / name[:-4]).iterdir()), [stem.path for stem in clip.stems]
        estimates, references = (np.stack([audio.read(path, RATE) for path in paths]) for paths in files)
        one = fuss.measure(estimates, references, audio.read(clip.path, RATE))
        by_count.setdefault(one.n_references, []).append(one)
        signs.append(np.sign(one.n_outputs - one.n_references))
    values = {number.name: number.value for number in numbers}
    details = {number.name: number.details for number in numbers}
    assert values[NAMES[0]] == pytest.approx(np.concatenate([one.si_snr for one in by_count[1]]).mean())
    assert 15 < values[NAMES[0]] < 25
    pooled = []
    for count in (2, 3, 4):
        improvements = np.concatenate([one.improvement for one in by_count[count]])
        pooled.append(improvements)
        name = f"fuss-{count}-source-si-snri"
        assert values[name] == pytest.approx(improvements.mean())
        assert details[name]["standard_deviation"] == pytest.approx(improvements.std())
        assert details[name]["sources"] == len(improvements) and details[name]["clips"] == len(by_count[count])
    assert values[NAMES[4]] == pytest.approx(np.concatenate(pooled).mean())
    assert details[NAMES[4]]["unmatched_references"] == 18 - sum(map(len, pooled)) > 0
    assert [values[name] for name in NAMES[5:]] == [signs.count(sign) / 9 for sign in (-1, 0, 1)] == [1 / 3] * 3
    entries = results(truth, found, numbers)["metrics"]
    assert all(entry["id"].startswith(name + "[") and entry["data"].startswith("stems:")
               for name, entry in entries.items())  # fmt: skip
    assert "rms>1e-08" in entries[NAMES[0]]["id"] and "epsilon=1e-08" in entries[NAMES[0]]["id"]
    assert [entries[name]["unit"] for name in NAMES] == ["dB"] * 5 + ["fraction"] * 3


def test_without_clips_of_so_many_sources_there_is_no_value(make_fuss, tmp_path):
    truth, found, numbers = scored(*make_fuss([1, 2, 2]), bootstrap=10)
    entries = results(truth, found, numbers, bootstrap=10)["metrics"]
    missing = entries["fuss-4-source-si-snri"]
    assert missing["value"] is None and missing["standard_deviation"] is None and missing["sources"] == 0
    assert missing["replicates"] == [None] * 10 and missing["interval_95"] == [None, None]
    assert entries["fuss-2-source-si-snri"]["value"] == entries["fuss-multi-source-si-snri"]["value"] is not None
    assert "fuss-4-source-si-snri      -" in table(truth, numbers)
    json.dumps(entries, allow_nan=False)


def test_bootstrap_and_single_clips(make_fuss, tmp_path):
    truth, found, numbers = scored(*make_fuss([1, 2, 3, 4] * 3), bootstrap=40)
    for number in numbers:
        known = number.replicates[~np.isnan(number.replicates)]
        assert len(number.replicates) == 40 and known.min() <= number.value <= known.max()
    path = write(tmp_path / "out.json", results(truth, found, numbers), numbers, with_clips=True)
    rows = pd.read_csv(path, sep="\t")
    for number in numbers:
        assert rows[rows["metric"] == number.name]["value"].mean() == pytest.approx(number.value), number.name
    one = rows[rows["metric"] == "fuss-2-source-si-snri"].iloc[0]
    assert one["references"] == 2 and one["reference"].endswith(".wav") and one["estimate"].startswith("source")


def test_what_cannot_be_measured_is_skipped_and_counted(make_fuss):
    directory, out = make_fuss([2, 2, 2, 2, 2])
    values = {number.name: number.value for number in scored(directory, out)[2]}
    for name in ("background0", "foreground1"):
        audio.write(directory / "stems" / "0" / f"{name}.wav", np.zeros(800, np.float32), RATE)
    stems = directory / "stems.tsv"
    stems.write_text(stems.read_text().replace("stems/3/foreground1.wav", ""))
    for path in (out / "separated" / "4").iterdir():
        path.unlink()
    numbers = {number.name: number for number in scored(directory, out)[2]}
    assert all(number.details["silent_clips"] == number.details["clips_lacking_stems"] == 1
               for number in numbers.values())  # fmt: skip
    assert numbers["fuss-2-source-si-snri"].details["clips"] == 2
    assert numbers["fuss-over-separated"].value == 1 / 2 and values["fuss-over-separated"] == 1 / 5


def test_bad_requests(make_fuss, make_set, make_scores):
    directory, out = make_fuss([2])
    with pytest.raises(UserError, match="fuss needs separated sources"):
        plain = make_set("plain", stems=True)
        scored(plain, make_scores("system", plain))
    audio.write(out / "separated" / "0" / "source0.wav", np.zeros(10, np.float32), RATE)
    with pytest.raises(UserError, match="source0.wav: 10 samples, but its mixture has 800"):
        scored(directory, out)
    for path in [*(out / "separated" / "0").iterdir()]:
        path.unlink()
    with pytest.raises(UserError, match="fuss found no clip"):
        scored(directory, out)


def test_columns_of_reports_name_the_numbers():
    assert {column.metric for column in COLUMNS.values() if column.asked == "fuss"} <= set(NAMES)
    assert COLUMNS["multi_source"].unit.number(12.34) == "12.3" and COLUMNS["under"].unit.number(0.256) == "0.26"
