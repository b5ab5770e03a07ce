"""Signals to leave that come before a command has begun its work, in it, and after it has ended."""

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time

import click
import pytest

from sedsep import cli
from sedsep.engine import survival
from sedsep.errors import Stopped

FORK = multiprocessing.get_context("fork")  # torch is imported once

# Sends a signal when all is said and the interpreter ends, as late as Python code can.
LATE = """
import atexit, os, signal, sys
atexit.register(lambda: os.kill(os.getpid(), {number}))
from sedsep import cli
sys.argv = ["sedsep", *{arguments!r}]
cli.main()
"""


def send(number):
    os.kill(os.getpid(), number)
    time.sleep(5)  # it is to leave here
    raise AssertionError("it went on")


@pytest.mark.parametrize("number", survival.TOLD)
def test_a_signal_before_there_is_anything_to_save(sedsep, monkeypatch, number):
    """As while torch is imported, where handlers of errors are everywhere."""

    def starts_up():
        with contextlib.suppress(Exception):  # as libraries do
            send(number)
        raise AssertionError("swallowed")

    monkeypatch.setitem(cli.sedsep.commands, "train-sep", click.Command("train-sep", callback=starts_up))
    code, _, errors = sedsep("train-sep")
    assert (code, errors) == (75, [])


@pytest.mark.parametrize("number", survival.TOLD)
@pytest.mark.parametrize("arguments, code", [(["--version"], 0), (["submit", "a.log"], 2)])
def test_a_signal_after_the_end_changes_no_exit_code(here, number, arguments, code):
    program = LATE.format(number=int(number), arguments=arguments)
    done = subprocess.run([sys.executable, "-c", program], env=here, capture_output=True, text=True, check=False)
    assert done.returncode == code and "Traceback" not in done.stderr, done.stderr


def test_a_signal_that_is_ignored_stays_so():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    survival.leave_at_once()
    os.kill(os.getpid(), signal.SIGHUP)
    with pytest.raises(Stopped, match="SIGTERM came"):
        send(signal.SIGTERM)


def sleeps(started):
    started.set()
    time.sleep(60)


def test_a_forked_child_is_ended_by_a_signal_as_ever():
    survival.leave_at_once()
    started = FORK.Event()
    child = FORK.Process(target=sleeps, args=(started,))
    child.start()
    assert started.wait(60)
    child.terminate()
    child.join()
    assert child.exitcode == -signal.SIGTERM
