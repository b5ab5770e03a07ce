"""Reader: to the real end of a file, whatever its header says; what it got wrong is said, and foreign formats named."""

import struct

import numpy as np
import pytest
import soundfile

from sedsep.data import audio, reader, stream
from sedsep.data.reader import Reader
from sedsep.errors import UserError

RATE, LENGTH = 16000, 48000


def noise(n=LENGTH, channels=1, seed=0):
    return 0.1 * np.random.default_rng(seed).standard_normal((n, channels))


def encoded(path, samples=None, rate=RATE, **options):
    """The bytes of an audio file."""
    soundfile.write(path, noise() if samples is None else samples, rate, **options)
    return path.read_bytes()


def heard(path):
    """Samples ``(T, channels)``, what the header got wrong, and whether the file was cut off."""
    with Reader(path) as found:
        samples = np.concatenate(list(found.blocks(0.7)))
        assert found.n_samples == len(samples)
        return samples, found.wrong, found.cut


def with_size(wav, size, riff=None):
    """A WAV file's bytes with another length of its samples."""
    at = wav.index(b"data") + 4
    riff = wav[4:8] if riff is None else struct.pack("<I", riff)
    return wav[:4] + riff + wav[8:at] + struct.pack("<I", size) + wav[at + 4 :]


@pytest.mark.parametrize("subtype, channels", [("PCM_16", 1), ("PCM_24", 2), ("PCM_U8", 3), ("FLOAT", 1), ("ULAW", 1)])
@pytest.mark.parametrize(
    "size, riff, words",
    [
        (0, None, "does not say how long"),
        (0, 36, "does not say how long"),
        (0x7FFFF000, 0x7FFFF024, "does not say how long"),
        (0xFFFFFFFF, 0xFFFFFFFF, "does not say how long"),
        (24000, None, "3.000 s are there; all of it is read"),
    ],
)
def test_wav_whose_length_is_no_length(tmp_path, subtype, channels, size, riff, words):
    path = tmp_path / "a.wav"
    whole = encoded(path, noise(channels=channels), subtype=subtype)
    expected = heard(path)[0]
    path.write_bytes(with_size(whole, size, riff))
    samples, wrong, cut = heard(path)
    np.testing.assert_array_equal(samples, expected)
    assert words in wrong and not cut
    assert audio.info(path) == (RATE, channels, LENGTH, subtype, wrong)
    np.testing.assert_array_equal(np.concatenate(list(stream.blocks(path))), expected)


def test_wav_that_declares_more_is_read_where_it_may_be_partial(tmp_path, capsys):
    path = tmp_path / "a.wav"
    path.write_bytes(encoded(path, subtype="PCM_16")[:-32000])
    reader.say.cache_clear()
    assert len(audio.read(path, RATE, partial=True)) == 32000 == len(audio.read(path, RATE, partial=True))
    said = capsys.readouterr().err
    assert said == f"sedsep: {path}: its header declares 3.000 s, and only 2.000 s are there; it was cut off\n"
    for call in (audio.info, lambda p: audio.read(p, RATE)):
        with pytest.raises(UserError, match="truncated: its header declares 3.000 s"):
            call(path)


@pytest.mark.parametrize(
    "behind", [b"LIST\x04\0\0\0abcd", b"id3 \x02\0\0\0ab", b"TAG" + bytes(125), b"\0", b"xyz \x03\0\0\0abc"]
)
@pytest.mark.parametrize("n", [LENGTH, LENGTH - 1])
def test_what_follows_the_samples_is_no_sound(tmp_path, behind, n):
    path = tmp_path / "a.wav"
    whole = encoded(path, noise(n), subtype="PCM_U8")
    path.write_bytes(whole + behind)
    assert len(heard(path)[0]) == n and heard(path)[1] == ""


@pytest.mark.parametrize("n", [LENGTH, 4001])
def test_a_recording_behind_another_is_read(tmp_path, n):
    path = tmp_path / "a.wav"
    whole = encoded(path, noise(n), subtype="PCM_U8")
    expected = heard(path)[0]
    path.write_bytes(whole * 3)
    np.testing.assert_array_equal(heard(path)[0], np.concatenate([expected] * 3))
    assert heard(path)[1:] == ("", False)


