"""Downloads against a server on this machine that breaks off, lies and refuses: only the rest is fetched again."""

import fcntl
import hashlib
import http.server
import io
import os
import re
import signal
import tarfile
import threading
import time

import pytest

from sedsep.data.fetch import transfer
from sedsep.data.fetch.download import download, read_list
from sedsep.errors import UserError
from sedsep.files import write_json

BODY = bytes(range(256)) * 2000  # 512 kB
QUICK = (0.01, 0.01, 0.01)


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves ``server.files``; ``server.breaks``: after how many bytes each of the next responses breaks off."""

    def do_GET(self):
        server, name = self.server, self.path.strip("/")
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        server.requests.append((name, int(asked[1]) if asked else 0))
        if server.statuses.get(name):
            self.send_error(server.statuses[name].pop(0))
            return
        if name not in server.files:
            self.send_error(404)
            return
        body = server.files[name]
        start = int(asked[1]) + server.shift if asked and server.ranges else 0
        if start >= len(body) and asked and server.ranges:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(body)}")
            self.end_headers()
            return
        self.send_response(206 if asked and server.ranges else 200)
        if asked and server.ranges and server.says:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if server.length:
            self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        stop = server.breaks.pop(0) if server.breaks else None
        sent = body[start:] if stop is None else body[start : start + stop]
        server.sent += len(sent)  # before the client can have all of it, and look
        self.wfile.write(sent)
        if stop is not None and server.stalls:
            self.wfile.flush()
            server.stalled.wait(120)
        self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    """A server on 127.0.0.1 that the tests tell what to do; ``server.url(name)``."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.handle_error = True, lambda *_: None  # clients that leave early are no news
    server.files, server.statuses, server.breaks, server.requests, server.sent = {}, {}, [], [], 0
    server.ranges = server.length = server.says = True
    server.stalls, server.stalled, server.shift = False, threading.Event(), 0
    server.url = lambda name: f"http://127.0.0.1:{server.server_address[1]}/{name}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.stalled.set()
    server.shutdown()
    thread.join()
    server.server_close()


def md5(body):
    return f"md5:{hashlib.md5(body).hexdigest()}"


def sha256(body):
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


@pytest.fixture
def lists(tmp_path, server):
    """``lists((file, url, bytes, checksum, unpack), ...)`` -> the table; an url without http is the server's."""

    def write(*rows):
        lines = ["file\turl\tbytes\tchecksum\tunpack"]
        for file, urls, *rest in rows:
            urls = " ".join(url if url.startswith("http") else server.url(url) for url in urls.split())
            lines.append("\t".join(map(str, (file, urls, *rest))))
        (tmp_path / "list.tsv").write_text("\n".join(lines) + "\n")
        return tmp_path / "list.tsv"

    return write


def packed(**members):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, body in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
    return stream.getvalue()


def run(listing, out, source=None):
    return download(listing, out, source, pauses=QUICK)


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def test_a_file_is_fetched_once_and_verified_again_once_it_was_touched(server, lists, tmp_path, capsys):
    server.files["a"] = BODY
    listing, out = lists(("a.bin", "a", len(BODY), sha256(BODY), "no")), tmp_path / "out"
    for _ in range(2):
        assert run(listing, out) == {"files": 1, "missing": [], "unverified": []}
    assert server.requests == [("a", 0)] and server.sent == len(BODY)
    assert (out / "a.bin").read_bytes() == BODY and names(out) == ["a.bin", "a.bin.verified"]
    os.utime(out / "a.bin", (1, 1))
    assert not run(listing, out)["missing"] and len(server.requests) == 1
    (out / "a.bin").write_bytes(BODY[:-1] + b"!")  # of the same size
    assert run(listing, out)["missing"] == ["a.bin"] and len(server.requests) == 1
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith(f"{out}/a.bin: wrong checksum: expected {sha256(BODY)}, found sha256:")
    assert said.endswith("delete it or move it away, then run again")
    (out / "a.bin").unlink()
    assert not run(listing, out)["missing"] and len(server.requests) == 2
    (out / "a.bin.verified").write_text("{")  # a note that broke is no note
    assert not run(listing, out)["missing"] and len(server.requests) == 2


