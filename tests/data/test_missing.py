from sedsep.data.manifest import ClipSet
from sedsep.data.missing import expected_and_found, read_missing, write_missing
from sedsep.data.repair import repair


def test_a_set_knows_what_it_lacks(make_set, tmp_path):
    directory = make_set("set", 3)
    assert read_missing(directory) == () and ClipSet.read(directory).missing == ()
    lacking = [("a.wav", "not there"), ("b.wav", "unreadable: truncated"), ("c.wav", "not there")]
    write_missing(directory, lacking)
    assert ClipSet.read(directory).missing == tuple(lacking)
    repair(directory, tmp_path / "copy")
    assert ClipSet.read(tmp_path / "copy").missing == tuple(lacking)


def test_the_table_of_expected_and_found(make_set):
    one, other = make_set("one", 3), make_set("another", 2)
    write_missing(one, [("a.wav", "not there"), ("b.wav", "unreadable: cut"), ("c.wav", "not there")])
    lines = expected_and_found([ClipSet.read(one), ClipSet.read(other)]).splitlines()
    assert [line.split() for line in lines] == [
        ["set", "expected", "found", "missing", "why"],
        ["one", "6", "3", "3", "2", "not", "there,", "1", "unreadable"],
        ["another", "2", "2", "0"],
    ]
