"""One file over HTTP into a part that goes on where it was broken off. The only file that touches the network."""

import contextlib
import fcntl
import http.client
import os
import re
import time
import urllib.error
import urllib.request

from sedsep import __version__, progress
from sedsep.errors import UserError

CHUNK, MB = 1 << 20, 10**6  # bytes
PAUSES = (1, 2, 5, 10, 30, 60)  # seconds before each further try without progress
TIMEOUT = 60  # seconds without a byte after which a connection counts as broken
RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
TOO_FAR = re.compile(r"bytes \*/(\d+)")
PASSING = (408, 425, 429)  # HTTP errors worth another try, as all from 500 on are


class Refused(Exception):
    """A mirror that does not have the file, or not now: worth another mirror."""


class _Broken(Exception):
    """A request ended early: worth another one."""


@contextlib.contextmanager
def alone(part):
    """Create the part and keep other processes from writing it; one that is still empty at the end is removed.

    Raises:
        UserError: another process writes it. OSError: the disk cannot be written.
    """
    with open(part, "ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"{part}: another sedsep download is writing it; wait until that has ended") from None
        except OSError:
            pass  # some network file systems have no locks; the checksum will tell
        try:
            yield
        finally:
            if part.exists() and not part.stat().st_size:
                part.unlink()


def complete(part, url, expected=None, pauses=PAUSES) -> None:
    """Fetch what ``part`` lacks. Tries are counted from the last one that got further than any before.

    Args:
        expected: bytes of the whole file, where they are known.
        pauses: seconds before each further try.

    Raises:
        Refused: the mirror has no such file, has another one, or has broken off too often.
        OSError: the disk is full or cannot be written.
    """
    furthest, left = part.stat().st_size, list(pauses)
    while True:
        try:
            return _request(part, url, expected)
        except _Broken as error:
            reason = str(error)
        if part.stat().st_size > furthest:
            furthest, left = part.stat().st_size, list(pauses)
        if not left:
            raise Refused(f"{reason} (tried {len(pauses) + 1} times)")
        progress.say(f"{part.stem}: {reason}; again in {left[0]:g} s")
        time.sleep(left.pop(0))


def _request(part, url, expected):
    """One request for the rest; returns once the part is complete."""
    done = part.stat().st_size
    if done == expected:
        return
    if expected is not None and done > expected:
        os.truncate(part, 0)
        done = 0
    headers = {"User-Agent": f"sedsep/{__version__}", **({"Range": f"bytes={done}-"} if done else {})}
    try:
        response = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 416 and done:
                whole = TOO_FAR.fullmatch(error.headers.get("Content-Range", ""))
                if whole and int(whole[1]) == done and expected is None:
                    return
                os.truncate(part, 0)
                raise _Broken("the part does not fit the file; from the start") from None
            passing = error.code in PASSING or error.code >= 500
            raise (_Broken if passing else Refused)(f"HTTP {error.code} {error.reason}") from None
    except (OSError, http.client.HTTPException) as error:
        raise _Broken(_reason(error)) from None
    except ValueError as error:
        raise Refused(f"not a valid url: {error}") from None
    with response:
        start, total = _span(response)
        if expected is not None and total not in (None, expected):
            raise Refused(f"has {total} bytes, the list says {expected}")
        if start != done:
            os.truncate(part, 0)
            if start:
                raise _Broken(f"sent from byte {start} instead of {done} on; from the start")
        total = expected if total is None else total
        _receive(response, part, total)
    size = part.stat().st_size
    if total is not None and size < total:
        raise _Broken(f"the connection broke off after {size} of {total} bytes")


def _span(response):
    """First byte of the response, 0 where the server ignores ranges; bytes of the whole file, or None."""
    if response.status == 206:
        span = RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if span is None:
            raise Refused("sent a part of the file without saying which")
        return int(span[1]), None if span[2] == "*" else int(span[2])
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() else None


def _receive(response, part, total):
    """Append the response to the part; it is closed, and so kept, whatever happens."""
    done, known = part.stat().st_size, total or 0
    shown = progress.bar(known // MB, "MB", part.stem, done // MB, disable=known < MB)
    with shown as bar, open(part, "ab") as file:
        while total is None or done <= total:  # a server that never ends does not fill the disk
            try:
                chunk = response.read1(CHUNK)  # what is there, so that little is lost with the connection
            except (OSError, http.client.HTTPException) as error:
                raise _Broken(_reason(error)) from None
            if not chunk:
                return
            file.write(chunk)
            done += len(chunk)
            bar.update(done // MB - bar.n)


def _reason(error):
    """One line for what urllib, the socket or the name server said."""
    cause = getattr(error, "reason", None) or error
    text = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    return text.splitlines()[0]
