"""MPEG audio (MP3): the frames that a file is made of, in links that are decoded one by one.

A decoder guesses how long a file is from its first frame, or believes a tag there. Both are wrong where the bit rate
changes and where recordings were put one behind the other.
"""

import struct
from typing import NamedTuple

from sedsep.data.formats.span import Look, Span

CLAIM = 1000  # no later frame is so many times larger than the first
BIT_RATES = {  # kbit/s by (first version, layer)
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
RATES = (44100, 48000, 32000)


class Frame(NamedTuple):
    """Header of a frame: its bytes, its form (rate, mono, version, layer), where a tag in it would stand."""

    length: int
    form: tuple
    tag: int


def frame(data, position: int):
    """The frame that begins at ``position`` of ``data``, or None.

    >>> frame(bytes([0xFF, 0xFB, 0x90, 0xC0]), 0)
    Frame(length=417, form=(44100, True, 3, 3), tag=21)
    """
    head = data[position : position + 4]
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer, rate = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3), head[2] >> 2 & 3
    bits, mono = head[2] >> 4, head[3] >> 6 == 3
    if version == 1 or layer == 4 or rate == 3 or bits in (0, 15):
        return None
    first = version == 3
    sample_rate = RATES[rate] >> (0 if first else 1 if version == 2 else 2)
    bits, padding = 1000 * BIT_RATES[first, layer][bits], head[2] >> 1 & 1
    if layer == 1:
        length = 4 * (12 * bits // sample_rate + padding)
    else:
        length = (72 if layer == 3 and not first else 144) * bits // sample_rate + padding
    side = (17 if mono else 32) if first else (9 if mono else 17)
    return Frame(length, (sample_rate, mono, version, layer), 4 + side + (0 if head[1] & 1 else 2))


def title_end(data, position):
    """Where a title (ID3, APE) that begins at ``position`` ends; None where there is none."""
    if data[position : position + 3] == b"ID3":
        a, b, c, d = data[position + 6 : position + 10].ljust(4, b"\0")
        return position + 10 + (a << 21 | b << 14 | c << 7 | d)
    if data[position : position + 3] == b"TAG":
        return position + 128
    if data[position : position + 8] == b"APETAGEX":
        return position + 32 + int.from_bytes(data[position + 12 : position + 16], "little")
    return None


def look(data, size: int) -> Look:
    """The links of a file's bytes ``data``. A link ends where a tag begins another, where a tag's count of frames is
    reached and more follow, at a change of form, and at bytes that are no frame."""
    links, position, whole = [], 0, True
    link = None  # first byte, end, frames, what its tag says, where that count was reached, form
    while position < size:
        found = frame(data, position)
        follows = found and position + found.length
        if found and (follows >= size or frame(data, follows) or title_end(data, follows) or link):
            said = _tag(data, position, found)
            if link is None or said is not None or found.form != link["form"]:
                link = {"first": position, "frames": 0, "said": said or 0, "reached": None, "form": found.form}
                links.append(link)
            if said is None:
                link["frames"] += 1
            whole = follows <= size
            position = link["end"] = min(follows, size)
            if link["said"] and link["frames"] == link["said"]:
                link["reached"] = position
        else:
            link, position = None, title_end(data, position) or _next(data, position, size)
    spans, lacking = [], 0
    for link in links:
        ends = [link["end"]]
        if link["said"] and link["frames"] > link["said"] + 1:  # some tags count themselves
            ends = [link["reached"], link["end"]]
        lacking += link["frames"] + 1 < link["said"]
        first = link["first"]
        for end in ends:
            spans.append(Span(first, end, CLAIM * (end - first)))
            first = end
    rest = "its last frame is incomplete: it may have been cut off" if links and not whole else ""
    if lacking:
        rest = "it has less frames than it says: it was cut off"
    return Look(tuple(spans) or None, rest=rest, cut=bool(lacking))


def _tag(data, position, found):
    """How many frames a tag in this frame promises, 0 for a tag that does not say, None for a frame of sound."""
    start = position + found.tag
    if data[start : start + 4] in (b"Xing", b"Info"):
        return struct.unpack(">I", data[start + 8 : start + 12])[0] if data[start + 7] & 1 else 0
    if data[position + 36 : position + 40] == b"VBRI":
        return struct.unpack(">I", data[position + 50 : position + 54])[0]
    return None


def _next(data, position, size):
    """Where, behind ``position``, two frames follow each other or a title begins; else the end."""
    while 0 <= (position := data.find(b"\xff", position + 1)) < size:
        found = frame(data, position)
        if found and frame(data, position + found.length):
            return position
    return size
