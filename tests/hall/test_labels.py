import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedsep.errors import UserError
from sedsep.labels import Classes, FrameGrid, runs

GRID = FrameGrid(16000, 256, 4)


def test_unknown_label_names_the_nearest():
    with pytest.raises(UserError, match="strong.tsv:3: unknown label 'Dogg'.*'Dog'"):
        Classes(("Cat", "Dog")).index("Dogg", "strong.tsv:3")


@pytest.mark.parametrize("names", [(), ("a", "a"), ("a", "")])
def test_bad_vocabularies(names):
    with pytest.raises(UserError):
        Classes(names)


def test_published_frames():
    assert GRID.n_frames(160000) == 156 and GRID.boundaries(156)[-1] == pytest.approx(9.984)
    assert FrameGrid(16000, 255, 4).n_frames(160000) == 157
    assert GRID.boundaries(156, 9.5).max() == 9.5


def test_2020_rounding_loses_short_events():
    old = FrameGrid(16000, 255, 4, "floor")
    assert old.encode([(1.0, 1.01, "Dog")], 157, Classes(("Dog",))).sum() == 0
    assert GRID.encode([(1.0, 1.01, "Dog")], 156, Classes(("Dog",))).sum() == 1


@given(st.integers(0, 155), st.integers(1, 156))
@settings(max_examples=50, deadline=None)
def test_events_on_frame_boundaries_come_back(first, length):
    last = min(first + length, 156)
    edges = GRID.boundaries(156)
    strong = GRID.encode([(edges[first], edges[last], "Dog")], 156, Classes(("Dog",)))
    assert runs(strong[:, 0]) == [(first, last)]


def test_events_outside_the_clip_leave_no_frames():
    classes = Classes(("Dog",))
    assert GRID.encode([(10.5, 11.0, "Dog")], 156, classes).sum() == 0
    assert np.flatnonzero(GRID.encode([(-1.0, 0.05, "Dog")], 156, classes)[:, 0]).tolist() == [0]
    assert GRID.encode([(9.95, 12.0, "Dog")], 156, classes)[-1, 0] == 1
