"""Archives: unpacked as a whole, beside what is there; hostile and broken ones leave nothing behind."""

import io
import os
import stat
import tarfile
import zipfile

import pytest

from sedsep.data.fetch.archives import unpack
from sedsep.errors import UserError


def member(name, body=b"", kind=tarfile.REGTYPE, link=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, len(body)
    return info, body


def tar(path, *members, mode="w:gz"):
    with tarfile.open(path, mode) as file:
        for info, body in members:
            file.addfile(info, io.BytesIO(body))
    return path


def zipped(path, *members):
    with zipfile.ZipFile(path, "w") as file:
        for name, body, mode in members:
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 3, mode << 16
            file.writestr(info, body)
    return path


def tree(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


GOOD = [
    member("./", kind=tarfile.DIRTYPE),
    member("./audio/a.wav", b"a" * 3000),
    member("audio/deep/b.wav", b"b" * 70000),
    member("empty/", kind=tarfile.DIRTYPE),
    member("audio/deep/link.wav", kind=tarfile.SYMTYPE, link="../a.wav"),
    member("audio/deep/chain.wav", kind=tarfile.SYMTYPE, link="link.wav"),
    member("copy.wav", kind=tarfile.LNKTYPE, link="audio/a.wav"),
]


@pytest.mark.parametrize("name, mode", [("x.tar.gz", "w:gz"), ("x.tgz", "w:gz"), ("x.tar", "w")])
def test_a_tar(tmp_path, name, mode):
    archive, folder = tar(tmp_path / name, *GOOD, mode=mode), tmp_path / "out"
    for _ in range(2):  # what is there already is as it should be
        unpack(archive, folder)
        a, b = b"a" * 3000, b"b" * 70000
        assert tree(folder) == {
            "audio/a.wav": a, "audio/deep/b.wav": b, "audio/deep/link.wav": a, "audio/deep/chain.wav": a,
            "copy.wav": a,
        }  # fmt: skip
        assert os.readlink(folder / "audio/deep/link.wav") == "../a.wav" and (folder / "empty").is_dir()
        assert not (folder / "copy.wav").is_symlink() and not list(folder.glob(".*"))


def test_a_zip(tmp_path):
    archive = zipped(tmp_path / "x.zip", ("audio/", b"", stat.S_IFDIR), ("audio/a.wav", b"a" * 3000, stat.S_IFREG),
                     ("plain.txt", b"", 0), ("audio/l.wav", b"a.wav", stat.S_IFLNK))  # fmt: skip
    unpack(archive, tmp_path / "out")
    assert tree(tmp_path / "out") == {"audio/a.wav": b"a" * 3000, "audio/l.wav": b"a" * 3000, "plain.txt": b""}


def test_two_archives_share_their_folders_and_nothing_is_overwritten(tmp_path):
    folder = tmp_path / "out"
    unpack(tar(tmp_path / "1.tar.gz", member("audio/a.wav", b"a"), member("LICENSE", b"one")), folder)
    unpack(tar(tmp_path / "2.tar.gz", member("audio/b.wav", b"b"), member("LICENSE", b"one")), folder)
    before = tree(folder)
    assert set(before) == {"audio/a.wav", "audio/b.wav", "LICENSE"}
    for other in (member("LICENSE", b"two"), member("audio", b"x"), member("LICENSE/x", b"x")):
        with pytest.raises(UserError, match="is there already"):
            unpack(tar(tmp_path / "3.tar.gz", member("other/c.wav", b"c"), other), folder)
        assert tree(folder) == before and not list(folder.glob(".*"))


HOSTILE = {
    "parent": [member("../evil.txt", b"x")],
    "deep parent": [member("a/../../evil.txt", b"x")],
    "absolute": [member("/tmp/sedsep_evil.txt", b"x")],
    "the folder itself": [member(".", b"x")],
    "link outside": [member("a/l", kind=tarfile.SYMTYPE, link="../../evil.txt")],
    "absolute link": [member("l", kind=tarfile.SYMTYPE, link="/etc/passwd")],
    "file through a link": [member("l", kind=tarfile.SYMTYPE, link="d"), member("l/evil.txt", b"x")],
    "link through a link": [
        member("d/e/l", kind=tarfile.SYMTYPE, link="../.."),
        member("m", kind=tarfile.SYMTYPE, link="d/e/l/../../.."),
    ],
    "the same, later": [
        member("m", kind=tarfile.SYMTYPE, link="d/e/l/../../.."),
        member("d/e/l", kind=tarfile.SYMTYPE, link="../.."),
    ],
    "hardlink outside": [member("h", kind=tarfile.LNKTYPE, link="../secret.txt")],
    "hardlink to a link": [
        member("d/l", kind=tarfile.SYMTYPE, link="../x"),
        member("h", kind=tarfile.LNKTYPE, link="d/l"),
    ],
    "hardlink to itself": [member("h", b"x"), member("h", kind=tarfile.LNKTYPE, link="h")],
    "device": [member("null", kind=tarfile.CHRTYPE)],
    "pipe": [member("pipe", kind=tarfile.FIFOTYPE)],
    "file and folder": [member("a", b"x"), member("a/b", b"x")],
    "link over a file": [member("a", b"x"), member("a", kind=tarfile.SYMTYPE, link="b")],
}


@pytest.mark.parametrize("members", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_tar_leaves_nothing(tmp_path, members):
    (tmp_path / "secret.txt").write_text("secret")
    archive = tar(tmp_path / "x.tar.gz", member("good.txt", b"good"), *members)
    with pytest.raises(UserError, match="not safe to unpack|two members in one place") as caught:
        unpack(archive, tmp_path / "in" / "out")
    assert "\n" not in str(caught.value) and str(archive) in str(caught.value)
    assert not list((tmp_path / "in/out").iterdir()) and not os.path.exists("/tmp/sedsep_evil.txt")
    assert {p.name for p in tmp_path.iterdir()} == {"secret.txt", "x.tar.gz", "in"}


@pytest.mark.parametrize(
    "entry",
    [
        ("../evil", b"x", stat.S_IFREG),
        ("/evil", b"x", 0),
        ("l", b"../../evil", stat.S_IFLNK),
        ("p", b"", stat.S_IFIFO),
    ],  # fmt: skip
)
def test_a_hostile_zip_leaves_nothing(tmp_path, entry):
    with pytest.raises(UserError, match="not safe to unpack"):
        unpack(zipped(tmp_path / "x.zip", ("good", b"x", 0), entry), tmp_path / "out")
    assert not list((tmp_path / "out").iterdir()) and not (tmp_path / "evil").exists()


def test_archives_that_are_cut_off_or_something_else(tmp_path):
    noise = os.urandom(30000)
    whole = {
        "x.tar.gz": tar(tmp_path / "x.tar.gz", member("a", noise), member("b", noise)),
        "x.tar": tar(tmp_path / "x.tar", member("a", noise), member("b", noise), mode="w"),
        "x.zip": zipped(tmp_path / "x.zip", ("a", noise, 0), ("b", noise, 0)),
    }
    for name, path in whole.items():
        data = path.read_bytes()
        garbled = bytearray(data)
        garbled[20000] ^= 1
        cuts = [b"", b"<html>no</html>" * 100, data[:100], data[:20000], data[: len(data) * 2 // 3], data[:-4]]
        if name == "x.tar":  # it has no checksum of its own, and four bytes of its padding say nothing
            cuts[-1] = data[: 512 + 30208]  # exactly before the second header
        else:
            cuts.append(bytes(garbled))
        for cut in cuts:
            path.write_bytes(cut)
            with pytest.raises(UserError, match="broken or cut off") as caught:
                unpack(path, tmp_path / "out")
            assert "\n" not in str(caught.value) and not list((tmp_path / "out").iterdir())


def test_what_a_killed_run_left_is_removed(tmp_path):
    left = tmp_path / "out" / ".x.tar.gz.unpacking.part"
    left.mkdir(parents=True)
    (left / "half").write_text("x")
    unpack(tar(tmp_path / "x.tar.gz", member("a", b"a")), tmp_path / "out")
    assert tree(tmp_path / "out") == {"a": b"a"} and not left.exists()