@pytest.mark.parametrize(
    "form, sign, behind, width, counted",
    [("RF64", b"ds64", 16, "<Q", 0), ("W64", b"data\xf3\xac", 16, "<Q", 24), ("AIFF", b"SSND", 4, ">I", 8)],
)
def test_other_containers(tmp_path, form, sign, behind, width, counted):
    path = tmp_path / "a.bin"
    whole = encoded(path, subtype="PCM_16", format=form)
    expected = heard(path)
    assert len(expected[0]) == LENGTH and expected[1:] == ("", False)
    path.write_bytes(whole[:-32000])
    samples, wrong, cut = heard(path)
    np.testing.assert_array_equal(samples, expected[0][:32000])
    assert cut and "only 2.000 s are there" in wrong
    at, few = whole.index(sign) + behind, struct.pack(width, 32000 + counted)
    path.write_bytes(whole[:at] + few + whole[at + len(few) :])
    samples, wrong, cut = heard(path)
    np.testing.assert_array_equal(samples, expected[0])
    assert not cut and "declares 1.000 s, and 3.000 s are there" in wrong


def flac_total(flac, total):
    """FLAC bytes that declare another number of samples."""
    return flac[:21] + bytes([flac[21] & 0xF0 | total >> 32]) + struct.pack(">I", total & 0xFFFFFFFF) + flac[26:]


