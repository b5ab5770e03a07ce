"""Span: a part of a file that is decoded on its own, shown to the decoder as if it were a whole file."""

import io
from dataclasses import dataclass

TAIL = 128  # bytes at the very end where decoders of MP3 look for a title


@dataclass(frozen=True)
class Span:
    """Bytes ``first`` to ``last - 1`` of a file.

    Attributes:
        claim: how long the decoder is told that the span is, in bytes; one that guesses the length of the sound from
            it must not guess too little. 0: as long as it is.
        patch: ``(place in the span, bytes)`` that the decoder sees instead of those of the file.
        raw: whether these are bare samples, in the form that the file's header names; ``patch`` is then of the whole
            file, whose header it mends.
    """

    first: int
    last: int
    claim: int = 0
    patch: tuple = (0, b"")
    raw: bool = False


@dataclass(frozen=True)
class Look:
    """What a look at a file finds.

    Attributes:
        spans: one after the other they are the sound; empty where there is none. None: let the decoder judge.
        declared: samples, or with ``width`` bytes, that the header promises; None: it says nothing.
        unfilled: whether the header's length was never filled in.
        rest: what else is wrong, in words.
        cut: whether the file ends within a block of what it is made of, or has less of them than it says.
    """

    spans: tuple = None
    declared: int = None
    unfilled: bool = False
    rest: str = ""
    cut: bool = False


class Window(io.RawIOBase):
    """A span of an open file, as a file that can be read and sought in."""

    def __init__(self, file, span: Span):
        super().__init__()
        self.file, self.span, self.position = file, span, 0
        self.size = span.last - span.first
        self.claim = max(self.size, span.claim)

    def readable(self):
        """True."""
        return True

    def seekable(self):
        """True."""
        return True

    def tell(self):
        """Where it is, in bytes of the span."""
        return self.position

    def seek(self, offset, whence=io.SEEK_SET):
        """Go to a place, of the length that is claimed."""
        self.position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: self.claim}[whence]
        return self.position

    def readinto(self, buffer):
        """Fill ``buffer``; behind the real end is nothing, except zeros where a title might stand."""
        n = max(0, min(len(buffer), self.size - self.position))
        if n:
            self.file.seek(self.span.first + self.position)
            content = bytearray(self.file.read(n))
            place, patch = self.span.patch
            for index, value in enumerate(patch, place - self.position):
                if 0 <= index < len(content):
                    content[index] = value
        else:
            content = bytes(min(len(buffer), TAIL) if self.size < self.position >= self.claim - TAIL else 0)
        buffer[: len(content)] = content
        self.position += len(content)
        return len(content)
