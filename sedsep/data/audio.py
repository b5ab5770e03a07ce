"""Audio files: read, write, resample; every broken file ends in one clear line.

Reading is ``reader.py``'s; writing is a bare RIFF file without time stamps, so that equal samples are equal bytes
(libsndfile stamps its PEAK chunk with the time of day).
"""

import io
import math
import struct
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.signal import firwin, resample_poly

from sedsep.data.reader import Reader, say
from sedsep.errors import UserError
from sedsep.files import writing

ZERO_CROSSINGS = 48  # half length of the resampling filter, in samples of the lower rate


class AudioInfo(NamedTuple):
    """What an audio file holds; ``wrong`` says what its header got wrong about its length."""

    sample_rate: int
    n_channels: int
    n_samples: int
    subtype: str
    wrong: str = ""


def info(path) -> AudioInfo:
    """What an audio file really holds; one that is compressed is decoded to find out.

    Raises:
        UserError: the file is missing, unreadable, truncated or has no samples.
    """
    with Reader(path) as reader:
        if reader.n_samples is None:
            for _ in reader.blocks():
                pass
        reader.require_whole()
        return AudioInfo(reader.sample_rate, reader.n_channels, reader.n_samples, reader.subtype, reader.wrong)


def form(path) -> tuple:
    """Sample rate in Hz and number of channels of an audio file. Raises UserError as :func:`info` does."""
    with Reader(path) as reader:
        return reader.sample_rate, reader.n_channels


def read(path, sample_rate: int, convert: bool = False, partial: bool = False) -> np.ndarray:
    """Samples of a whole file as float32 ``(T,)``. Where its header is wrong about the length, that is said.

    Args:
        sample_rate: the rate that the caller works at, Hz.
        convert: mix channels to their mean and resample instead of refusing the file.
        partial: take what is there of a file that was cut off instead of refusing it.

    Raises:
        UserError: the file is missing, unreadable, truncated, empty or holds NaN or infinity; without ``convert``
            also where it is not mono at ``sample_rate``.
    """
    rate, n_channels = form(path)
    if not convert and (rate, n_channels) != (sample_rate, 1):
        raise UserError(
            f"{path}: {rate} Hz with {n_channels} channel{'s' * (n_channels > 1)}; "
            f"expected mono at {sample_rate} Hz; 'sedsep validate DIR --fix OUT' makes a converted copy of a set"
        )
    samples, rate = read_all(path, partial)
    waveform = samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1)
    return resample(waveform, rate, sample_rate)


def read_all(path, partial: bool = False) -> tuple:
    """Samples of a whole file as they are, ``(T, channels)`` float32, and their rate in Hz; ``partial`` as in
    :func:`read`.

    Raises:
        UserError: the file is missing, unreadable, truncated, empty or holds NaN or infinity.
    """
    with Reader(path) as reader:
        blocks = list(reader.blocks(reader.n_samples and reader.n_samples / reader.sample_rate))
        if not partial:
            reader.require_whole()
        if reader.wrong:
            say(path, reader.wrong)
        return blocks[0] if len(blocks) == 1 else np.concatenate(blocks), reader.sample_rate


def write(path, waveform: np.ndarray, sample_rate: int, subtype: str = "FLOAT") -> None:
    """Write ``(T,)`` samples as a mono WAV file, atomically.

    Args:
        subtype: "FLOAT" (32 bit, exact) or "PCM_16" (rounded; beyond full scale is clipped).

    Raises:
        UserError: the disk is full or cannot be written.
    """
    assert waveform.ndim == 1, waveform.shape
    if subtype == "PCM_16":
        samples = np.clip(np.round(waveform * 32768.0), -32768, 32767).astype(np.int16)
    elif subtype == "FLOAT":
        samples = np.ascontiguousarray(waveform, np.float32)
    else:
        raise ValueError(f"subtype {subtype!r}: FLOAT or PCM_16")
    sounding = samples != 0
    first, last = 0, 0
    if sounding.any():
        first, last = sounding.argmax(), len(samples) - sounding[::-1].argmax()
    with writing(path) as temporary, open(temporary, "wb") as file:
        file.write(_header(samples, sample_rate))
        # The silence around a stem's event becomes a hole in the file: it reads as zeros and costs nothing to write.
        start = file.tell()
        file.seek(first * samples.itemsize, io.SEEK_CUR)
        file.write(samples[first:last].data)
        file.truncate(start + samples.nbytes)


def _header(samples: np.ndarray, sample_rate: int) -> bytes:
    """The RIFF header of mono samples, int16 or float32; the latter have the fact chunk that the format demands."""
    width, is_float = samples.itemsize, samples.dtype == np.float32
    layout = (3 if is_float else 1, 1, sample_rate, sample_rate * width, width, 8 * width)
    chunks = struct.pack("<4sIHHIIHH", b"fmt ", 18 if is_float else 16, *layout)
    if is_float:
        chunks += struct.pack("<H4sII", 0, b"fact", 4, len(samples))
    chunks += struct.pack("<4sI", b"data", samples.nbytes)
    return struct.pack("<4sI4s", b"RIFF", 4 + len(chunks) + samples.nbytes, b"WAVE") + chunks


def resample(waveform: np.ndarray, old_rate: int, new_rate: int) -> np.ndarray:
    """``(T,)`` at ``old_rate`` -> ``(ceil(T * new_rate / old_rate),)`` float32 at ``new_rate``.

    >>> resample(np.ones(441, np.float32), 44100, 16000).shape
    (160,)
    """
    if old_rate == new_rate:
        return waveform
    common = math.gcd(old_rate, new_rate)
    up, down = new_rate // common, old_rate // common
    return resample_poly(waveform, up, down, window=_lowpass(max(up, down))).astype(np.float32)


@lru_cache(maxsize=8)
def _lowpass(factor: int) -> np.ndarray:
    """A windowed sinc whose stop band (-90 dB) begins at the lower rate's Nyquist frequency.

    scipy's own default is three times shorter and lets about a tenth of the band alias.
    """
    return firwin(2 * ZERO_CROSSINGS * factor + 1, 0.94 / factor, window=("kaiser", 9.0)).astype(np.float32)
