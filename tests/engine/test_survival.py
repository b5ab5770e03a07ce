"""Leaving on a signal, dying without one, and a full disk: what is left always leads to the same weights."""

import json
import multiprocessing
import os
import random
import resource
import signal
import time

import pytest
import torch
from tqdm import tqdm

from sedsep import progress
from sedsep.engine import checkpoint
from sedsep.engine.survival import Clock, Signals
from sedsep.errors import Stopped, UserError
from tests.engine.test_trainer import trainer, weights

ALWAYS = 1e-9  # minutes between saves: after every step
FORK = multiprocessing.get_context("fork")  # torch is imported once


def log(directory):
    records = [json.loads(line) for line in open(directory / "log.jsonl")]
    return [{k: v for k, v in r.items() if k not in ("seconds", "waiting_for_data")} for r in records]


def send(number):
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP, signal.SIGINT])
@pytest.mark.parametrize("accumulate, step", [(1, 9), (4, 3)])
def test_a_signal_in_an_epoch_saves_and_the_rest_follows_bit_for_bit(tmp_path, number, accumulate, step):
    straight = trainer(tmp_path / "straight", 3, accumulate=accumulate)
    straight.fit()
    stopped = trainer(tmp_path / "stopped", 3, accumulate=accumulate)
    note = stopped.system.after_step
    stopped.system.after_step = lambda now: (note(now), now.step == step and send(number))
    before = signal.getsignal(number)
    with pytest.raises(Stopped) as caught:
        stopped.fit()
    assert caught.value.code == (130 if number == signal.SIGINT else 75)
    assert signal.getsignal(number) == before
    state = checkpoint.load(tmp_path / "stopped/last.pt")
    assert (state["step"], state["epoch"], state["tally"]["seen"]) == (step, 1, {1: 3, 4: 4}[accumulate])
    again = trainer(tmp_path / "stopped", 3, accumulate=accumulate)
    again.fit()
    assert torch.equal(weights(straight), weights(again)) and log(tmp_path / "straight") == log(tmp_path / "stopped")


def test_a_signal_in_the_validation_does_not_wait_for_its_end(tmp_path):
    straight, stopped = trainer(tmp_path / "straight", 2), trainer(tmp_path / "stopped", 2)
    straight.fit()
    stopped.system.validate = lambda _: (send(signal.SIGUSR1), time.sleep(60))
    start = time.monotonic()
    with pytest.raises(Stopped):
        stopped.fit()
    assert time.monotonic() - start < 30
    again = trainer(tmp_path / "stopped", 2)
    again.fit()
    assert torch.equal(weights(straight), weights(again)) and log(tmp_path / "straight") == log(tmp_path / "stopped")


def test_a_second_interrupt_ends_at_once():
    with Signals() as signals:
        send(signal.SIGINT)
        send(signal.SIGINT)  # forwarded by a launcher: the same one
        signals.when -= 10
        with pytest.raises(KeyboardInterrupt):
            send(signal.SIGINT)


def test_the_clock():
    clock = Clock(1)
    assert not clock.rings()
    clock.start -= 61
    assert clock.rings() and not clock.rings()
    assert not Clock(0).rings()


def run(directory):
    trainer(directory, 4, save_minutes=ALWAYS).fit()


def position(directory):
    if not (directory / "last.pt").exists():
        return 0
    state = checkpoint.load(directory / "last.pt")
    return state["epoch"] * 6 + state["tally"]["seen"]


def forked(directory, seconds):
    """A run in a process of its own, which is killed where it takes longer than ``seconds``; whether it ended."""
    child = FORK.Process(target=run, args=(directory,))
    child.start()
    child.join(seconds)
    child.kill()
    child.join()
    assert child.exitcode in (0, -signal.SIGKILL)
    return child.exitcode == 0


def test_fifty_kills_at_random_moments(tmp_path):
    straight = trainer(tmp_path / "straight", 4)
    straight.fit()
    start = time.monotonic()
    assert forked(tmp_path / "undisturbed", 60)
    longest = time.monotonic() - start
    draw, kills, in_writes, runs = random.Random(0), 0, 0, 0
    while kills < 50 or runs == 0:
        directory, before, finished = tmp_path / f"run{runs}", 0, False
        while not finished:
            finished = forked(directory, draw.uniform(0, longest) if kills < 50 else 60)
            assert finished or kills < 50, "left alone it comes to its end"
            kills += not finished
            in_writes += bool(list(directory.glob(".*.part")))
            assert position(directory) >= before, "what was saved is never lost"
            before = position(directory)
        runs += 1
        whole = checkpoint.load(directory / "last.pt")["weights"]
        assert all(torch.equal(value, whole[name]) for name, value in straight.system.state_dict().items())
        assert log(directory) == log(tmp_path / "straight")
    assert in_writes > 0, "no kill fell into a write: the test proves less than it says"


def draws_forever(started):
    with progress.bar(1, "step"), tqdm.get_lock():
        started.set()
        time.sleep(60)


def test_a_process_that_is_killed_while_it_draws_keeps_no_other_from_drawing():
    progress.say("the parent has drawn before, so that they all have its lock")
    started = FORK.Event()
    child = FORK.Process(target=draws_forever, args=(started,))
    child.start()
    assert started.wait(30)
    child.kill()
    child.join()
    other = FORK.Process(target=progress.say, args=("drawn",))
    other.start()
    other.join(30)
    assert other.exitcode == 0


def until_full(directory, said):
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))  # writing more fails, as on a full disk
    try:
        trainer(directory, 4).fit()
    except UserError as error:
        said.put(str(error))


def test_a_full_disk_stops_with_a_clear_error_and_the_last_checkpoint_whole(tmp_path):
    directory = tmp_path / "run"
    trainer(directory, 2).fit()
    kept = (directory / "last.pt").read_bytes()
    said = FORK.SimpleQueue()
    child = FORK.Process(target=until_full, args=(directory, said))
    child.start()
    child.join()
    message = said.get()
    assert "cannot write" in message and ".pt" in message and "free some space" in message
    assert (directory / "last.pt").read_bytes() == kept and not list(directory.glob(".*.part"))
    straight, again = trainer(tmp_path / "straight", 4), trainer(directory, 4)
    straight.fit()
    again.fit()
    assert torch.equal(weights(straight), weights(again))
