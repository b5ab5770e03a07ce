"""The command download: exit codes, the command that goes on, a disk that fills up, Ctrl-C, the recipes' lists."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sedsep.data.fetch.download import read_list
from tests.data.fetch.test_download import BODY, lists, md5, packed, server  # noqa: F401 - fixtures among them

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-c", "from sedsep.cli import main; main()", "download"]
HERE = {**os.environ, "OMP_NUM_THREADS": "1", "no_proxy": "127.0.0.1"}


def test_what_is_missing_is_named_with_the_command_that_goes_on(sedsep, server, lists, tmp_path):
    server.files |= {"a": packed(**{"audio/a.wav": b"a"}), "b": BODY}
    out = tmp_path / "my out"
    listing = lists(("a.tar.gz", "a", "", "", "yes"), ("b.bin", "b", "", md5(BODY), "no"),
                    ("c.bin", "c", "", "", "no"))  # fmt: skip
    code, said, errors = sedsep("download", listing, out)
    assert code == 1 and said == f"{out}: 2 of 3 files are there, 1 of them not verified\n"
    assert errors == [f"sedsep: error: missing: c.bin; to go on: sedsep download {listing} '{out}'"]
    server.files["c"] = BODY
    code, said, errors = sedsep("download", listing, out)
    assert (code, said, errors) == (0, f"{out}: 3 of 3 files are there, 2 of them not verified\n", [])
    (tmp_path / "mine").mkdir()
    code, said, errors = sedsep("download", listing, tmp_path / "other", "--from", tmp_path / "mine")
    assert code == 1 and errors[0].endswith(f"sedsep download {listing} {tmp_path}/other --from {tmp_path}/mine")
    assert "0 of 3 files are there\n" in said and len(server.requests) == 4


def small_files():
    """In a child: files of at most 300 kB, as on a disk that fills up; a longer one fails and does not kill it."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))


def test_a_full_disk_is_one_line_and_keeps_the_part(sedsep, server, lists, tmp_path):
    server.files["a"], out = BODY, tmp_path / "out"
    listing = lists(("a.bin", "a", len(BODY), md5(BODY), "no"), ("b.bin", "a", len(BODY), md5(BODY), "no"))
    done = subprocess.run([*COMMAND, listing, out], capture_output=True, text=True, env=HERE,
                          preexec_fn=small_files, timeout=120, check=False)  # fmt: skip
    cure = "free some space or choose another place, then run again"
    assert done.returncode == 1
    assert done.stderr == f"sedsep: error: cannot write {out}/a.bin: File too large; {cure}\n"
    assert server.requests == [("a", 0)] and 0 < (out / "a.bin.part").stat().st_size <= 300_000
    kept, server.sent = (out / "a.bin.part").stat().st_size, 0
    assert sedsep("download", listing, out)[0] == 0 and server.sent == 2 * len(BODY) - kept


def test_a_full_disk_while_unpacking(sedsep, server, lists, tmp_path):
    server.files["a"], out = packed(a=b"a", b=bytes(1_000_000)), tmp_path / "out"
    listing = lists(("a.tar.gz", "a", "", md5(server.files["a"]), "yes"))
    done = subprocess.run([*COMMAND, listing, out], capture_output=True, text=True, env=HERE,
                          preexec_fn=small_files, timeout=120, check=False)  # fmt: skip
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1 and "cannot write" in done.stderr
    assert [p.name for p in out.iterdir()] == ["a.tar.gz"]
    assert sedsep("download", listing, out)[0] == 0 and len(server.requests) == 1
    assert (out / "b").stat().st_size == 1_000_000


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_a_run_that_ends_early_goes_on(sedsep, server, lists, tmp_path, number, code):
    server.files["a"], server.breaks, server.stalls = BODY, [250_000], True
    listing, part = lists(("a.bin", "a", "", md5(BODY), "no")), tmp_path / "out/a.bin.part"
    process = subprocess.Popen([*COMMAND, listing, tmp_path / "out"], stderr=subprocess.PIPE, text=True, env=HERE)
    deadline = time.monotonic() + 60
    while not (part.exists() and part.stat().st_size > 200_000) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(number)
    errors = process.communicate(timeout=60)[1]
    assert process.returncode == code
    if number == signal.SIGINT:
        last = errors.splitlines()[-1]
        assert last == "sedsep: stopped: SIGINT came; the same command goes on from what is saved"
    kept, server.sent = part.stat().st_size, 0
    assert kept > 200_000 and sedsep("download", listing, tmp_path / "out")[0] == 0
    assert server.sent == len(BODY) - kept and (tmp_path / "out/a.bin").read_bytes() == BODY


@pytest.mark.parametrize("path", sorted(ROOT.glob("egs/*/local/downloads.tsv")), ids=lambda p: p.parts[-3])
def test_the_lists_of_the_recipes_can_be_read(path):
    assert all(one.urls and all(url.startswith("https://") for url in one.urls) for one in read_list(path))
