"""Missing: clips that a corpus lists and that are not there, or cannot be used: the normal case with online videos.

A gathered set has ``missing.tsv`` (filename, reason) beside its tables; everything that is measured on it says how many
clips it lacks.
"""

from collections import Counter
from pathlib import Path

import pandas as pd

from sedsep.files import read_table, write_table

TABLE = "missing.tsv"


def write_missing(directory, missing) -> None:
    """Write ``[(filename, reason), ...]`` into a set."""
    write_table(Path(directory) / TABLE, pd.DataFrame(list(missing), columns=["filename", "reason"]))


def read_missing(directory) -> tuple:
    """``((filename, reason), ...)`` of a set; empty where it was not gathered from a list."""
    path = Path(directory) / TABLE
    if not path.is_file():
        return ()
    return tuple(read_table(path, ("filename", "reason"))[["filename", "reason"]].itertuples(index=False, name=None))


def expected_and_found(sets) -> str:
    """A table of what was listed and what was found in each set, for people.

    Args:
        sets: ``manifest.ClipSet`` s.
    """
    rows = [("set", "expected", "found", "missing", "why")]
    for one in sets:
        reasons = Counter(reason.partition(":")[0] for _, reason in one.missing)
        why = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
        rows.append((one.directory.name, len(one) + len(one.missing), len(one), len(one.missing), why))
    widths = [max(len(str(row[c])) for row in rows) for c in range(4)]
    return "\n".join(
        "  ".join([f"{row[0]:<{widths[0]}}", *(f"{row[c]:>{widths[c]}}" for c in (1, 2, 3)), row[4]]).rstrip()
        for row in rows
    )
