"""Stored results: files that ``sedsep score --out`` wrote, by this version or an earlier one, in today's names."""

import re

from sedsep.errors import UserError
from sedsep.files import read_json

FIELDS = {"id", "value", "data", "missing_clips"}
EARLIER = {r"exact-psds([12])": r"psds-exact\1"}  # a name of an earlier version -> today's


def read_results(path) -> dict:
    """A file of results as :func:`sedsep.evaluate.score.score.results` makes it.

    Raises:
        UserError: the file is missing or not one of results, or a metric in it lacks what it takes to trust it.
    """
    found = read_json(path)
    if not isinstance(found, dict) or not isinstance(found.get("metrics"), dict):
        raise UserError(f"{path}: not a file of results, as 'sedsep score --out' writes")
    for name, entry in found["metrics"].items():
        if not isinstance(entry, dict) or not set(entry) >= FIELDS:
            raise UserError(f"{path}: {name} has no id, value, data and missing_clips; score again")
    metrics = {_today(name): entry | {"id": _today(entry["id"])} for name, entry in found["metrics"].items()}
    return found | {"metrics": metrics}


def _today(name: str) -> str:
    """A metric's name, or an id that begins with it, as this version has it.

    >>> _today("exact-psds1[all thresholds,dtc=0.7]"), _today("psds1")
    ('psds-exact1[all thresholds,dtc=0.7]', 'psds1')
    """
    for old, new in EARLIER.items():
        name = re.sub(rf"^{old}(?=\[|$)", new, name)
    return name
