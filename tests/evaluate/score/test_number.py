"""Numbers in a file of results: JSON without NaN, and everything that the number needs beside it."""

import json

import numpy as np

from sedsep.evaluate.score.number import Number, plain
from sedsep.evaluate.score.unit import PER_CENT


def test_nan_becomes_null():
    number = Number(
        "f1", "f1[x]", float("nan"), np.array([0.5, np.nan]), unit=PER_CENT, note="rule",
        replicates=np.array([np.nan, 1]),
    )  # fmt: skip
    entry = number.as_json(["Cat", "Dog"], "events:1", 3)
    assert json.loads(json.dumps(entry, allow_nan=False)) == {
        "id": "f1[x]",
        "value": None,
        "unit": "fraction",
        "shown_in": "per cent",
        "data": "events:1",
        "missing_clips": 3,
        "interval_95": [1, 1],
        "replicates": [None, 1],
        "per_class": {"Cat": 0.5, "Dog": None},
        "note": "rule",
    }


def test_a_number_without_extras_is_short():
    keys = {"id", "value", "unit", "shown_in", "data", "missing_clips"}
    assert set(Number("a", "a[]", 1.0).as_json([], "d", 0)) == keys
    assert plain(None) is None and plain(np.float32(0.5)) == 0.5
