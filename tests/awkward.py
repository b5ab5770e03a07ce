"""Names that people really give to files and classes, and all others: what the property tests of tables draw from."""

from hypothesis import strategies as st

HARD = "\"'\t\n\r\x0b\x85\u2028\ufeff,;| \\/.[]aA1e\u0301\u00e9"

ANY = st.characters(codec="utf-8", exclude_characters="\0")  # no file's name has a zero in it

names = st.one_of(st.text(HARD, min_size=1, max_size=8), st.text(ANY, min_size=1, max_size=12))
