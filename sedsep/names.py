"""Names of classes, clips and recordings: one Unicode form for all, and lists of names as text that reads back.

macOS writes an accent as a letter of its own (NFD), keyboards and other systems join it to its letter (NFC); the two
look the same. Names become NFC where they enter; paths stay as the disk has them (``files.located`` finds those).
"""

import re
import unicodedata

PLAIN = re.compile(r'[^\s",](?:[^,]*[^\s,])?', re.DOTALL)  # stands in a list as it is
IN_LIST = re.compile(r'\s*(?:"((?:[^"]|"")*)"\s*|([^,]*))(,|\Z)', re.DOTALL)


def normal(name: str) -> str:
    r"""The name in Unicode's normal form C.

    >>> normal("Cafe\u0301") == "Caf\u00e9"
    True
    """
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def natural(name: str) -> list:
    """Sorts ``fold10`` behind ``fold9``.

    >>> sorted(["mean10", "mean5", "10", "9"], key=natural)
    ['9', '10', 'mean5', 'mean10']
    """
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name) if part]


def is_text(name: str) -> bool:
    """Whether a name is UTF-8, as all that is written is; a file's name on a disk may be anything."""
    return not any("\ud800" <= character <= "\udfff" for character in name)


def fault(name: str) -> str:
    r"""Why a name cannot be a class's, or an empty string: it stands in lines, in lists, and becomes a file's name.

    >>> fault("Speech, male"), fault("Dog "), fault("a\tb")
    ('', 'has spaces around it', 'has a tab, a line break or another control character in it')
    """
    if not name:
        return "is empty"
    if any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in name):
        return "has a tab, a line break or another control character in it"
    if not is_text(name):
        return "is not UTF-8"
    if name != name.strip().strip("\ufeff"):
        return "has spaces around it"
    return "has a '/' in it, and names become names of files" if "/" in name else ""


def join(names) -> str:
    """Names as one text, joined by commas (DESED's form); one that would not read back is quoted as in CSV.

    >>> join(["Dog", "Speech, male"])
    'Dog,"Speech, male"'
    """
    return ",".join(name if PLAIN.fullmatch(name) else '"' + name.replace('"', '""') + '"' for name in names)


def split(text: str, known=()) -> tuple:
    """The names that :func:`join` joined; spaces around commas and empty places do not count.

    Args:
        known: names that the list may hold; other programs join ``Speech, male`` without quotes.

    >>> split('Dog, "Speech, male"'), split("Speech, male,Dog", ("Dog", "Speech, male"))
    (('Dog', 'Speech, male'), ('Speech, male', 'Dog'))
    """
    names, start = [], 0
    while start <= len(text):
        found = IN_LIST.match(text, start)
        quoted, plain, comma = found.groups()
        names.append(plain.strip() if quoted is None else quoted.replace('""', '"'))
        start = found.end() if comma else len(text) + 1
    parts = [normal(name) for name in names if name]
    return tuple(parts if all(name in known for name in parts) else _rejoined(normal(text), parts, known))


def _rejoined(text, parts, known):
    """Parts of a list that no one quoted: runs of them that are one known name, the longest first."""
    pieces, found, first = text.split(","), [], 0
    while first < len(pieces):
        runs = ((last, ",".join(pieces[first:last]).strip()) for last in range(len(pieces), first, -1))
        last, name = next((run for run in runs if run[1] in known), (0, ""))
        if not last:
            return parts
        found.append(name)
        first = last
    return found
