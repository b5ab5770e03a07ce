import errno
import os

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sedsep import files
from sedsep.errors import UserError
from sedsep.names import normal
from tests.awkward import names


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


@given(st.lists(st.tuples(names, names, st.floats(allow_nan=False, allow_infinity=False)), max_size=4))
def test_a_table_reads_back(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("table") / "t.tsv"
    files.write_table(path, pd.DataFrame(rows, columns=["filename", "path", "x"]))
    table = files.read_table(path, ("filename", "path"), numeric=("x",))
    expected = [(normal(name), place, number) for name, place, number in rows]
    assert list(table.itertuples(index=False, name=None)) == expected, "names in one form, paths as the disk has them"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("sign", ["\t", ",", ";"])
def test_tables_as_programs_save_them(tmp_path, encoding, end, sign):
    rows = ["filename,onset,event_label,", "", "a.wav,1.5,Dog,", ",,,", '"b, c; d.wav",,"Caf\u00e9"', "e.wav"]
    text = end.join(row if row.startswith('"') and sign == "," else _separated(row, sign) for row in rows)
    (tmp_path / "t.csv").write_bytes(text.encode(encoding))
    table = files.read_table(tmp_path / "t.csv", ("filename", "event_label"), numeric=("onset",))
    assert list(table.columns) == ["filename", "onset", "event_label"] and list(table.index) == [3, 5, 6]
    assert table["filename"].tolist() == ["a.wav", "b, c; d.wav", "e.wav"]
    assert table["event_label"].tolist() == ["Dog", "Caf\u00e9", ""] and table["onset"][3] == 1.5


def _separated(row, sign):
    if row.startswith('"'):
        return f'"b, c; d.wav"{sign}{sign}"Caf\u00e9"'
    return row.replace(",", sign)


@pytest.mark.parametrize(
    "text, message",
    [
        ("filename\tonset\n\na.wav\t1\t\nb.wav\t1\t\tDog\n", r"t.tsv:4: 4 fields for 2 columns; .* is 'Dog'"),
        ("filename\tonset\n\n\nx\ttwo\n", r"t.tsv:4: onset is not a number: 'two'"),
        ("filename\tonset\tonset\nx\t1\t2\n", "2 columns 'onset'"),
        ("filename,begin_of\nx,1\n", "no column 'onset'; the header row has: filename, begin_of"),
        ("\n\t\n", "the file is empty"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path, text, message):
    (tmp_path / "t.tsv").write_text(text)
    with pytest.raises(UserError, match=message):
        files.read_table(tmp_path / "t.tsv", ("filename", "onset"), numeric=("onset",))


def test_columns_by_the_names_of_other_programs(tmp_path):
    (tmp_path / "t.csv").write_text("File Name,Start,End,Label\na.wav,1,2,Dog\n")
    table = files.read_table(tmp_path / "t.csv", ("filename", "onset", "offset", "event_label"))
    assert table.iloc[0].to_dict() == {"filename": "a.wav", "onset": "1", "offset": "2", "event_label": "Dog"}
    (tmp_path / "t.csv").write_text("file,fname,onset\na,b,1\n")
    with pytest.raises(UserError, match="no column 'filename'"):
        files.read_table(tmp_path / "t.csv", ("filename", "onset"))


def test_a_name_that_is_not_utf_8_is_refused_where_it_is_written(tmp_path):
    name = os.fsdecode(b"caf\xe9.wav")
    for write in (
        lambda: files.write_table(tmp_path / "t.tsv", pd.DataFrame({"n": [1, 2], "filename": ["a", name]})),
        lambda: files.write_text(tmp_path / "t.tsv", f"a\nb\t{name}\n"),
    ):
        with pytest.raises(UserError, match=r"cannot write .*t.tsv: 'caf\\udce9.wav' is not UTF-8; rename that file"):
            write()
    assert os.listdir(tmp_path) == []


def test_a_file_is_found_by_its_name_in_another_form(tmp_path):
    composed, apart = "Caf\u00e9", "Cafe\u0301"
    (tmp_path / apart).mkdir()
    (tmp_path / apart / f"{apart}.wav").touch()
    assert files.located(tmp_path / composed / f"{composed}.wav") == tmp_path / apart / f"{apart}.wav"
    assert files.located(tmp_path / composed / "none.wav") == tmp_path / composed / "none.wav"
    assert files.clip_id(f"{apart}.wav") == composed and files.clip_id(".wav") == ".wav"