@pytest.mark.parametrize("total, words", [(0, "does not say how long"), (LENGTH // 3, "declares 1.000 s, and 3.000 s")])
@pytest.mark.parametrize("channels", [1, 2])
def test_flac_of_unknown_or_wrong_length(tmp_path, total, words, channels):
    path = tmp_path / "a.flac"
    whole = encoded(path, noise(channels=channels))
    expected = heard(path)
    assert len(expected[0]) == LENGTH and expected[1:] == ("", False)
    path.write_bytes(flac_total(whole, total))
    samples, wrong, cut = heard(path)
    np.testing.assert_array_equal(samples, expected[0])
    assert words in wrong and not cut


def test_flac_that_was_cut_off_is_read_as_far_as_it_goes(tmp_path):
    path = tmp_path / "a.flac"
    whole = encoded(path)
    for content in (whole, flac_total(whole, 0)):
        path.write_bytes(content[: len(whole) // 2])
        samples, wrong, cut = heard(path)
        assert cut and 0.4 * LENGTH < len(samples) < 0.51 * LENGTH and wrong
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="truncated: its header declares 3.000 s, and only 1"):
        audio.info(path)


def mp3(tmp_path, seconds, level, seed=0, rate=RATE, channels=1):
    samples = noise(seconds * rate, channels, seed)
    whole = encoded(tmp_path / "part.mp3", samples, rate, bitrate_mode="CONSTANT", compression_level=level)
    return whole


def bare(mp3_bytes):
    """Without the frame that holds a tag."""
    from sedsep.data.formats import mpeg

    return mp3_bytes[mpeg.frame(mp3_bytes, 0).length :]


def test_mp3_whose_bit_rate_changes(tmp_path):
    path = tmp_path / "a.mp3"
    loud, quiet = bare(mp3(tmp_path, 4, 0.0)), bare(mp3(tmp_path, 8, 0.99))
    for content in (loud + quiet, quiet + loud):
        path.write_bytes(content)
        samples, wrong, cut = heard(path)
        assert 12 * RATE <= len(samples) < 12.4 * RATE and not cut and wrong == ""
        assert audio.info(path).n_samples == len(samples) == len(audio.read(path, RATE))


def test_mp3_behind_mp3_is_read(tmp_path):
    path = tmp_path / "a.mp3"
    one, other = mp3(tmp_path, 2, 0.3), mp3(tmp_path, 3, 0.3, seed=1)
    title = b"TAG" + bytes(125), b"ID3\x03\0\0\0\0\x01\0" + bytes(128)
    for content in (
        one + other,
        one + title[0] + other,
        title[1] + one + title[1] + other + title[0],
        one + bare(other),
    ):
        path.write_bytes(content)
        samples, wrong, cut = heard(path)
        assert abs(len(samples) - 5 * RATE) < 0.2 * RATE and not cut and wrong == "", len(samples) / RATE
    path.write_bytes(one)
    samples = heard(path)[0]
    assert len(samples) == 2 * RATE and np.corrcoef(samples[:, 0], noise(2 * RATE)[:, 0])[0, 1] > 0.5  # not shifted


def test_mp3_that_was_cut_off_is_noticed(tmp_path):
    path = tmp_path / "a.mp3"
    whole = mp3(tmp_path, 4, 0.3)
    path.write_bytes(whole[: len(whole) // 2])
    samples, wrong, cut = heard(path)
    assert 1.8 * RATE < len(samples) < 2.2 * RATE and cut and "cut off" in wrong
    path.write_bytes(bare(whole)[:-50])
    assert "cut off" in heard(path)[1]


def test_a_part_of_another_form_is_named(tmp_path):
    path = tmp_path / "a.mp3"
    for other in ({"rate": 44100}, {"channels": 2}):
        path.write_bytes(mp3(tmp_path, 2, 0.3) + mp3(tmp_path, 2, 0.3, **other))
        with pytest.raises(UserError, match=r"from 2\.\d+ s on it has .* convert it, like this: ffmpeg -i"):
            heard(path)


@pytest.mark.parametrize("subtype, rate", [("VORBIS", RATE), ("OPUS", 48000)])
def test_links_of_an_ogg_chain_are_read_and_a_cut_is_noticed(tmp_path, subtype, rate):
    path = tmp_path / "a.ogg"
    whole = encoded(path, noise(2 * rate), rate, format="OGG", subtype=subtype)
    samples, wrong, cut = heard(path)
    assert abs(len(samples) - 2 * rate) < 0.03 * rate and wrong == "" and not cut
    chained = whole + encoded(path, noise(3 * rate, seed=1), rate, format="OGG", subtype=subtype)
    path.write_bytes(chained)
    samples, wrong, cut = heard(path)
    assert abs(len(samples) - 5 * rate) < 0.05 * rate and wrong == "" and not cut
    path.write_bytes(chained[:-4000])
    assert heard(path)[2] and "cut off" in heard(path)[1]


@pytest.mark.parametrize(
    "head, words",
    [
        (b"\0\0\0\x1cftypM4A \0\0\0\0", "MPEG-4"),
        (b"\x1aE\xdf\xa3\0\0\0\0", "Matroska"),
        (b"#!AMR\n", "AMR"),
        (b"nothing that anybody knows", "no format that is known here"),
    ],
)
def test_foreign_formats_are_named_with_the_command_that_converts_them(tmp_path, head, words):
    path = tmp_path / "my phone.m4a"
    path.write_bytes(head + bytes(500))
    with pytest.raises(UserError, match=words) as error:
        audio.read(path, RATE, convert=True)
    assert f"convert it, like this: ffmpeg -i '{path}' '{path.with_suffix('.wav')}'" in str(error.value)
    path.rename(tmp_path / "wrong.wav")
    with pytest.raises(UserError, match="wrong.wav .*wrong_converted.wav"):
        audio.info(tmp_path / "wrong.wav")


BLOCKED = [("WAV", "IMA_ADPCM", "FILE"), ("WAV", "MS_ADPCM", "FILE"), ("WAV", "GSM610", "FILE"),
           ("AIFF", "IMA_ADPCM", "FILE"), ("AIFF", "PCM_16", "LITTLE"), ("AIFF", "FLOAT", "FILE"),
           ("AIFF", "ULAW", "FILE"), ("AIFF", "PCM_U8", "FILE")]  # fmt: skip


@pytest.mark.parametrize("form, subtype, endian", BLOCKED)
def test_adpcm_in_wav_and_aiff_c_are_not_believed_either(tmp_path, form, subtype, endian):
    path, sign, data, skip = tmp_path / "a", *{"WAV": ("<I", b"data", 0), "AIFF": (">I", b"SSND", 8)}[form]
    whole = encoded(path, format=form, subtype=subtype, endian=endian)
    assert form == "WAV" or whole[8:12] == b"AIFC"
    expected, wrong, cut = heard(path)
    assert len(expected) >= LENGTH and not wrong and not cut
    at = whole.index(data) + 4
    length = struct.unpack_from(sign, whole, at)[0] - skip
    for said, words in ((length // 2, "1.5"), (0, "does not say how long"), (0x7FFFF000, "does not say how long")):
        path.write_bytes(whole[:at] + struct.pack(sign, said + skip) + whole[at + 4 :])
        samples, wrong, cut = heard(path)
        np.testing.assert_array_equal(samples, expected)
        assert words in wrong and not cut
    path.write_bytes(whole[: len(whole) * 2 // 3])
    samples, wrong, cut = heard(path)
    assert cut and "it was cut off" in wrong and len(samples) == pytest.approx(len(expected) * 2 / 3, rel=0.05)
    np.testing.assert_array_equal(samples[:-1100], expected[: len(samples) - 1100])  # but for the block that was cut
    with pytest.raises(UserError, match="truncated"):
        audio.read(path, RATE)
