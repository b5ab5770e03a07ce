"""Owner: the one process that writes a directory. A second one is refused, and a dead one never stands in the way.

While a process writes, a lock file says which it is, and a thread touches that file. A lock does not count once its
process is dead: on this machine that is seen at once; the same Slurm job here means that it was requeued; of any other
machine nothing but five silent minutes tells.
"""

import contextlib
import datetime
import fcntl
import json
import os
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from sedsep.errors import UserError, cannot_write

BEAT = 15.0  # seconds between two touches of a lock
AGAIN = 0.05  # seconds between two tries to get one
SILENCE = 300.0  # seconds without one, after which the process of another machine counts as dead


@dataclass(frozen=True)
class Owner:
    """A process, as its lock describes it.

    Args:
        machine: what tells this boot and this space of process numbers from all others; host names repeat.
        start: clock ticks from boot to its start, since process numbers are used again. job: of Slurm, or "".
        since: when it began to write.
    """

    host: str
    machine: str
    pid: int
    start: int | None
    job: str
    since: str

    def __str__(self):
        job = f", Slurm job {self.job}" * bool(self.job)
        return f"process {self.pid} on {self.host}{job} (since {self.since})"

    @classmethod
    def of_this_process(cls) -> "Owner":
        """The process that asks."""
        host, boot, namespace = os.uname().nodename, "", ""
        with contextlib.suppress(OSError):
            boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
            namespace = os.readlink("/proc/self/ns/pid")
        now = datetime.datetime.now().isoformat(" ", "seconds")
        machine, job = f"{host} {boot} {namespace}", os.environ.get("SLURM_JOB_ID", "")
        return cls(host, machine, os.getpid(), start_of(os.getpid()), job, now)

    @property
    def alive(self) -> bool | None:
        """Whether the process, of this machine, still runs; None where that cannot be seen."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:  # of another user, about whom /proc may be silent
            start = start_of(self.pid)
            return None if start is None else start == self.start
        return start_of(self.pid) == self.start


def start_of(pid: int) -> int | None:
    """Clock ticks from boot to the start of a process; None where there is none, or a zombie."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if state in "ZX" else int(fields[18])


@contextlib.contextmanager
def owning(directory, beside=False, patience=0.0):
    """Within this block, this process alone writes ``directory``; it is made where it does not exist.

    Args:
        beside: the lock lies next to the directory (or file), which may be replaced as a whole, and not in it.
        patience: seconds to wait for another process that writes it.

    Raises:
        UserError: another process writes it, which is named; or the lock cannot be written.
    """
    directory = Path(directory).absolute()
    path = directory.with_name(f".{directory.name}.lock") if beside else directory / ".lock"
    lock, done, made = Lock(path, directory), threading.Event(), not path.parent.exists()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.claim_within(patience)
    except OSError as error:
        raise cannot_write(directory, error) from error
    thread = threading.Thread(target=lock.keep, args=(done,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        lock.release()
        if made:
            with contextlib.suppress(OSError):  # something was written
                path.parent.rmdir()


class Lock:
    """The lock of a directory, in the hands of this process."""

    def __init__(self, path: Path, directory: Path):
        self.path, self.directory = path, directory
        self.me = Owner.of_this_process()
        self.text = json.dumps(asdict(self.me)) + "\n"

    def claim(self) -> None:
        """Write the lock. Raises UserError where it is another living process's."""
        with _held(self.path) as file:
            other, silent = _read(file), abs(_now(self.path.parent) - os.fstat(file).st_mtime)
            if other is not None and self._counts(other, silent):
                raise UserError(self._in_use(other, silent))
            os.truncate(file, 0)
            os.pwrite(file, self.text.encode(), 0)

    def claim_within(self, patience: float) -> None:
        """:meth:`claim`, tried again for ``patience`` seconds."""
        last = time.monotonic() + patience
        while True:
            try:
                return self.claim()
            except UserError:
                if time.monotonic() >= last:
                    raise
                time.sleep(AGAIN)

    def _counts(self, other, silent):
        """Whether a lock that was not touched for ``silent`` seconds is of a process that lives."""
        alive = other.alive if other.machine == self.me.machine else None
        if alive is not None:
            return alive
        return not (other.job and other.job == self.me.job) and silent < SILENCE

    def _in_use(self, other, silent):
        line = f"{self.directory}: in use by {other}; wait until that has ended, or choose another directory"
        if other.machine == self.me.machine:
            return line
        return f"{line} (if it is dead: the same command works in {SILENCE - silent:.0f} s)"

    def keep(self, done: threading.Event) -> None:
        """Touch the lock until ``done``; end this process where another one has taken it over."""
        while not done.wait(BEAT):
            try:
                if self.path.read_bytes() != self.text.encode():
                    raise UserError(f"{self.directory}: another process has taken over, since this one was silent")
                os.utime(self.path)
            except FileNotFoundError:  # somebody deleted it
                self._claim_again()
            except OSError:
                continue  # the disk is away; others wait as well
            except UserError as error:
                self._leave(error)

    def _claim_again(self):
        try:
            self.claim()
        except OSError:
            pass  # so is the directory
        except UserError as error:
            self._leave(error)

    def _leave(self, error):
        # Nothing more must be written, and only this way of leaving keeps the main thread from it.
        sys.stderr.write(f"sedsep: error: {error}\n")
        sys.stderr.flush()
        os._exit(1)

    def release(self) -> None:
        """Remove the lock, unless it is another's."""
        with contextlib.suppress(OSError), _held(self.path) as file:
            if _read(file) in (None, self.me):
                self.path.unlink()


@contextlib.contextmanager
def _held(path):
    """The lock file's descriptor, for a moment no other process's; it is made where it does not exist."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            with contextlib.suppress(OSError):  # some network file systems have no locks
                fcntl.flock(file, fcntl.LOCK_EX)
            if _is_there(path, file):  # and not just removed by its owner
                yield file
                return
        finally:
            with contextlib.suppress(OSError):  # a child that was forked just now has the descriptor too
                fcntl.flock(file, fcntl.LOCK_UN)
            os.close(file)


def _is_there(path, file):
    try:
        return os.path.samestat(os.stat(path), os.fstat(file))
    except FileNotFoundError:
        return False


def _read(file) -> Owner | None:
    """Whom a lock names; a lock that was not written to its end is nobody's."""
    try:
        return Owner(**json.loads(os.pread(file, 1 << 16, 0)))
    except (ValueError, TypeError):
        return None


def _now(directory) -> float:
    """The time by the clock of the disk, by which locks are touched from everywhere."""
    with tempfile.TemporaryFile(dir=directory) as file:
        return os.fstat(file.fileno()).st_mtime
