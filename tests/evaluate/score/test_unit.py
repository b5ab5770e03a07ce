"""A unit shows a stored value and a number that is in it already alike, and knows itself from a file of results."""

import pytest

from sedsep.evaluate.score.unit import DECIBEL, FRACTION, PER_CENT, SHARE, UNITS, unit_of


def test_a_value_and_a_number_are_shown_alike():
    for unit in UNITS.values():
        assert unit.text(0.125) == unit.number(0.125 * unit.factor) + unit.suffix
        assert unit.text(float("nan")) == unit.text(None) == unit.number(float("nan")) == "-"
    assert PER_CENT.text(-0.001, "+") == "-0.10 %" and DECIBEL.number(3.0, 0.25, "+") == "+3.0 ± 0.2"


@pytest.mark.parametrize(
    "entry, unit",
    [
        ({"unit": "fraction", "shown_in": "per cent"}, PER_CENT),
        ({"unit": "fraction", "shown_in": "share"}, SHARE),
        ({"unit": "fraction"}, FRACTION),
        ({"unit": "dB"}, DECIBEL),
        ({}, FRACTION),
    ],
)
def test_older_files_say_only_what_is_stored(entry, unit):
    assert unit_of(entry) is unit