def test_a_broken_transfer_goes_on_where_it_was(server, lists, tmp_path, capsys):
    server.files["a"], server.breaks = BODY, [100_000] * 5  # more than there are pauses, but each gets further
    listing = lists(("a.bin", "a", "", md5(BODY).upper().replace("MD5", "md5"), "no"))
    assert not run(listing, tmp_path / "out")["missing"]
    assert (tmp_path / "out/a.bin").read_bytes() == BODY
    assert [start for _, start in server.requests] == [0, 100_000, 200_000, 300_000, 400_000, 500_000]
    assert server.sent == len(BODY)
    said = capsys.readouterr().err
    assert "a.bin: the connection broke off after 100000 of 512000 bytes; again in 0.01 s" in said


def test_what_an_earlier_run_left_is_used(server, lists, tmp_path):
    server.files["a"], out = BODY, tmp_path / "out"
    listing = lists(("deep/a.bin", "a", len(BODY), md5(BODY), "no"))
    (out / "deep").mkdir(parents=True)
    (out / "deep/a.bin.part").write_bytes(BODY[:300_000])
    assert not run(listing, out)["missing"]
    assert server.sent == len(BODY) - 300_000 and server.requests == [("a", 300_000)]
    assert (out / "deep/a.bin").read_bytes() == BODY and not (out / "deep/a.bin.part").exists()


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("left, again", [(BODY, 0), (BODY + b"more", len(BODY))])
def test_a_part_that_is_whole_or_too_long(server, lists, tmp_path, known, left, again):
    server.files["a"], out = BODY, tmp_path / "out"
    listing = lists(("a.bin", "a", len(BODY) if known else "", md5(BODY), "no"))
    out.mkdir()
    (out / "a.bin.part").write_bytes(left)
    assert not run(listing, out)["missing"] and server.sent == again
    assert (out / "a.bin").read_bytes() == BODY


@pytest.mark.parametrize("length", [True, False])
def test_a_server_without_ranges(server, lists, tmp_path, length):
    server.files["a"], server.ranges, server.breaks, server.length = BODY, False, [100_000, 200_000], length
    listing = lists(("a.bin", "a", len(BODY), md5(BODY), "no"))
    assert not run(listing, tmp_path / "out")["missing"] and (tmp_path / "out/a.bin").read_bytes() == BODY
    assert server.sent == len(BODY) + 300_000
    server.breaks, server.sent = [100_000] * 9, 0  # never further: it gives up after the pauses, keeps the part
    (tmp_path / "out/a.bin").unlink()
    assert run(listing, tmp_path / "out")["missing"] == ["a.bin"] and server.sent == 400_000
    assert names(tmp_path / "out") == ["a.bin.part", "a.bin.verified"]


def test_a_server_that_sends_another_part(server, lists, tmp_path, capsys):
    server.files["a"], server.shift, server.breaks, out = BODY, 1, [1000], tmp_path / "out"
    listing = lists(("a.bin", "a", "", md5(BODY), "no"))
    assert not run(listing, out)["missing"] and (out / "a.bin").read_bytes() == BODY
    assert "sent from byte 1001 instead of 1000 on" in capsys.readouterr().err
    server.says, server.breaks = False, [1000]
    (out / "a.bin").unlink()
    assert run(listing, out)["missing"] == ["a.bin"]
    assert "sent a part of the file without saying which" in capsys.readouterr().err


