"""Progress bars: one look for all commands; quiet in log files."""

import os
import sys
import threading

from tqdm import tqdm

# tqdm's own lock is shared by processes: one that is killed while it draws would leave all the others waiting forever.
tqdm.set_lock(threading.RLock())


def bar(total: int, unit: str, description: str = "", done: int = 0, disable: bool = False) -> tqdm:
    """A bar on standard error with the time left. In a log file it adds a line every half minute.

    Of the processes of one training run, the first shows it (torchrun sets ``RANK``).
    ``SEDSEP_BARS=1`` says that a pipe ends on a terminal (the recipes set it: they copy the output to a log).
    """
    disable = disable or os.environ.get("RANK", "0") != "0"
    live = sys.stderr.isatty() or os.environ.get("SEDSEP_BARS") == "1"
    return tqdm(
        total=total, initial=done, unit=unit, desc=description, disable=disable, file=sys.stderr,
        mininterval=0.2 if live else 30, ncols=None if sys.stderr.isatty() else 110,
    )  # fmt: skip


def say(line: str) -> None:
    """Print a line to standard error without tearing a bar."""
    tqdm.write(line, file=sys.stderr)
