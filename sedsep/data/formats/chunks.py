"""Files made of chunks with bare samples in one of them: WAV, RF64, W64 and AIFF.

Programs that stream write the length of the samples before they know it; recorders that lose power never fill it in;
a length beyond 4 GiB wraps around. So what counts is where the samples begin, and where the file, or a chunk that
really follows them, says that they end.
"""

import string
import struct
from typing import NamedTuple

from sedsep.data.formats.span import Look, Span, Window

PLACEHOLDER = 0x7F000000  # a file that ends long before so large a length was written by a program that streamed
PRINTABLE = frozenset((string.ascii_letters + string.digits + " _-").encode())
AFTER = {b"LIST", b"id3 ", b"ID3 ", b"bext", b"cue ", b"smpl", b"iXML", b"JUNK", b"PAD ", b"PEAK", b"fact", b"axml",
         b"afsp", b"_PMX", b"wamd", b"guan", b"COMT", b"MARK", b"NAME", b"ANNO", b"AUTH", b"INST"}  # fmt: skip
W64_DATA = b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"


class Kind(NamedTuple):
    """How a kind of file is laid out."""

    first: int  # offset of the first chunk
    name: int  # bytes of a chunk's name
    size: str  # form of its length
    counted: int  # bytes that the length counts besides the content
    align: int  # of chunks
    data: bytes  # name of the chunk with the samples
    skip: int  # bytes before them in it


BIG = (b"RIFX", b"FORM")  # whose numbers begin with their largest byte
AIFC_LITTLE = (b"sowt", b"42ni", b"23ni")  # except samples of AIFF-C in these forms
KINDS = {
    b"RIFF": Kind(12, 4, "<I", 0, 2, b"data", 0),
    b"RIFX": Kind(12, 4, ">I", 0, 2, b"data", 0),
    b"RF64": Kind(12, 4, "<I", 0, 2, b"data", 0),
    b"FORM": Kind(12, 4, ">I", 0, 2, b"SSND", 8),
    b"riff": Kind(40, 16, "<Q", 24, 8, W64_DATA, 0),
}


def look(file, size: int) -> Look:
    """Where the samples of an open file of ``size`` bytes are; the declared length is in bytes.

    Where the header is right, or there is no chunk with samples, the decoder may judge for itself (``spans`` None).
    """
    kind, large, field = KINDS[_at(file, 0, 4)], None, None
    for name, position, start, length in _chunks(file, kind, size):
        if name == b"ds64":
            large, field = int.from_bytes(_at(file, start + 8, 8), "little"), (start + 8, "<Q", 0)
        if name == kind.data:
            if large is None or length != 0xFFFFFFFF:
                large, field = length, (position + kind.name, kind.size, kind.counted)
            return _samples(file, size, kind, start + kind.skip, max(0, large - kind.skip), field)
    return Look()


def order(file) -> str:
    """How the bytes of a sample stand in an open file: "BIG" or "LITTLE", as soundfile calls it."""
    form, kind = _at(file, 0, 4), KINDS[_at(file, 0, 4)]
    if _at(file, 8, 4) == b"AIFC":
        forms = (_at(file, start + 18, 4) for name, _, start, _ in _chunks(file, kind) if name == b"COMM")
        return "LITTLE" if next(forms, b"") in AIFC_LITTLE else "BIG"
    return "BIG" if form in BIG else "LITTLE"


def _chunks(file, kind, size=None):
    """Yield the chunks of a file: name, where it begins, where its content does, and the length of that."""
    position = kind.first
    while (size is None or position < size) and (chunk := _chunk(file, kind, position)):
        name, length = chunk
        start = position + kind.name + struct.calcsize(kind.size)
        yield name, position, start, length
        position = start + length + -(start + length) % kind.align


def _samples(file, size, kind, start, length, field) -> Look:
    """``field``: where the length stands, in which form, and how many bytes it counts besides the chunk's content."""
    place, form, counted = field
    real = struct.pack(form, min(size - start + kind.skip + counted, 256 ** struct.calcsize(form) - 1))
    whole = Span(start, size, patch=(place, real), raw=True)
    end = start + length
    if end > size:
        unfilled = length >= PLACEHOLDER
        return Look((whole,), length, unfilled, cut=not unfilled)
    if not _sound_follows(file, size, kind, end):
        return Look(_one_by_one(file, size, kind, end))
    return Look((whole,), length, unfilled=length == 0)


def _sound_follows(file, size, kind, end) -> bool:
    """Whether what stands behind the declared end is sound: more than a byte of padding, and no chunk or title."""
    if size - end <= kind.align:
        return False
    for begin in {end, end + -end % kind.align}:
        name, *length = _chunk(file, kind, begin) or (_at(file, begin, 4),)
        fits = length and begin + kind.name + struct.calcsize(kind.size) + length[0] <= size + kind.align
        if name[:4] in AFTER or name[:3] in (b"TAG", b"ID3") or (set(name[:4]) <= PRINTABLE and fits):
            return False
    return True


def _one_by_one(file, size, kind, end):
    """The recordings of a file in which another stands behind the first; else None."""
    for begin in (end, end + -end % kind.align):
        if _at(file, begin, 4) in KINDS:
            rest = Span(begin, size)
            behind = [span for span in look(Window(file, rest), size - begin).spans or () if not span.raw]
            found = [Span(begin + span.first, begin + span.last) for span in behind]
            return (Span(0, begin), *(found or [rest]))
    return None


def _chunk(file, kind, position):
    """Name and length of the chunk that begins at ``position``; None where the file has no room for one."""
    width = struct.calcsize(kind.size)
    head = _at(file, position, kind.name + width)
    if len(head) < kind.name + width:
        return None
    return head[: kind.name], max(0, struct.unpack(kind.size, head[kind.name :])[0] - kind.counted)


def _at(file, position, n) -> bytes:
    file.seek(position)
    return file.read(n)
