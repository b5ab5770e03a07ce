"""Extract: recordings of any rate, length and channels; parts add up; long equals whole; memory is bounded."""

import os
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import torch

from sedsep import progress
from sedsep.apply import extract as extracting
from sedsep.apply.extract import extract, extract_all
from sedsep.apply.long import LongExtraction
from sedsep.apply.model import load
from sedsep.apply.recordings import places, recordings
from sedsep.data import audio, stream
from sedsep.errors import Incomplete, Interrupted, UserError

rng = np.random.default_rng(0)


def recording(path, seconds, rate=8000, channels=1, subtype="FLOAT"):
    loudness = np.linspace(0.02, 0.5, round(seconds * rate))[:, None]
    soundfile.write(path, loudness * rng.uniform(-1, 1, (len(loudness), channels)), rate, subtype)
    return path


def read(path):
    return soundfile.read(path, dtype="float32", always_2d=True)[0]


@pytest.mark.parametrize("rate, channels, suffix", [(8000, 1, "wav"), (44100, 2, "flac"), (11025, 1, "wav"),
                                                    (48000, 3, "wav")])  # fmt: skip
def test_parts_add_up_to_the_recording(tmp_path, extractor, rate, channels, suffix):
    path = recording(tmp_path / f"a.{suffix}", 1.3, rate, channels, "PCM_16")
    model = load(extractor())
    extract(model, path, model.clues(["High", "Low"]), tmp_path / "out")
    parts = [read(tmp_path / "out" / f"{name}.wav") for name in ("High", "Low", "rest")]
    np.testing.assert_allclose(sum(parts), read(path), atol=1e-6)
    assert all(part.any() for part in parts) and soundfile.info(tmp_path / "out/rest.wav").samplerate == rate
    assert sorted(p.name for p in (tmp_path / "out").glob("*.wav")) == ["High.wav", "Low.wav", "rest.wav"]


def test_a_short_recording_is_extracted_by_the_network_as_it_is(tmp_path, extractor):
    path = recording(tmp_path / "a.wav", 1.0)
    model = load(extractor())
    wanted = model.clues(["High"])
    extract(model, path, wanted, tmp_path / "out")
    with torch.no_grad():
        embedding = torch.from_numpy(wanted["High"]).view(1, 1, -1)
        whole = model.system.extractor(torch.from_numpy(read(path).T), embedding)[0, 0].numpy()
    found = read(tmp_path / "out/High.wav")[:, 0]
    assert np.linalg.norm(found - whole) < 1e-4 * np.linalg.norm(whole)


def test_ten_minutes_in_pieces_equal_the_whole(tmp_path, extractor):
    sizes = {"n_filters": 16, "kernel": 64, "stride": 32, "bottleneck": 8, "hidden": 8, "n_blocks": 6, "n_repeats": 2}
    model = load(extractor("long", extractor=sizes))
    path = recording(tmp_path / "long.wav", 600.0)
    wanted = {"High": model.system.embed_class("High").detach().numpy()}
    extract(model, path, wanted, tmp_path / "out")
    with torch.no_grad():
        whole = model.system.extractor(torch.from_numpy(read(path).T), torch.from_numpy(wanted["High"]).view(1, 1, -1))
    whole, found = whole[0, 0].numpy(), read(tmp_path / "out/High.wav")[:, 0]
    for second in range(600):  # of every second, the loud and the quiet ones
        part = slice(8000 * second, 8000 * second + 8000)
        error, power = np.sum((found[part] - whole[part]) ** 2), np.sum(whole[part] ** 2)
        assert 10 * np.log10(power / error) > 40, second


# The peak of a program's own memory, in kB, after a short recording and after a long one. (What getrusage says is at
# least that of the tests, which start it.)
PEAK = """
import sys
from sedsep.apply.enrol import means, shots_of
from sedsep.apply.extract import extract
from sedsep.apply.model import load
model = load(sys.argv[1])

def extracts(path):
    extract(model, path, {"High": model.system.embed_class("High").detach().numpy()}, path + ".out")

def enrols(path):
    model.clues(like=[path])
    means(model, shots_of("bark", [path], model))

for path in sys.argv[3:]:
    locals()[sys.argv[2]](path)
    print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
"""


