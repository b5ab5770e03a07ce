"""Walk: every audio file below a folder, through links, and a word about all that is not read."""

import os

from sedsep.data.walk import walk


def test_links_are_followed_and_cycles_are_noticed(tmp_path):
    folder, store = tmp_path / "folder", tmp_path / "store"
    for path in (folder / "b" / "2.WAV", folder / "a.flac", store / "deep" / "3.ogg", folder / ".hidden" / "4.wav"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    (folder / "linked").symlink_to(store)
    (folder / "b" / "round").symlink_to(folder)
    (store / "again").symlink_to(folder / "b")
    (folder / "file.wav").symlink_to(store / "deep" / "3.ogg")
    found = walk(folder)
    names = [path.relative_to(folder).as_posix() for path in found.audio]
    assert names == ["a.flac", "b/2.WAV", "file.wav", "linked/again/2.WAV", "linked/deep/3.ogg"]
    assert all("link to a folder around it" in reason for _, reason in found.unread)
    assert [path.relative_to(folder).as_posix() for path, _ in found.unread] == ["b/round", "linked/again/round"]


def test_what_is_not_read_is_counted(tmp_path):
    for name in ("a.wav", "b.txt", "c.txt", "d.m4a", "notes", ".DS_Store"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".sedsep").write_text("a score directory\n")
    (tmp_path / "out" / "source0.wav").write_bytes(b"")
    found = walk(tmp_path)
    assert [path.name for path in found.audio] == ["a.wav"]
    entered, counted = found.notes(tmp_path)
    assert "out: not entered, sedsep has written it" in entered
    assert f"{tmp_path}: 4 files are not read: 1 without an ending, 1 .m4a, 2 .txt; convert it, like this" in counted


def test_broken_links_and_names_that_are_no_text_are_said(tmp_path):
    (tmp_path / "Dog").mkdir()
    (tmp_path / "Cat").write_text("Dog\n")
    (tmp_path / "Cow").symlink_to("gone")
    (tmp_path / os.fsdecode(b"caf\xe9.wav")).touch()
    found = walk(tmp_path)
    assert found.audio == [] and not found.others
    reasons = {path.name: reason for path, reason in found.unread}
    assert "leads nowhere" in reasons["Cow"] and "copied as a text file" in reasons["Cat"]
    assert reasons[os.fsdecode(b"caf\xe9.wav")] == "its name is not UTF-8; rename it"
