"""FLAC: one or several streams in a file, each told to the decoder as one of unknown length, so that it reads on."""

import re

from sedsep.data.formats.span import Look, Span

STREAM = re.compile(rb"fLaC[\x00\x80]\x00\x00\x22")  # with the head of its first block, which is always the same
TOTAL = 21  # place of the count of samples: 4 bits of this byte, and the four bytes behind it


def look(data, size: int) -> Look:
    """The streams of a file's bytes ``data``, and how many samples they promise together; None where one does not."""
    begins, spans, declared = [match.start() for match in STREAM.finditer(data)], [], 0
    for first, last in zip(begins, [*begins[1:], size]):
        if last - first < TOTAL + 5:
            continue
        total = int.from_bytes(data[first + TOTAL : first + TOTAL + 5], "big") & 0xFFFFFFFFF
        declared = None if total == 0 or declared is None else declared + total
        patch = bytes([data[first + TOTAL] & 0xF0, 0, 0, 0, 0])
        spans.append(Span(first, last, patch=(TOTAL, patch)))
    return Look(tuple(spans) or None, declared or None, unfilled=bool(spans) and not declared)
