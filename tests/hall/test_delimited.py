"""Rows of text: what is written reads back, here and in pandas; what people's programs save is read."""

import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sedsep.delimited import line, rows
from tests.awkward import names

fields = st.one_of(names, st.just(""))


@given(st.integers(1, 3).flatmap(lambda width: st.lists(st.lists(fields, min_size=width, max_size=width), max_size=5)))
def test_rows_read_back(table):
    text = "".join(map(line, table))
    assert [row for _, row in rows(text)] == table


@given(st.lists(st.tuples(names, names), min_size=1, max_size=4))
def test_pandas_reads_the_same(table):
    text = "".join(map(line, [("a", "b"), *table]))
    found = pd.read_csv(io.StringIO(text, newline=""), sep="\t", dtype=str, keep_default_na=False)
    expected = [list(row) for row in table]
    assert found.to_numpy().tolist() == expected


@pytest.mark.parametrize(
    "text, found",
    [
        ("a\tb\n\n \t \n1\t2", [(1, ["a", "b"]), (4, ["1", "2"])]),
        ("a\r\n\r\nb\r\n", [(1, ["a"]), (3, ["b"])]),
        ("a\r\rb\r", [(1, ["a"]), (3, ["b"])]),
        ('a\t"1\n2"\n"x\ty"\tz', [(1, ["a", "1\n2"]), (3, ["x\ty", "z"])]),
        ('"hi" there\tx\n"open\ty\n', [(1, ['"hi" there', "x"]), (2, ['"open', "y"])]),
        ('say "hi"\t"a ""b"""\t\n', [(1, ['say "hi"', 'a "b"', ""])]),
        ('"a"\r\n\r\n"b"', [(1, ["a"]), (3, ["b"])]),
        ("", []),
    ],
)
def test_text_as_people_save_it(text, found):
    assert rows(text) == found
