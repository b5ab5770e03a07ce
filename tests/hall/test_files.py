import errno
import os

import pytest

from sedsep import files
from sedsep.errors import UserError


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(UserError, match="No space left"), files.writing(path) as temporary:
        temporary.write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["a.txt"]


def test_a_directory_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "d"
    with files.writing_directory(path, "a set") as temporary:
        (temporary / "old").write_text("")
    with pytest.raises(KeyboardInterrupt), files.writing_directory(path, "a set") as temporary:
        (temporary / "new").write_text("")
        raise KeyboardInterrupt
    assert "old" in os.listdir(path)
    with files.writing_directory(path, "a set") as temporary:
        (temporary / "new").write_text("")
    assert set(os.listdir(path)) == {"new", files.MARK} and os.listdir(tmp_path) == ["d"]


def test_what_is_no_output_of_this_kind_is_never_replaced(tmp_path):
    for name in ("thesis.txt", files.MARK):
        path = tmp_path / name
        path.mkdir()
        (path / name).write_text("another kind")
        with pytest.raises(UserError, match="is there already and is not a set that sedsep wrote"):
            with files.writing_directory(path, "a set"):
                raise AssertionError("nothing may begin")
        assert os.listdir(path) == [name]
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is there already"), files.writing_directory(tmp_path / "file", "a set"):
        raise AssertionError("nothing may begin")
    (tmp_path / "empty").mkdir()
    with files.writing_directory(tmp_path / "empty", "a set"):
        pass
    assert os.listdir(tmp_path / "empty") == [files.MARK]


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "empty"),
        ("filename\tonset\nx\t1\n", "no column 'offset'"),
        ("filename\tonset\toffset\nx\t1\ttwo\n", r"t.tsv:2: offset is not a number: 'two'"),
    ],
)
def test_bad_tables(tmp_path, text, message):
    path = tmp_path / "t.tsv"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        files.read_table(path, ("filename", "onset", "offset"), numeric=("onset", "offset"))


def test_names_stay_strings(tmp_path):
    path = tmp_path / "t.tsv"
    path.write_text("filename\tonset\n007\t\nNA\t1.5\n")
    table = files.read_table(path, ("filename",), numeric=("onset",))
    assert table["filename"].tolist() == ["007", "NA"] and table["onset"].isna().tolist() == [True, False]
