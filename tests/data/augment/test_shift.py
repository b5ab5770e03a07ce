"""Shift: labels are on the sound wherever it goes, also around the end of the clip."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedsep.data.augment.shift import Shift
from sedsep.data.clip import LoadedClip

RATE, N = 1000, 2000


def sounding(*spans):
    """Samples in which something sounds, ``(N,)`` float32."""
    waveform = np.zeros(N, np.float32)
    for onset, offset in spans:
        waveform[round(onset * RATE) : round(offset * RATE)] = 1
    return waveform


def shifted(strong, seconds, stems=None, weak=None):
    clip = LoadedClip("a", sounding(*(event[:2] for event in strong)), RATE, tuple(strong), weak, stems)
    return Shift().apply(clip, {"seconds": seconds})


@given(st.integers(0, N - 1), st.integers(1, N), st.floats(-7, 7))
@settings(max_examples=200, deadline=None)
def test_an_event_is_where_its_sound_is(onset, duration, seconds):
    event = (onset / RATE, min(onset + duration, N) / RATE, "Cat")
    clip = shifted([event], seconds)
    np.testing.assert_array_equal(sounding(*(found[:2] for found in clip.strong)), clip.mixture)
    assert all(0 <= a < b <= N / RATE for a, b, _ in clip.strong) and 1 <= len(clip.strong) <= 2
    assert sum(b - a for a, b, _ in clip.strong) == pytest.approx(event[1] - event[0])


def test_stems_move_with_the_mixture_and_weak_labels_stay():
    stems = {"Cat": sounding((0.5, 1.0)), "": sounding((0.0, 2.0))}
    clip = shifted([(0.5, 1.0, "Cat")], 1.25, stems, ("Cat",))
    np.testing.assert_array_equal(clip.stems["Cat"], sounding((1.75, 2.0), (0.0, 0.25)))
    assert clip.strong == ((0.0, 0.25, "Cat"), (1.75, 2.0, "Cat")) and clip.weak == ("Cat",)


@pytest.mark.parametrize(
    "event, seconds, expected",
    [
        ((0.5, 1.0), 0.5, [(1.0, 1.5)]),
        ((0.5, 1.0), -0.75, [(0.0, 0.25), (1.75, 2.0)]),
        ((0.5, 1.0), 1.0, [(1.5, 2.0)]),  # ends where the clip ends: nothing is left for the beginning
        ((0.5, 1.0), -0.5, [(0.0, 0.5)]),
        ((0.0, 2.0), 0.3, [(0.0, 2.0)]),
        ((1.5, 2.5), 0.0, [(1.5, 2.0)]),  # a label that outlasts the sound
        ((2.0, 2.5), 0.3, []),
        ((0.5, 1.0), 0.0004, [(0.5, 1.0)]),  # less than half a sample
    ],
)
def test_what_a_shift_makes_of_an_event(event, seconds, expected):
    assert shifted([(*event, "Cat")], seconds).strong == tuple((*span, "Cat") for span in expected)


def test_shifts_are_drawn_from_the_interval():
    rng, shift = np.random.default_rng(0), Shift((-0.5, 2.0))
    found = [shift.draw(rng, 2.0)["seconds"] for _ in range(100)]
    assert -0.5 <= min(found) < -0.3 and 1.8 < max(found) <= 2.0 and shift.moves_events
