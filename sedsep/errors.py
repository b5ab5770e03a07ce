"""The one exception for what a user can cure."""

import difflib


class UserError(Exception):
    """A mistake that the user can cure: one line that names the file and the cure.

    The command line prints it as ``sedsep: error: ...`` and exits with 1; it never shows a traceback.
    """


def nearest(name: str, known) -> str:
    """``" (did you mean 'x'?)"`` for the nearest known name, or an empty string.

    >>> nearest("epoch", ["epochs", "seed"])
    " (did you mean 'epochs'?)"
    """
    match = difflib.get_close_matches(str(name), [str(k) for k in known], n=1, cutoff=0.5)
    return f" (did you mean {match[0]!r}?)" if match else ""