def test_a_connection_that_stalls(server, lists, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(transfer, "TIMEOUT", 0.2)
    server.files["a"], server.breaks, server.stalls = BODY, [250_000], True
    assert not run(lists(("a.bin", "a", "", md5(BODY), "no")), tmp_path / "out")["missing"]
    assert "timed out" in capsys.readouterr().err and server.sent == len(BODY)


def test_mirrors_one_after_the_other(server, lists, tmp_path, capsys):
    server.files |= {"wrong": BODY[::-1], "short": BODY[:-1], "right": BODY}
    server.statuses = {"busy": [503] * 9, "right": [503, 429]}
    listing = lists(("a.bin", "none busy wrong short http://127.0.0.1:1/x right", len(BODY), md5(BODY), "no"))
    assert not run(listing, tmp_path / "out")["missing"] and (tmp_path / "out/a.bin").read_bytes() == BODY
    assert [name for name, _ in server.requests] == ["none", *["busy"] * 4, "wrong", "short", *["right"] * 3]
    assert server.sent < 3 * len(BODY)
    listing = lists(("b.bin", "none short wrong", len(BODY), md5(BODY), "no"))
    capsys.readouterr()
    assert run(listing, tmp_path / "out")["missing"] == ["b.bin"]
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith(f"{tmp_path}/out/b.bin: {server.url('none')}: HTTP 404 Not Found; ")
    assert f"short: has {len(BODY) - 1} bytes, the list says {len(BODY)}; " in line
    assert line.endswith(f"wrong: wrong checksum: expected {md5(BODY)}, found {md5(BODY[::-1])}")
    assert not (tmp_path / "out/b.bin").exists() and not (tmp_path / "out/b.bin.part").exists()


def test_without_a_checksum_mirrors_are_not_mixed(server, lists, tmp_path, capsys):
    server.files |= {"one": BODY, "two": BODY[::-1]}
    server.breaks = [1000, 0, 0, 0, 0]
    made = run(lists(("a.bin", "one two", "", "", "")), tmp_path / "out")
    assert made == {"files": 1, "missing": [], "unverified": ["a.bin"]}
    assert (tmp_path / "out/a.bin").read_bytes() == BODY[::-1]
    assert f"not verified, the list has no checksum; found {md5(BODY[::-1])}" in capsys.readouterr().err
    before = len(server.requests)
    assert run(tmp_path / "list.tsv", tmp_path / "out") == made and len(server.requests) == before


def test_one_that_fails_does_not_stop_the_others(server, lists, tmp_path):
    server.files |= {"a": BODY, "c": packed(c=b"c")}
    rows = [("a.bin", "a", "", md5(BODY), "no"), ("b.bin", "b", "", "", "no"),
            ("c.tar.gz", "c", "", md5(server.files["c"]), "yes"), ("d.bin", "", "", "", "no")]  # fmt: skip
    made = run(lists(*rows), tmp_path / "out")
    assert made == {"files": 4, "missing": ["b.bin", "d.bin"], "unverified": []}
    assert (tmp_path / "out/c").read_bytes() == b"c"


def test_an_archive_is_unpacked_once_and_may_then_be_deleted(server, lists, tmp_path, monkeypatch):
    server.files["a"], out = packed(**{"audio/x.wav": b"x"}), tmp_path / "out"
    listing = lists(("set/a.tar.gz", "a", "", md5(server.files["a"]), "yes"))
    assert not run(listing, out)["missing"] and (out / "set/audio/x.wav").read_bytes() == b"x"
    monkeypatch.setattr("sedsep.data.fetch.download.unpack", lambda *_: pytest.fail("unpacked twice"))
    assert not run(listing, out)["missing"]
    (out / "set/a.tar.gz").unlink()
    assert not run(listing, out)["missing"] and len(server.requests) == 1
    listing = lists(("set/a.tar.gz", "a", "", md5(b"another"), "yes"))  # the list now wants another file
    assert run(listing, out)["missing"] == ["set/a.tar.gz"] and len(server.requests) == 2


def test_a_broken_or_hostile_archive_is_named_and_nothing_of_it_unpacked(server, lists, tmp_path, capsys):
    server.files |= {"cut": packed(a=BODY, b=os.urandom(5000))[:4000], "evil": packed(**{"../evil": b"x"})}
    listing = lists(("cut.tar.gz", "cut", "", "", "yes"), ("evil.tar.gz", "evil", "", "", "yes"))
    for _ in range(2):
        assert run(listing, tmp_path / "out")["missing"] == ["cut.tar.gz", "evil.tar.gz"]
        said = capsys.readouterr().err
        assert "cut.tar.gz: broken or cut off" in said and "evil.tar.gz: is not safe to unpack" in said
        assert names(tmp_path / "out") == ["cut.tar.gz", "evil.tar.gz"] and not (tmp_path / "evil").exists()
    assert len(server.requests) == 2


def test_files_that_the_user_has_are_read_in_place(server, lists, tmp_path, capsys):
    mine, out, archive = tmp_path / "mine", tmp_path / "out", packed(**{"audio/x.wav": b"x"})
    (mine / "set").mkdir(parents=True)
    (mine / "set/a.tar.gz").write_bytes(archive)
    (mine / "b.bin").write_bytes(BODY)
    (mine / "bad.bin").write_bytes(BODY[1:])
    rows = [("set/a.tar.gz", "a", len(archive), md5(archive), "yes"), ("set/b.bin", "b", "", sha256(BODY), "no"),
            ("bad.bin", "bad", "", md5(BODY), "no"), ("none.bin", "none", "", md5(BODY), "no")]  # fmt: skip
    listing = lists(*rows)
    for _ in range(2):
        assert run(listing, out, mine)["missing"] == ["bad.bin", "none.bin"]
        said = capsys.readouterr().err
        assert f"{mine}/bad.bin: wrong checksum" in said and f"{mine}: has no none.bin" in said
    assert names(mine) == ["b.bin", "bad.bin", "set"] and names(mine / "set") == ["a.tar.gz"]
    assert not server.requests
    assert (out / "set/b.bin").read_bytes() == BODY and (out / "set/b.bin").readlink() == mine / "b.bin"
    assert (out / "set/audio/x.wav").read_bytes() == b"x" and not (out / "set/a.tar.gz").exists()
    server.files |= {"bad": BODY, "none": BODY}
    assert not run(listing, out)["missing"]  # without --from: the rest, and nothing else
    assert [name for name, _ in server.requests] == ["bad", "none"]
    (mine / "b.bin").unlink()  # then the link leads nowhere, and the file is fetched
    server.files["b"] = BODY
    assert not run(listing, out)["missing"] and not (out / "set/b.bin").is_symlink()


def test_a_disk_that_cannot_be_written_ends_all_at_once(server, lists, tmp_path):
    server.files["a"] = BODY
    (tmp_path / "file").write_text("")
    listing = lists(("a.bin", "a", "", "", "no"), ("b.bin", "a", "", "", "no"))
    for out in (tmp_path / "file", "/proc/out"):
        with pytest.raises(UserError, match=f"cannot write {out}/a.bin: "):
            run(listing, out)
    assert not server.requests


def test_two_at_a_time_do_not_write_one_part(server, lists, tmp_path, capsys):
    server.files["a"], part = BODY, tmp_path / "out/a.bin.part"
    part.parent.mkdir()
    with open(part, "ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert run(lists(("a.bin", "a", "", md5(BODY), "no")), tmp_path / "out")["missing"] == ["a.bin"]
    assert "another sedsep download is writing it" in capsys.readouterr().err and not server.requests


def test_an_interrupt_keeps_the_part(server, lists, tmp_path):
    server.files["a"], server.breaks, server.stalls = BODY, [250_000], True
    listing, part = lists(("a.bin", "a", "", md5(BODY), "no")), tmp_path / "out/a.bin.part"

    def interrupt():
        deadline = time.monotonic() + 20
        while server.sent < 250_000 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        run(listing, tmp_path / "out")
    thread.join()
    assert part.read_bytes() == BODY[:250_000]
    assert not run(listing, tmp_path / "out")["missing"] and server.sent == len(BODY)


@pytest.mark.parametrize(
    "row, message",
    [
        (("../a", "a", "", "", ""), "file '../a' is not a path inside of a folder"),
        (("/a", "a", "", "", ""), "is not a path inside of a folder"),
        (("", "a", "", "", ""), "is not a path inside of a folder"),
        (("good", "a", "", "", ""), "good is listed twice"),
        (("a", "a", "1.5", "", ""), "bytes is not a whole number"),
        (("a", "a", "many", "", ""), "bytes is not a number: 'many'"),
        (("a", "a", "", "md5:123", ""), "checksum is 'md5:123'; expected"),
        (("a", "a", "", "", "maybe"), "unpack is 'maybe'; expected yes or no"),
        (("a.rar", "a", "", "", "yes"), "a.rar cannot be unpacked; known: .tar.gz"),
    ],
)
def test_lists_that_cannot_be_understood(lists, row, message):
    with pytest.raises(UserError, match=re.escape(message)) as caught:
        read_list(lists(("good", "a", "", "", ""), row))
    assert "list.tsv:3: " in str(caught.value)


def test_urls_other_than_http_are_refused(tmp_path):
    (tmp_path / "list.tsv").write_text("file\turl\na\tfile:///etc/passwd\n")
    with pytest.raises(UserError, match="list.tsv:2: url 'file:///etc/passwd' is neither http nor https"):
        read_list(tmp_path / "list.tsv")
    write_json(tmp_path / "list.tsv", {})
    with pytest.raises(UserError, match="no column 'file'"):
        read_list(tmp_path / "list.tsv")
