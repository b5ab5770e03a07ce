"""Streams: block by block gives what the whole file gives, for reading, resampling and writing."""

import numpy as np
import pytest
import soundfile

from sedsep.data import audio, reader, stream
from sedsep.errors import UserError

rng = np.random.default_rng(0)


@pytest.mark.parametrize("old, new", [(44100, 8000), (8000, 44100), (48000, 8000), (8000, 48000), (11025, 8000),
                                      (8000, 8000), (7999, 8000)])  # fmt: skip
@pytest.mark.parametrize("length, block", [(30000, 997), (30000, 20000), (50, 7), (1, 1)])
def test_resampling_in_blocks_is_that_of_the_whole(old, new, length, block):
    waveform = rng.standard_normal(length).astype(np.float32)
    pieces = [waveform[first : first + block] for first in range(0, length, block)]
    found = np.concatenate(list(stream.convert(pieces, old, new)))
    expected = audio.resample(waveform, old, new)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_reading_and_writing_in_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "BLOCK_SECONDS", 0.1)
    samples = rng.standard_normal((4000, 2)).astype(np.float32)
    with stream.wave_file(tmp_path / "a.wav", 8000, 2, 4000) as write:
        for first in range(0, 4000, 999):
            write(samples[first : first + 999])
        assert not (tmp_path / "a.wav").exists()
    found, rate = soundfile.read(tmp_path / "a.wav", dtype="float32")
    assert rate == 8000 and soundfile.info(tmp_path / "a.wav").subtype == "FLOAT"
    np.testing.assert_array_equal(found, samples)
    parts = list(stream.blocks(tmp_path / "a.wav"))
    assert len(parts) == 5
    np.testing.assert_array_equal(np.concatenate(parts), samples)
    with stream.wave_file(tmp_path / "mono.wav", 8000, 1, 4000) as write:
        write(samples[:, :1])
    np.testing.assert_array_equal(audio.read(tmp_path / "mono.wav", 8000), samples[:, 0])


def test_bad_files_are_one_clear_line(tmp_path):
    samples = np.ones(8000, np.float32)
    samples[5000] = np.nan
    soundfile.write(tmp_path / "nan.wav", samples, 8000, "FLOAT")
    with pytest.raises(UserError, match="nan.wav: holds NaN"):
        list(stream.blocks(tmp_path / "nan.wav"))
    with pytest.raises(UserError, match="no such audio file"):
        list(stream.blocks(tmp_path / "none.wav"))
    with pytest.raises(UserError, match="larger than the 4 GB that WAV"):
        with stream.wave_file(tmp_path / "huge.wav", 48000, 2, 2**30):
            pass
    assert not (tmp_path / "huge.wav").exists()
