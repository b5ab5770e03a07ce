"""Streams: recordings of any length read, resampled and written block by block; memory does not grow with them."""

import contextlib
import math
import struct

import numpy as np

from sedsep.data.audio import ZERO_CROSSINGS, resample
from sedsep.data.reader import Reader, say
from sedsep.errors import UserError
from sedsep.files import writing

LARGEST = 2**32 - 2**12  # bytes that fit into a RIFF file with its headers


def blocks(path, partial: bool = True):
    """Yield a file's samples from its beginning to its real end, ``(T', n_channels)`` float32.

    Where its header is wrong about the length, that is said.

    Args:
        partial: take what is there of a file that was cut off, and say so, instead of refusing it.

    Raises:
        UserError: the file is missing, unreadable, empty or holds NaN or infinity; or was cut off.
    """
    with Reader(path) as reader:
        yield from reader.blocks()
        if not partial:
            reader.require_whole()
        if reader.wrong:
            say(path, reader.wrong)


def mono(path, partial: bool = True):
    """Yield a file's samples ``(T',)``, the mean of its channels. Raises UserError as :func:`blocks` does."""
    return (block[:, 0] if block.shape[1] == 1 else block.mean(axis=1) for block in blocks(path, partial))


def convert(waveform, old_rate: int, new_rate: int):
    """Blocks ``(T',)`` of a waveform at ``old_rate`` -> blocks at ``new_rate``, as resampled in one piece.

    >>> whole = np.sin(np.arange(44100, dtype=np.float32))
    >>> parts = list(convert(np.split(whole, 7), 44100, 8000))
    >>> len(parts) > 1, bool(np.allclose(np.concatenate(parts), resample(whole, 44100, 8000), atol=1e-6))
    (True, True)
    """
    common = math.gcd(old_rate, new_rate)
    up, down = new_rate // common, old_rate // common
    margin = down * (1 + ZERO_CROSSINGS * max(up, down) // (up * down))  # what the filter reaches, in old samples
    held, start, done = np.zeros(0, np.float32), 0, 0  # start of what is held, in old samples; done, in new ones
    for block in waveform:
        held = np.concatenate([held, block])
        safe = (start + len(held) - margin) // down * down
        if safe <= start:
            continue
        offset, ready = start // down * up, safe // down * up
        if ready > done:
            yield resample(held, old_rate, new_rate)[done - offset : ready - offset]
            done = ready
        keep = max(start, safe - margin)
        held, start = held[keep - start :], keep
    yield resample(held, old_rate, new_rate)[done - start // down * up :]


def check_size(path, n_channels: int, n_samples: int) -> None:
    """Raise UserError where a 32-bit float file of so many samples would be larger than WAV allows."""
    if 4 * n_samples * n_channels > LARGEST:
        raise UserError(f"{path}: would be larger than the 4 GB that WAV allows; cut the recording into parts")


@contextlib.contextmanager
def wave_file(path, sample_rate: int, n_channels: int, n_samples: int):
    """Yield ``write(block)`` for blocks ``(T', n_channels)``, which together make a 32-bit float WAV file.

    The file appears when all ``n_samples`` are written.

    Raises:
        UserError: the disk is full, or the file would be larger than WAV allows.
    """
    check_size(path, n_channels, n_samples)
    size, width = 4 * n_samples * n_channels, 4 * n_channels
    form = struct.pack("<4sIHHIIHHH", b"fmt ", 18, 3, n_channels, sample_rate, sample_rate * width, width, 32, 0)
    fact, data = struct.pack("<4sII", b"fact", 4, n_samples), struct.pack("<4sI", b"data", size)
    with writing(path) as temporary, open(temporary, "wb") as file:
        file.write(struct.pack("<4sI4s", b"RIFF", 4 + len(form) + len(fact) + len(data) + size, b"WAVE"))
        file.write(form + fact + data)
        yield lambda block: file.write(np.ascontiguousarray(block, "<f4").tobytes())
