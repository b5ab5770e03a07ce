import errno
import os

import pytest

from sedsep import files
from sedsep.errors import UserError


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(UserError, match="No space left"):
        with files.writing(path) as temporary:
            temporary.write_text("half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["a.txt"]


def test_a_directory_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "d"
    path.mkdir()
    (path / "old").write_text("")
    with pytest.raises(KeyboardInterrupt):
        with files.writing_directory(path) as temporary:
            (temporary / "new").write_text("")
            raise KeyboardInterrupt
    assert os.listdir(path) == ["old"]
    with files.writing_directory(path) as temporary:
        (temporary / "new").write_text("")
    assert os.listdir(path) == ["new"] and os.listdir(tmp_path) == ["d"]


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
