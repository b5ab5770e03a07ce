"""Survival: signals that tell a run to leave, and the clock of the saves that a kill without warning falls back to.

Clusters say "leave" with any of TERM, USR1, USR2 and HUP, by version and by cause (preemption, time limit), so all
mean the same: save at the next point from which a run can go on exactly, then leave. Before there is anything to save,
and after all is, they find a process that leaves in order, too: never one that dies of them.
"""

import contextlib
import os
import signal
import time

from sedsep.errors import Stopped

LEAVE = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP, signal.SIGINT)
TOLD = LEAVE[:4]  # of SIGINT Python makes KeyboardInterrupt by itself
PATIENCE = 2.0  # seconds in which a second Ctrl-C is the first one, forwarded by a launcher


class Signals:
    """Within ``with Signals() as signals:`` a signal is noted instead of obeyed; a second Ctrl-C ends all at once.

    ``came`` is the number of the signal, or None.
    """

    def __init__(self):
        self.came, self.when, self.at_once, self.previous = None, 0.0, False, {}

    def __enter__(self):
        self.previous = {number: signal.signal(number, self._note) for number in LEAVE}
        return self

    def __exit__(self, *_):
        for number, handler in self.previous.items():
            signal.signal(number, handler)

    def _note(self, number, _):
        again = self.came is not None and number == signal.SIGINT and time.monotonic() - self.when > PATIENCE
        if self.came is None:
            self.came, self.when = number, time.monotonic()
        if again:
            raise KeyboardInterrupt
        if self.at_once:
            raise Stopped(self.came)

    @contextlib.contextmanager
    def obeyed_at_once(self):
        """Within this block, where nothing can be lost, a signal raises ``Stopped`` wherever it arrives."""
        self.at_once = True
        try:
            if self.came is not None:
                raise Stopped(self.came)
            yield
        finally:
            self.at_once = False


def leave_at_once() -> None:
    """From now on a signal raises ``Stopped`` wherever it arrives. One that is ignored, as under nohup, stays so."""
    for number in TOLD:
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _leave)


def have_ended() -> None:
    """From now on, until the process is gone, signals change nothing: its exit code has been decided."""
    for number in TOLD:
        signal.signal(number, signal.SIG_IGN)


def _leave(number, _):
    raise Stopped(number)


def _in_child():
    for number in TOLD:
        if signal.getsignal(number) is _leave:
            signal.signal(number, signal.SIG_DFL)


os.register_at_fork(after_in_child=_in_child)  # who forks ends its children with TERM, and they have nothing to say


def ignore_signals(_=None) -> None:
    """For processes that load data: their parent decides when to leave, and must not lose them before."""
    for number in LEAVE:
        signal.signal(number, signal.SIG_IGN)


class Clock:
    """Rings every ``minutes``; after 0 minutes it never does."""

    def __init__(self, minutes: float):
        self.seconds, self.start = 60.0 * minutes, time.monotonic()

    def rings(self) -> bool:
        """Whether that time has passed since the last ring."""
        if not self.seconds or time.monotonic() - self.start < self.seconds:
            return False
        self.start = time.monotonic()
        return True
