"""Reader: an audio file from its first sample to its real end, block by block, whatever its header says.

The samples come from soundfile (libsndfile), which believes headers: it is shown the spans of the file in which sound
really is (``formats/``), one after the other.
"""

import mmap
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import soundfile

from sedsep import progress
from sedsep.data.formats import chunks, flac, foreign, mpeg, ogg
from sedsep.data.formats.span import Look, Span, Window
from sedsep.errors import UserError

BLOCK_SECONDS = 10.0
# Bytes of a sample in the forms of which bare samples can be read, in a file whose header is wrong.
BARE = {"PCM_S8": 1, "PCM_U8": 1, "ULAW": 1, "ALAW": 1, "PCM_16": 2, "PCM_24": 3, "PCM_32": 4, "FLOAT": 4, "DOUBLE": 8}


class Reader:
    """An audio file that is open for reading; a context.

    Attributes:
        sample_rate: Hz. n_channels: of them. subtype: how samples are stored, such as "PCM_16".
        n_samples: in the file; None where only decoding tells, until :meth:`blocks` has come to the end.
        wrong: what the header got wrong about the length, in words; certain when ``n_samples`` is.
        cut: whether the file lacks something of what was to be in it.

    Raises:
        UserError: the file is missing, unreadable or in a format that is not known, or has no samples.
    """

    def __init__(self, path):
        self.path, self.files = Path(path), []
        self.file = _file(self.path)
        try:
            self.look = self._look()
            self.spans = self.look.spans or (None,)
            bare = bool(self.look.spans) and self.look.spans[0].raw
            self.first = self._open(None if bare else self.spans[0])
            first = self.first
            self.sample_rate, self.n_channels, self.subtype = first.samplerate, first.channels, first.subtype
            if bare:
                self._take_bare()
            self.wrong, self.cut, self.n_samples = self.look.rest, self.look.cut, None
            self.decoded = self.first.format in ("FLAC", "OGG", "MP3")
            if not self.decoded:
                self._judge(self.first.frames)
                if self.first.frames == 0:
                    raise UserError(f"{path}: no samples in the file; replace it")
        except BaseException:
            self.close()
            raise

    def require_whole(self) -> None:
        """Raise UserError where the file was cut off; certain when all of it is read."""
        if self.cut:
            raise UserError(f"{self.path}: truncated: {self.wrong}; copy the file again")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self) -> None:
        """Close the file."""
        for file in (*self.files, self.file):
            file.close()

    def blocks(self, seconds: float = None):
        """Yield the samples, ``(T', n_channels)`` float32, once.

        Args:
            seconds: of a block; None takes :data:`BLOCK_SECONDS`.

        Raises:
            UserError: nothing can be decoded; samples are not finite; a part of the file has another rate or number of
                channels than what is before it.
        """
        size, done, damage = max(1, round((seconds or BLOCK_SECONDS) * self.sample_rate)), 0, ""
        size = min(size, self.n_samples or size)
        for index, span in enumerate(self.spans):
            file = self._open(span) if index else self.first
            self._must_fit(file, done)
            while not damage:
                block, damage = _read(file, size)
                if not len(block):
                    break
                if not np.isfinite(block).all():
                    where = (done + np.flatnonzero(~np.isfinite(block).all(axis=1))[0]) / self.sample_rate
                    raise UserError(
                        f"{self.path}: holds NaN or infinite samples (first at {where:.3f} s); replace the file"
                    )
                done += len(block)
                yield block
        if not done:
            raise UserError(f"{self.path}: cannot be decoded ({damage or 'no samples in the file'}); replace the file")
        if self.decoded:
            self._judge(done)
        elif done < self.n_samples:
            damage = damage or f"{done} of {self.n_samples} samples"
        if damage:
            self.cut = True
            self.wrong = self.wrong or f"cannot be decoded beyond {done / self.sample_rate:.3f} s ({damage})"
        self.n_samples = done

    def _look(self) -> Look:
        """Where the sound is, by what the file begins with."""
        head, size = self.file.read(4), self.path.stat().st_size
        if head in chunks.KINDS:
            return chunks.look(self.file, size)
        with mmap.mmap(self.file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            if head == b"OggS":
                return ogg.look(data, size)
            start = mpeg.title_end(data, 0) or 0
            if data[start : start + 4] == b"fLaC":
                return flac.look(data, size)
            return mpeg.look(data, size) if start or mpeg.frame(data, 0) else Look()

    def _open(self, span):
        """A span, or the whole file, as soundfile opens it."""
        try:
            found = _Straight(str(self.path) if span is None else Window(self.file, span))
        except soundfile.LibsndfileError:
            raise UserError(f"{self.path}: {foreign.cure(self.path)}") from None
        self.files.append(found)
        return found

    def _take_bare(self) -> None:
        """Read the samples without the header, which is wrong about their number, in the form that it names; with the
        header mended, where they cannot be read without."""
        bare = self.spans[0]
        if self.subtype not in BARE:
            self.spans = (Span(0, bare.last, patch=bare.patch),)
            self.first = self._open(self.spans[0])
            there = max(1, bare.last - bare.first)  # bytes; blocks of such forms hold equally many samples
            declared = round(self.first.frames * self.look.declared / there)
        else:
            form = self.sample_rate, self.n_channels, self.subtype, chunks.order(self.file), "RAW"
            self.first = _Straight(Window(self.file, Span(bare.first, bare.last)), "r", *form)
            self.files.append(self.first)
            declared = self.look.declared // (BARE[self.subtype] * self.n_channels)
        self.look = replace(self.look, declared=declared)

    def _must_fit(self, file, done):
        """Raise UserError where what follows in a file is not like what was before."""
        if (file.samplerate, file.channels) != (self.sample_rate, self.n_channels):
            where = done / self.sample_rate
            raise UserError(
                f"{self.path}: from {where:.3f} s on it has {file.samplerate} Hz and {file.channels} channel(s), "
                f"before {self.sample_rate} Hz and {self.n_channels}; {foreign.conversion(self.path)}"
            )

    def _judge(self, n_samples) -> None:
        """Compare what is there with what the header says."""
        self.n_samples, declared = n_samples, self.look.declared
        there = f"{n_samples / self.sample_rate:.3f} s"
        if self.look.unfilled:
            self.wrong = f"its header does not say how long it is; all of it is read, {there}"
        elif declared is not None and declared != n_samples:
            says = f"its header declares {declared / self.sample_rate:.3f} s"
            self.cut = declared > n_samples
            only = f"only {there} are there; it was cut off"
            self.wrong = f"{says}, and {only if self.cut else f'{there} are there; all of it is read'}"


class _Straight(soundfile.SoundFile):
    """A file that is read straight on: soundfile seeks after every block, which fails where the length is not known."""

    def seekable(self):
        return False


def _read(file, size):
    """The next samples, and why there are no more where that is not the end of the file."""
    block = np.full((size, file.channels), np.nan, np.float32)
    try:
        return file.read(out=block), ""
    except soundfile.LibsndfileError as error:
        # How much of the block was decoded before is told by what is no longer in it.
        unread = np.isnan(block).all(axis=1)
        return block[: unread.argmax() if unread.any() else size], error.error_string.strip()


def _file(path):
    try:
        if path.is_dir():
            raise UserError(f"{path}: is a directory, not an audio file")
        if path.stat().st_size == 0:
            raise UserError(f"{path}: empty file (0 bytes); copy it again")
        return open(path, "rb")
    except FileNotFoundError:
        raise UserError(f"{path}: no such audio file") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None


@cache
def say(path, wrong: str) -> None:
    """Tell the user, once, what is wrong with a file that is read all the same."""
    progress.say(f"sedsep: {path}: {wrong}")
