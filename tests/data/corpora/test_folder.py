"""Folders of recordings: links followed, circles noticed, what is not read said; files by another ending or form."""

from sedsep.data.corpora.folder import Folder, audio_below, unread


def put(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def test_links_to_folders_are_followed_and_a_recording_counts_once(tmp_path):
    put(tmp_path, "store/Dog/1.wav", "root/Cat/2.wav")
    (tmp_path / "root" / "Dog").symlink_to("../store/Dog")
    (tmp_path / "root" / "Dog again").symlink_to("../store/Dog")
    (tmp_path / "root" / "Cat" / "up").symlink_to("..")
    root = tmp_path / "root"
    assert [str(path.relative_to(root)) for path in audio_below(root)] == ["Cat/2.wav", "Dog/1.wav"]
    assert unread(root, audio_below(root)) == [
        f"{root}/Dog again: 1 audio files are not used",
        f"{root}/Cat/up: not entered, it is a link to a folder around it",
    ]


def test_what_was_not_read_is_said(tmp_path):
    put(tmp_path, "Dog/1.wav", "4.wav", "Dog/.5.wav", "notes.txt", ".git/6.wav")
    (tmp_path / "Cat").write_text("Dog\n")
    (tmp_path / "Cow").symlink_to("gone")
    nowhere = "not entered, it is a link that leads nowhere, or that was copied as a text file"
    assert unread(tmp_path, [tmp_path / "Dog" / "1.wav"]) == [
        f"{tmp_path}: 1 audio files are not used",
        f"{tmp_path}/Cat: {nowhere}",
        f"{tmp_path}/Cow: {nowhere}",
        f"{tmp_path}: 1 files are not read: 1 .txt",
    ]


def test_a_recording_is_found_by_its_exact_name_first(tmp_path):
    folder = Folder(put(tmp_path, "a.flac", "a.wav", "b.ogg", "Cafe\u0301/c\u00e9.wav"))
    assert folder.find("a.wav") == tmp_path / "a.wav" and folder.find("a.flac") == tmp_path / "a.flac"
    assert folder.find("b.wav") == folder.find("b") == tmp_path / "b.ogg" and folder.find("b.mp4").name == "b.ogg"
    assert folder.find("Caf\u00e9/ce\u0301.wav") == tmp_path / "Cafe\u0301" / "c\u00e9.wav"
