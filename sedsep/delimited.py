r"""Delimited text: rows of fields as text that reads back equal, and as people's programs save it.

A field stands as it is. One that holds the separator or a line break, or begins with a quote, is quoted as in CSV
(RFC 4180), which spreadsheets, pandas and sed_scores_eval read too. A quote inside of a name, or one that is never
closed, is a letter like any other.
"""

import re

from sedsep.names import normal

OTHER_NAMES = {  # of columns, in lower case, in the tables of other programs
    "filename": ("file", "file_name", "audio_filename", "fname"),
    "onset": ("event_onset", "onset_time", "start", "start_time", "begin"),
    "offset": ("event_offset", "offset_time", "end", "end_time", "stop"),
    "event_label": ("label", "class", "event"),
    "event_labels": ("labels", "tags"),
    "duration": ("length", "seconds"),
}


def line(fields, separator="\t") -> str:
    r"""One row as text, with its line break.

    >>> line(["a, b.wav", 'say "hi".wav', "1\n2"])
    'a, b.wav\tsay "hi".wav\t"1\n2"\n'
    """
    texts = [_quoted(text) if _needs_quotes(text, separator) else text for text in fields]
    if not "".join(texts).strip():  # as it stands it would be a blank line
        texts[0] = _quoted(fields[0])
    return separator.join(texts) + "\n"


def rows(text: str, separator="\t") -> list:
    r"""``[(line of the file, [field, ...]), ...]``; blank lines, and lines of empty fields, are no rows.

    Lines end as any system ends them: ``\n``, ``\r\n`` or ``\r``.

    >>> rows('a\tb\r\n\r\n"1\n2"\t3')
    [(1, ['a', 'b']), (3, ['1\n2', '3'])]
    """
    if '"' in text:
        return list(_quoted_rows(text, separator))
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    split = ((number, found.split(separator)) for number, found in enumerate(lines, start=1))
    return [(number, fields) for number, fields in split if "".join(fields).strip()]


def table(text: str, required=()) -> tuple:
    """Header row and other rows, by the separator that gives the required columns; where none does, the most columns.

    Returns:
        ``([column, ...], [(line of the file, [field, ...]), ...])``; a required column by its own name.
    """
    tried = []
    for separator in "\t,;":
        (_, head), *body = rows(text, separator) or [(0, [""])]
        tried.append((_columns(head, required), body))
        if set(required) <= set(tried[-1][0]):
            return tried[-1]
    return max(tried, key=lambda found: len(found[0]))


def _columns(names, required) -> list:
    """The header row's names, without empty ones at the end; required ones by the names that we give them."""
    names = [normal(name) for name in names]
    while len(names) > 1 and not names[-1].strip():
        names.pop()
    for column in set(required) - set(names):
        known = (column, *OTHER_NAMES.get(column, ()))
        alike = [i for i, name in enumerate(names) if name.strip().lower().replace(" ", "_") in known]
        if len(alike) == 1:
            names[alike[0]] = column
    return names


def _needs_quotes(text, separator):
    return text.startswith(('"', "\ufeff")) or separator in text or "\n" in text or "\r" in text


def _quoted(text):
    return '"' + text.replace('"', '""') + '"'


def _quoted_rows(text, separator):
    field = re.compile(rf'(?:"([^"]*(?:""[^"]*)*)"|([^{separator}\r\n]*))({separator}|\r\n|\r|\n|\Z)')
    number, fields, blank, ended = 1, [], True, True
    for found in field.finditer(text):
        quoted, plain, end = found.groups()
        if found.start() == len(text) and ended:  # the end of the file, not a field
            break
        fields.append(plain if quoted is None else quoted.replace('""', '"'))
        blank = blank and quoted is None and not plain.strip()
        ended = end != separator
        if ended:
            if not blank:
                yield number, fields
            number += len(re.findall(r"\r\n|\r|\n", found.group()))
            fields, blank = [], True
