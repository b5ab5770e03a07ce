"""A ``sedsep`` that starts at once: its processes are forked from one that has imported everything.

A recipe starts a hundred commands, and each would import torch for seconds. Here each has its own arguments,
environment, directory, files and exit code, as ever, and gets the signals that its caller gets; only what is imported
is shared. Recipes with commands that start from nothing: test_toy_corpus.py here, test_jobs.py under Slurm.
"""

import atexit
import functools
import gc
import importlib
import os
import pkgutil
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)

# The command: a few milliseconds of Python that hand everything over and wait.
CLIENT = """#!{python} -IS
import os, signal, socket, struct, sys
server = socket.socket(socket.AF_UNIX)
server.connect({address!r})
words = [os.getcwdb(), *map(os.fsencode, sys.argv[1:]), *(k + b"=" + v for k, v in os.environb.items())]
text = b"\\0".join(words)
signals = {signals!r}
signal.pthread_sigmask(signal.SIG_BLOCK, signals)
socket.send_fds(server, [struct.pack("2i", len(sys.argv), len(text))], [0, 1, 2])
server.sendall(text)
child, = struct.unpack("i", server.recv(4))
def forward(number, _):
    try:
        os.kill(child, number)
    except ProcessLookupError:
        pass
for number in signals:
    signal.signal(number, forward)
signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
code, = struct.unpack("i", server.recv(4))
if code < 0:
    signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
sys.exit(code)
"""


@functools.cache
def environment(processors: int = 1) -> dict:
    """Where ``sedsep`` is the preloaded one, for jobs too; it lives as long as this process.

    Its directory is a virtual environment made of links to this one. ``nproc`` says that there is one processor: more
    processes for the handfuls of clips here would each import for seconds, too.
    """
    keep = tempfile.TemporaryDirectory(prefix="sedsep-preloaded-")
    home, here = Path(keep.name), Path(sys.prefix)
    (home / "bin").mkdir()
    shutil.copy(here / "pyvenv.cfg", home)
    (home / "lib").symlink_to(here / "lib")
    python = home / "bin/python"
    python.symlink_to(here / "bin/python")
    for name, text in {
        "sedsep": CLIENT.format(python=python, address=str(home / "socket"), signals=list(map(int, FORWARDED))),
        "nproc": f"#!/bin/sh\necho {processors}\n",
    }.items():
        (home / "bin" / name).write_text(text)
        (home / "bin" / name).chmod(0o755)
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    variables["PATH"] = f"{home}/bin:{here}/bin:{os.environ['PATH']}"
    command = [python, Path(__file__).resolve(), home / "socket"]
    server = subprocess.Popen(command, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert server.stdout.readline() == b"ready\n"
    environment.kept = keep, server  # its standard input closes with this process, and it leaves
    return variables


def serve(address: str) -> list:
    """Fork a process for each caller. Returns in such a process, with the command's arguments."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(64)
    for module in pkgutil.walk_packages([str(ROOT / "sedsep")], "sedsep."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    gc.freeze()  # collections in the children need not touch, and so copy, what is shared
    os.write(1, b"ready\n")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that wait
    while True:
        ready, _, _ = select.select([listener, 0], [], [])
        if listener not in ready:
            os._exit(0)
        caller, _ = listener.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listener.close()
            return begin(caller)
        caller.close()


def begin(caller) -> list:
    """Take a caller's command over, and fork the process that runs it; this one waits, and does not return."""
    head, files, _, _ = socket.recv_fds(caller, 8, 3)
    (count, left), parts = struct.unpack("2i", head), []
    while left:
        parts.append(caller.recv(left))
        left -= len(parts[-1])
    child = os.fork()
    if child == 0:
        caller.close()
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
        directory, *words = b"".join(parts).split(b"\0")
        os.chdir(directory)
        os.environb.clear()
        os.environb.update(word.split(b"=", 1) for word in words[count - 1 :])
        return [os.fsdecode(word) for word in words[: count - 1]]
    for file in files:
        os.close(file)
    caller.sendall(struct.pack("i", child))
    if caller in select.select([caller, os.pidfd_open(child)], [], [])[0]:
        os.kill(child, signal.SIGKILL)  # the caller is gone
        os._exit(0)
    caller.sendall(struct.pack("i", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])))
    os._exit(0)


if __name__ == "__main__":
    del sys.path[0]  # this file's directory
    sys.argv = ["sedsep", *serve(sys.argv[1])]
    from sedsep.cli import main

    code = 0
    try:
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # to take apart all that is imported, page for page, costs a second
