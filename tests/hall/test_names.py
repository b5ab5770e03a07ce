"""Names in one Unicode form, and lists of names that read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sedsep.errors import UserError, nearest
from sedsep.labels import Classes
from sedsep.names import fault, join, normal, split
from tests.awkward import names


@given(st.lists(names.map(normal), max_size=5))
def test_a_list_reads_back(given_names):
    assert split(join(given_names)) == tuple(given_names)
    assert split(join(given_names), given_names) == tuple(given_names)


@pytest.mark.parametrize(
    "text, known, found",
    [
        ("a, b ,,c,", (), ("a", "b", "c")),
        ("Speech, male,Dog", ("Dog", "Speech, male"), ("Speech, male", "Dog")),
        ("A,B", ("A", "B", "A,B"), ("A", "B")),
        ('"A,B"', ("A", "B", "A,B"), ("A,B",)),
        ("Speech, male,Dgo", ("Dog", "Speech, male"), ("Speech", "male", "Dgo")),
        ("Cafe\u0301", (), ("Caf\u00e9",)),
        ("", (), ()),
    ],
)
def test_lists_as_people_write_them(text, known, found):
    assert split(text, known) == found


@given(names)
def test_a_class_name_reads_back_or_is_refused(tmp_path_factory, name):
    path = tmp_path_factory.mktemp("classes") / "classes.txt"
    try:
        classes = Classes((name, "Dog") if name != "Dog" else (name,))
    except UserError as error:
        assert fault(normal(name)) or normal(name) == "Dog", error
        return
    path.write_text("".join(f"{one}\n" for one in classes), encoding="utf-8")
    assert Classes.read(path) == classes and classes.index(name) == 0


def test_a_mark_and_other_line_ends_are_no_part_of_a_class(tmp_path):
    path = tmp_path / "classes.txt"
    for encoding, end in (("utf-8-sig", "\n"), ("utf-8", "\r\n"), ("utf-16", "\r\n"), ("utf-8", "\r")):
        path.write_bytes(end.join(["Dog", "", "Cafe\u0301", " Cat "]).encode(encoding))
        assert Classes.read(path).names == ("Dog", "Caf\u00e9", "Cat")
    path.write_bytes("Caf\u00e9\n".encode("latin-1"))
    with pytest.raises(UserError, match=r"classes.txt: not a list of event classes in UTF-8 \(line 1\); save it as"):
        Classes.read(path)


def test_classes_are_found_in_either_form():
    assert Classes(("Cafe\u0301",)).index("Caf\u00e9") == Classes(("Caf\u00e9",)).index("Cafe\u0301") == 0


@pytest.mark.parametrize(
    "name, near", [("DOG", "'Dog'"), ("Dog ", "'Dog'"), ("dog", "'Dog'"), ("Dgo", "'Dog'"), ("x", None)]
)
def test_the_nearest_name_ignores_case_and_spaces(name, near):
    assert nearest(name, ["Cat", "Dog"]) == (f" (did you mean {near}?)" if near else "")
