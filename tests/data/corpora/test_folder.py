"""Folders of recordings: links followed, circles noticed, what is not read said; files by another ending or form."""

from sedsep.data.corpora.folder import Folder, unread, walk


def put(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def test_links_to_folders_are_followed_once(tmp_path):
    put(tmp_path, "store/Dog/1.wav", "root/Cat/2.wav")
    (tmp_path / "root" / "Dog").symlink_to("../store/Dog")
    (tmp_path / "root" / "Dog again").symlink_to("../store/Dog")
    (tmp_path / "root" / "Cat" / "up").symlink_to("..")
    files, left = walk(tmp_path / "root")
    assert [str(path.relative_to(tmp_path / "root")) for path in files] == ["Cat/2.wav", "Dog/1.wav"]
    assert {path.name: why for path, why in left} == dict.fromkeys(
        ("Dog again", "up"), "a link to a folder that is read already"
    )


def test_what_was_not_read_is_said(tmp_path):
    put(tmp_path, "Dog/1.wav", "Dog/2.m4a", "Dog/3.m4a", "4.wav", "Dog/.5.wav", "notes.txt", ".git/6.wav")
    (tmp_path / "Cat").write_text("Dog\n")
    (tmp_path / "Cow").symlink_to("gone")
    assert unread(tmp_path, [tmp_path / "Dog" / "1.wav"]) == [
        f"{tmp_path}: 1 .wav",
        f"{tmp_path}/Dog: 2 .m4a",
        f"{tmp_path}/Cat: a link that was copied as a text file",
        f"{tmp_path}/Cow: a link to nothing",
    ]


def test_a_recording_is_found_by_its_exact_name_first(tmp_path):
    folder = Folder(put(tmp_path, "a.flac", "a.wav", "b.ogg", "Cafe\u0301/c\u00e9.wav"))
    assert folder.find("a.wav") == tmp_path / "a.wav" and folder.find("a.flac") == tmp_path / "a.flac"
    assert folder.find("b.wav") == folder.find("b") == tmp_path / "b.ogg" and folder.find("b.mp4").name == "b.ogg"
    assert folder.find("Caf\u00e9/ce\u0301.wav") == tmp_path / "Cafe\u0301" / "c\u00e9.wav"
