"""Limit: a job's time limit, in the words of sbatch.

Source: sbatch(1), option --time.
"""

import re

from sedsep.errors import UserError

FORMS = "minutes, minutes:seconds, hours:minutes:seconds, days-hours, days-hours:minutes, days-hours:minutes:seconds"
NONE = ("unlimited", "infinite", "-1")  # and zero, for sbatch


def seconds(time: str | int) -> int | None:
    """Seconds of a time limit; a bare number is minutes, as for sbatch. None is no limit.

    Raises:
        UserError: it is not a time.

    >>> seconds(90), seconds("1:30"), seconds("1:30:00"), seconds("1-12"), seconds("1-0:30")
    (5400, 90, 5400, 129600, 88200)
    """
    text = str(time).strip()
    if text.lower() in NONE:
        return None
    found = re.fullmatch(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?", text, re.ASCII)
    if not found:
        raise UserError(f"time: {text!r} is not a time limit; write {FORMS}, or UNLIMITED")
    days, *parts = found.groups()
    first, second, third = (int(part or 0) for part in parts)
    if days is not None or parts[2] is not None:
        return int(days or 0) * 86400 + first * 3600 + second * 60 + third or None
    return first * 60 + second or None


def clock(total: int | None) -> str:
    """Seconds as hours:minutes:seconds, which no one can mistake.

    >>> clock(5400), clock(None)
    ('1:30:00', 'UNLIMITED')
    """
    return "UNLIMITED" if total is None else f"{total // 3600}:{total // 60 % 60:02d}:{total % 60:02d}"
