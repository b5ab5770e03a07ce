"""The exceptions of the house: what a user can cure, and a run that was told to leave."""

import difflib
import os
import signal


class UserError(Exception):
    """A mistake that the user can cure: one line that names the file and the cure.

    The command line prints it as ``sedsep: error: ...`` and exits with ``code``; it never shows a traceback.
    """

    code = 1


class Unwritable(UserError):
    """The disk is full or cannot be written: no other file will fare better."""


class Incomplete(UserError):
    """Some of the recordings of a list could not be used; what came of the others is kept."""

    code = 3


class Interrupted(UserError):
    """Ctrl-C in the middle of a list; what came of the recordings before is kept."""

    code = 130


class Died(UserError):
    """A process of the run was killed: one line too, but worth another try."""

    def __init__(self, message: str, number: int):
        super().__init__(message)
        self.code = 128 + number


class Stopped(BaseException):
    """A run was told to leave by a signal, has saved its state, and goes on when its command is run again.

    The command line exits with ``code``: 130 after Ctrl-C, else 75, "try again later", at which a job requeues itself.
    As KeyboardInterrupt it is no Exception: it may come anywhere, and what mends errors must not take it for one.
    """

    def __init__(self, number: int):
        super().__init__(f"{signal.Signals(number).name} came; the same command goes on from what is saved")
        self.number = number
        self.code = 130 if number == signal.SIGINT else 75

    def __reduce__(self):
        return Stopped, (self.number,)


def a(noun: str) -> str:
    """A noun with its article.

    >>> a("joint model"), a("extraction model")
    ('a joint model', 'an extraction model')
    """
    return f"{'an' if noun[:1] in 'aeiou' else 'a'} {noun}"


def cannot_write(path, error: OSError) -> Unwritable:
    """The one-line error for a failed write of ``path``."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    return Unwritable(f"cannot write {path}: {reason}; free some space or choose another place, then run again")


def nearest(name: str, known) -> str:
    """``" (did you mean 'x'?)"`` for the nearest known name, or an empty string.

    >>> nearest("epoch", ["epochs", "seed"])
    " (did you mean 'epochs'?)"
    """
    alike = [str(k) for k in known if str(k).strip().casefold() == str(name).strip().casefold()]
    match = alike or difflib.get_close_matches(str(name), [str(k) for k in known], n=1, cutoff=0.5)
    return f" (did you mean {match[0]!r}?)" if match else ""