@pytest.mark.parametrize("does, rate, channels, megabytes", [("extracts", 8000, 1, 19), ("enrols", 16000, 2, 77)])
def test_memory_does_not_grow_with_a_recording(tmp_path, extractor, does, rate, channels, megabytes):
    sizes = {"n_filters": 16, "kernel": 64, "stride": 32, "bottleneck": 8, "hidden": 64, "n_blocks": 3, "n_repeats": 2}
    model = extractor("long", extractor=sizes)
    paths = [recording(tmp_path / f"{s}.wav", s, rate=rate, subtype="PCM_16", channels=channels) for s in (60, 600)]
    assert abs(600 * rate * channels * 4 / 1e6 - megabytes) < 1, "what it would grow by"
    command = [sys.executable, "-c", PEAK, model, does, *paths]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    short, long = (int(line) / 1024 for line in done.stdout.split())
    assert long < short + 12, (short, long)  # MB; by more it would grow with the recording in memory


def test_an_example_in_pieces_is_their_mean_without_pauses(tmp_path, extractor, tone):
    model = load(extractor())
    model.enrolment_seconds = 0.25
    noise = 0.1 * rng.standard_normal(8000)
    audio.write(tmp_path / "a.wav", noise, 8000)
    quarters = [model.embedding([part]) for part in np.split(noise.astype(np.float32), 4)]
    np.testing.assert_allclose(model.example(tmp_path / "a.wav"), np.mean(quarters, 0), atol=1e-5)
    np.testing.assert_allclose(model.embedding([noise.astype(np.float32)]), np.mean(quarters, 0), atol=1e-5)
    paused = noise.copy()
    paused[2000:6000] *= 1e-4
    audio.write(tmp_path / "b.wav", paused, 8000)
    np.testing.assert_allclose(model.example(tmp_path / "b.wav"), np.mean([quarters[0], quarters[3]], 0), atol=1e-5)


@pytest.mark.parametrize("milliseconds", [0.5, 2.5, 20])
def test_a_click_is_an_example(tmp_path, extractor, milliseconds):
    model = load(extractor())
    audio.write(tmp_path / "click.wav", 0.3 * np.ones(round(8 * milliseconds)), 8000)
    assert np.isfinite(model.clues(like=[tmp_path / "click.wav"])["click"]).all()
    audio.write(tmp_path / "silent.wav", np.zeros(8000), 8000)
    with pytest.raises(UserError, match="silent.wav: silent"):
        model.clues(like=[tmp_path / "silent.wav"])


def test_progress_is_in_seconds_of_audio(tmp_path, extractor, monkeypatch):
    seen, plain = [], progress.bar

    def bar(total, unit, description=""):
        made = plain(total, unit, description)
        update = made.update
        made.update = lambda n: (seen.append((made.n, total, unit)), update(n))
        return made

    monkeypatch.setattr(progress, "bar", bar)
    model = load(extractor())
    extract(model, recording(tmp_path / "a.wav", 20.0, channels=2), model.clues(["High", "Low"]), tmp_path / "out")
    assert {(total, unit) for _, total, unit in seen} == {(80, "s")}
    assert len({n for n, _, _ in seen}) > 40 and max(n for n, _, _ in seen) <= 80


def test_what_would_not_fit_into_a_file_is_said_before_the_work(tmp_path, extractor, monkeypatch):
    def work(*arguments, **options):
        raise AssertionError("hours of work for nothing")

    model, path = load(extractor()), recording(tmp_path / "a.wav", 1.0)
    monkeypatch.setattr(stream, "LARGEST", 4 * 8000 - 1)
    monkeypatch.setattr(extracting, "LongExtraction", work)
    with pytest.raises(UserError, match="rest.wav: would be larger than the 4 GB"):
        extract(model, path, model.clues(["High"]), tmp_path / "out")


def test_examples_and_classes(tmp_path, extractor, tone):
    model = load(extractor())
    examples = [tone("bark.one.wav", 440), tone("b.wav", 880, rate=16000)]
    wanted = model.clues(["Low"], examples)
    assert list(wanted) == ["Low", "bark.one"]
    single = [model.clues(like=[path]).popitem()[1] for path in examples]
    np.testing.assert_allclose(wanted["bark.one"], np.mean(single, 0), atol=1e-6)
    inside = np.sin(2 * np.pi * 440 * np.arange(4000) / 8000).astype(np.float32)
    np.testing.assert_allclose(single[0], model.embedding([0.3 * inside]), atol=0.05)


def test_what_cannot_be_asked_for(tmp_path, extractor, tone):
    model = load(extractor())
    for arguments, message in (
        ((), "nothing to extract"),
        ((["Hihg"],), "no class 'Hihg'"),
        (((), [tone("rest.wav")]), "'rest' is the name of what is left over"),
    ):
        with pytest.raises(UserError, match=message):
            extract(model, recording(tmp_path / "m.wav", 1.0), model.clues(*arguments), tmp_path / "out")
    with pytest.raises(UserError, match="takes no examples"):
        load(extractor("onehot", clue="onehot")).clues(like=[tone("a.wav")])


