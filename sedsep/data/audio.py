"""Audio files: read, write, resample; every broken file ends in one clear line.

Reading is soundfile's (libsndfile); writing is a bare RIFF file without time stamps, so that equal samples are
equal bytes (libsndfile stamps its PEAK chunk with the time of day).
"""

import io
import math
import struct
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
from scipy.signal import firwin, resample_poly

from sedsep.errors import UserError
from sedsep.files import writing

UNKNOWN_SIZES = (0, 0xFFFFFFFF)  # what programs write into a header when they stream to a pipe
ZERO_CROSSINGS = 48  # half length of the resampling filter, in samples of the lower rate


class AudioInfo(NamedTuple):
    """Header of an audio file."""

    sample_rate: int
    n_channels: int
    n_samples: int
    subtype: str


def info(path) -> AudioInfo:
    """Header of an audio file.

    Raises:
        UserError: the file is missing, unreadable, truncated or has no samples.
    """
    with opened(path) as file:
        return AudioInfo(file.samplerate, file.channels, file.frames, file.subtype)


def read(path, sample_rate: int, convert: bool = False) -> np.ndarray:
    """Samples of a whole file as float32 ``(T,)``.

    Args:
        sample_rate: the rate that the caller works at, Hz.
        convert: mix channels to their mean and resample instead of refusing the file.

    Raises:
        UserError: the file is missing, unreadable, truncated, empty or holds NaN or infinity; without ``convert``
            also where it is not mono at ``sample_rate``.
    """
    header = info(path)
    if not convert and (header.sample_rate, header.n_channels) != (sample_rate, 1):
        raise UserError(
            f"{path}: {header.sample_rate} Hz with {header.n_channels} channel{'s' * (header.n_channels > 1)}; "
            f"expected mono at {sample_rate} Hz; 'sedsep validate DIR --fix OUT' makes a converted copy of a set"
        )
    samples, rate = read_all(path)
    waveform = samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1)
    return resample(waveform, rate, sample_rate)


def read_all(path) -> tuple:
    """Samples of a whole file as they are, ``(T, channels)`` float32, and their rate in Hz.

    Raises:
        UserError: the file is missing, unreadable, truncated, empty or holds NaN or infinity.
    """
    with opened(path) as file:
        rate, n_samples = file.samplerate, file.frames
        try:
            samples = file.read(dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise UserError(f"{path}: cannot be decoded ({error.error_string}); replace the file") from None
    if len(samples) < n_samples:
        raise UserError(f"{path}: truncated: {len(samples)} of {n_samples} samples; copy the file again")
    if not np.isfinite(samples).all():
        where = np.flatnonzero(~np.isfinite(samples).all(axis=1))[0] / rate
        raise UserError(f"{path}: holds NaN or infinite samples (first at {where:.3f} s); replace the file")
    return samples, rate


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


def opened(path) -> soundfile.SoundFile:
    """An audio file to read from. Raises UserError as :func:`info` does."""
    path = Path(path)
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise UserError(f"{path}: is a directory, not an audio file")
        if size == 0:
            raise UserError(f"{path}: empty file (0 bytes); copy it again")
        missing = _missing_bytes(path, size)
        if missing:
            raise UserError(f"{path}: truncated: {missing} bytes are missing at the end; copy the file again")
        file = soundfile.SoundFile(str(path))
    except FileNotFoundError:
        raise UserError(f"{path}: no such audio file") from None
    except soundfile.LibsndfileError as error:
        raise UserError(f"{path}: not readable as audio ({error.error_string}); replace the file") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    if file.frames == 0:
        file.close()
        raise UserError(f"{path}: no samples in the file; replace it")
    return file


def _missing_bytes(path: Path, size: int) -> int:
    """Bytes of a RIFF file's data chunk that lie beyond its end; libsndfile would shorten the sound silently."""
    with open(path, "rb") as file:
        if file.read(4) != b"RIFF":
            return 0
        position = 12
        while position + 8 <= size:
            file.seek(position)
            name, length = struct.unpack("<4sI", file.read(8))
            if name == b"data":
                return 0 if length in UNKNOWN_SIZES else max(0, position + 8 + length - size)
            position += 8 + length + length % 2
    return 0
