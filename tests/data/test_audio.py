"""Audio files: exact round trips, equal bytes, and one clear line for every broken file."""

import struct

import numpy as np
import pytest
import soundfile
from scipy.io import wavfile

from sedsep.data import audio
from sedsep.errors import UserError

RATE = 16000


def noise(n=RATE, seed=0):
    return (0.1 * np.random.default_rng(seed).standard_normal(n)).astype(np.float32)


def test_float_round_trip_is_exact_and_has_equal_bytes(tmp_path):
    audio.write(tmp_path / "a.wav", noise(), RATE)
    audio.write(tmp_path / "b.wav", noise(), RATE)
    np.testing.assert_array_equal(audio.read(tmp_path / "a.wav", RATE), noise())
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()
    assert b"PEAK" not in (tmp_path / "a.wav").read_bytes()[:100]
    assert audio.info(tmp_path / "a.wav") == (RATE, 1, RATE, "FLOAT", "")


@pytest.mark.parametrize("subtype, dtype", [("FLOAT", np.float32), ("PCM_16", np.int16)])
@pytest.mark.parametrize("sounding", [slice(0, 0), slice(0, None), slice(3000, 3001), slice(0, 10), slice(8990, None)])
def test_files_with_silence_have_the_bytes_that_scipy_writes(tmp_path, subtype, dtype, sounding):
    samples = np.zeros(9000, dtype)
    samples[sounding] = 7 if dtype == np.int16 else -0.25
    audio.write(tmp_path / "ours.wav", samples / (32768 if dtype == np.int16 else 1), 16000, subtype)
    wavfile.write(tmp_path / "theirs.wav", 16000, samples)
    assert (tmp_path / "ours.wav").read_bytes() == (tmp_path / "theirs.wav").read_bytes()


def test_pcm_16_rounds_and_clips(tmp_path):
    audio.write(tmp_path / "a.wav", np.array([0.25, -2.0, 2.0], np.float32), RATE, subtype="PCM_16")
    np.testing.assert_array_equal(audio.read(tmp_path / "a.wav", RATE), np.float32([0.25, -1.0, 32767 / 32768]))


def test_eight_bit_stereo_at_44100_is_refused_with_the_cure_and_converted_on_request(tmp_path):
    path, time = tmp_path / "cd.wav", np.arange(44100) / 44100
    tone = 0.5 * np.sin(2 * np.pi * 440 * time)
    soundfile.write(path, np.stack([tone, tone / 2], 1), 44100, subtype="PCM_U8")
    with pytest.raises(UserError, match=r"44100 Hz with 2 channels; expected mono at 16000 Hz.*--fix"):
        audio.read(path, RATE)
    waveform = audio.read(path, RATE, convert=True)
    expected = 0.375 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)
    assert waveform.shape == (RATE,) and waveform.dtype == np.float32
    np.testing.assert_allclose(waveform[200:-200], expected[200:-200], atol=0.01)


@pytest.mark.parametrize("frequency, passes", [(1000, True), (7000, True), (8200, False), (12000, False)])
def test_resampling_keeps_the_band_and_removes_what_would_alias(frequency, passes):
    tone = np.sin(2 * np.pi * frequency * np.arange(44100) / 44100).astype(np.float32)
    level = 10 * np.log10(np.mean(audio.resample(tone, 44100, RATE)[500:-500] ** 2) / 0.5)
    assert abs(level) < 0.1 if passes else level < -70


def test_broken_files_give_one_clear_line(tmp_path):
    good = tmp_path / "good.wav"
    soundfile.write(good, noise(), RATE, subtype="PCM_16")
    whole = good.read_bytes()
    broken = {
        "empty.wav": (b"", "empty file"),
        "cut.wav": (whole[: len(whole) // 2], "truncated"),
        "header.wav": (whole[:20], "not readable"),
        "text.wav": (b"this is no sound at all, just some text", "not readable"),
        "none.wav": (whole[:40] + struct.pack("<I", 0), "no samples"),
    }
    for name, (content, message) in broken.items():
        (tmp_path / name).write_bytes(content)
        for call in (lambda p: audio.read(p, RATE), audio.info):
            with pytest.raises(UserError, match=message) as caught:
                call(tmp_path / name)
            assert name in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(UserError, match="no such audio file"):
        audio.read(tmp_path / "missing.wav", RATE)
    with pytest.raises(UserError, match="directory"):
        audio.read(tmp_path, RATE)


def test_truncated_flac_is_noticed(tmp_path):
    path = tmp_path / "a.flac"
    soundfile.write(path, noise(), RATE)
    path.write_bytes(path.read_bytes()[:-8000])
    with pytest.raises(UserError, match="truncated|decoded"):
        audio.read(path, RATE)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_not_finite_are_refused(tmp_path, value):
    waveform = noise()
    waveform[8000] = value
    audio.write(tmp_path / "a.wav", waveform, RATE)
    with pytest.raises(UserError, match="NaN or infinite samples .first at 0.500 s"):
        audio.read(tmp_path / "a.wav", RATE)


def test_a_failed_write_leaves_nothing(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="cannot write"):
        audio.write(tmp_path / "file" / "a.wav", noise(), RATE)
    with pytest.raises(UserError, match="cannot write"):
        audio.write("/proc/nowhere/a.wav", noise(), RATE)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file"]
