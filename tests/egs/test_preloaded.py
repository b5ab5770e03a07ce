"""The ``sedsep`` of the recipes' tests is one of its own in all but what it has imported."""

import contextlib
import signal
import subprocess

import pytest

from tests import preloaded

READS = ["sedsep", "submit", "--dry-run", "--array", "log/x.log"]  # tasks from standard input


def begun(**options):
    """A command that waits for its standard input."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(READS, env=preloaded.environment(), text=True, **pipes, **options)


def test_directory_environment_and_files_are_its_own(tmp_path):
    here = {**preloaded.environment(), "OMP_SCHEDULE": "static, 7"}
    done = subprocess.run(READS, cwd=tmp_path, env=here, input="a.log\ttrue\n", capture_output=True, text=True)
    assert done.returncode == 0 and f"log={tmp_path}/a.log; command=(true) ;;" in done.stdout, done.stderr
    assert f"#SBATCH --chdir={tmp_path}\n" in done.stdout and "export OMP_SCHEDULE='static, 7'\n" in done.stdout
    assert done.stderr == "" or "no site file" in done.stderr


def test_exit_codes_and_arguments_are_its_own():
    here = preloaded.environment()
    done = subprocess.run(["sedsep", "train-sed"], env=here, capture_output=True, text=True)
    assert done.returncode == 2 and "Missing option '--conf'" in done.stderr and done.stdout == ""
    words = ["submit", "--dry-run", "a.log", "echo", "", "two words", "ä"]
    done = subprocess.run(["sedsep", *words], env=here, capture_output=True, text=True)
    assert done.returncode == 0 and "command=(echo '' 'two words' 'ä') ;;" in done.stdout, done.stderr


@pytest.mark.parametrize("number", preloaded.FORWARDED)
def test_signals_reach_it(number, tmp_path):
    child = begun(cwd=tmp_path)
    child.stdin.write("x" * 200_000)  # more than a pipe holds: it has begun to read
    for _ in range(60):  # one that comes just before Python begins to wait in read(2) is seen at the next one
        child.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=2)
            break
    assert child.returncode == (130 if number == signal.SIGINT else 75)
    assert "stopped" in child.communicate()[1]


def test_it_ends_with_who_called_it(tmp_path):
    child = begun(cwd=tmp_path)
    child.stdin.write("x" * 200_000)
    child.kill()
    assert child.stdout.read() == "", "nobody holds the other end any more"
