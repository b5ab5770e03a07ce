"""Ogg (Vorbis, Opus): the pages of a file, and the links of a chain, which are decoded one by one."""

from sedsep.data.formats.span import Look, Span

HEAD = 27  # bytes of a page before its table of segments
BEGINS, ENDS = 2, 4  # flags of a stream's first and last page


def look(data, size: int) -> Look:
    """The links of a file's bytes ``data``: a first page behind pages that are none begins another."""
    begins, position, flags, whole = [], 0, 0, True
    while position < size:
        if data[position : position + 4] != b"OggS" or position + HEAD > size:
            found = data.find(b"OggS", position + 1)
            if found < 0:
                break
            position = found
            continue
        before, flags, n = flags, data[position + 5], data[position + 26]
        if flags & BEGINS and not (begins and before & BEGINS):
            begins.append(position)
        end = position + HEAD + n + sum(data[position + HEAD : position + HEAD + n])
        whole = end <= size
        position = end
    spans = tuple(Span(first, last) for first, last in zip(begins, [*begins[1:], size]))
    rest = "" if flags & ENDS and whole else "its last page is missing: it was cut off"
    return Look(spans or None, rest=rest if spans else "", cut=not whole)