def test_a_failed_extraction_leaves_nothing(tmp_path, extractor, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    model = load(extractor())
    path = recording(tmp_path / "a.wav", 1.0)
    monkeypatch.setattr(LongExtraction, "_decode", full)
    with pytest.raises(UserError, match="out: No space left"):
        extract(model, path, {"High": np.ones(8, np.float32)}, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_recording_shorter_than_a_frame(tmp_path, extractor):
    audio.write(tmp_path / "a.wav", np.full(5, 0.1), 8000)
    model = load(extractor())
    extracting.extract(model, tmp_path / "a.wav", {"High": np.ones(8, np.float32)}, tmp_path / "out")
    parts = [read(tmp_path / f"out/{name}.wav") for name in ("High", "rest")]
    np.testing.assert_allclose(sum(parts)[:, 0], 0.1, atol=1e-7)


def test_more_sounds_of_a_recording_join_those_that_are_there(tmp_path, extractor):
    path, out = recording(tmp_path / "a.wav", 1.3, 44100, 2), tmp_path / "out"
    model = load(extractor())
    extract(model, path, model.clues(["High"]), out)
    high = (out / "High.wav").read_bytes()
    extract(model, path, model.clues(["Low"]), out)
    assert (out / "High.wav").read_bytes() == high
    parts = [read(out / f"{name}.wav") for name in ("High", "Low", "rest")]
    np.testing.assert_allclose(sum(parts), read(path), atol=1e-6)
    extract(model, path, model.clues(["Low"]), out, overwrite=True)
    assert sorted(p.name for p in out.glob("*.wav")) == ["Low.wav", "rest.wav"]


def test_what_was_extracted_from_another_recording_or_by_another_model_is_not_replaced(tmp_path, extractor):
    one, other, out = recording(tmp_path / "a.wav", 1.0), recording(tmp_path / "b.wav", 1.0), tmp_path / "out"
    model = load(extractor())
    extract(model, one, model.clues(["High"]), out)
    before = (out / "High.wav").read_bytes()
    with pytest.raises(UserError, match="another recording .*a.wav.*--overwrite"):
        extract(model, other, model.clues(["High"]), out)
    second = load(extractor("second", seed=1))
    with pytest.raises(UserError, match="another model.*--overwrite"):
        extract(second, one, second.clues(["High"]), out)
    assert (out / "High.wav").read_bytes() == before
    extract(second, one, second.clues(["High"]), out, overwrite=True)
    assert (out / "High.wav").read_bytes() != before


def test_a_list_keeps_what_is_done(tmp_path, extractor, capsys, monkeypatch):
    model = load(extractor())
    (tmp_path / "bad.wav").write_bytes(b"no sound")
    files = [recording(tmp_path / "a.wav", 0.5), tmp_path / "bad.wav", recording(tmp_path / "c.wav", 0.5)]
    found = places(recordings(files=files), files, tmp_path / "out")
    with pytest.raises(Incomplete, match="2 of 3 recordings extracted from, 1 left out") as error:
        extract_all(model, found, model.clues(["High"]))
    assert error.value.code == 3 and "bad.wav: not readable as audio" in capsys.readouterr().err
    assert all((tmp_path / "out" / name / "High.wav").is_file() for name in "ac")
    with pytest.raises(UserError, match="bad.wav: not readable"):
        extract_all(model, found, model.clues(["High"]), strict=True)

    def stop(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(LongExtraction, "run", stop)
    with pytest.raises(Interrupted, match="0 of 3 recordings are extracted from"):
        extract_all(model, found, model.clues(["High"]))
    assert (tmp_path / "out/a/High.wav").is_file()


def test_a_recording_whose_header_is_wrong_is_extracted_to_its_end(tmp_path, extractor):
    path = recording(tmp_path / "a.flac", 1.5, subtype="PCM_16")
    expected, whole = read(path), path.read_bytes()
    path.write_bytes(whole[:21] + bytes([whole[21] & 0xF0, 0, 0, 0, 0]) + whole[26:])
    model = load(extractor())
    extract(model, path, model.clues(["High"]), tmp_path / "out")
    parts = [read(tmp_path / f"out/{name}.wav") for name in ("High", "rest")]
    np.testing.assert_allclose(sum(parts), expected, atol=1e-6)
