"""Activity: padding, noise floors, steady sounds, silence."""

import numpy as np
import pytest

from sedsep.data import activity

RATE = 16000


def burst(seconds, level=0.3, seed=0):
    return level * np.random.default_rng(seed).standard_normal(int(seconds * RATE))


def padded(*parts):
    return np.concatenate([np.zeros(int(p * RATE)) if isinstance(p, float) else p for p in parts]).astype(np.float32)


def test_digital_silence_around_an_event_is_not_sound():
    assert activity.segments(padded(1.0, burst(0.5), 3.5), RATE) == [(1.0, 1.5)]


def test_a_noise_floor_is_not_sound():
    waveform = padded(2.0, burst(0.5), 2.5) + 0.002 * np.random.default_rng(1).standard_normal(5 * RATE)
    ((onset, offset),) = activity.segments(waveform, RATE)
    assert onset == pytest.approx(2.0, abs=0.011) and offset == pytest.approx(2.5, abs=0.011)


def test_pauses_split_only_when_they_are_long():
    short = activity.segments(padded(burst(0.2), 0.3, burst(0.2)), RATE)
    long = activity.segments(padded(burst(0.2), 0.6, burst(0.2)), RATE)
    assert short == [(0, 0.7)] and long == [(0, 0.2), (0.8, 1.0)]


def test_a_steady_sound_is_all_event_even_if_it_swells():
    waveform = burst(5) * np.linspace(0.3, 1, 5 * RATE)
    assert activity.segments(waveform, RATE) == [(0, 5)]


def test_a_quiet_recording_is_found_and_silence_is_empty():
    assert activity.segments(padded(0.5, burst(0.5, 3e-3), 1.0), RATE) == [(0.5, 1.0)]
    assert activity.segments(np.zeros(RATE, np.float32), RATE) == []
    assert activity.segments(burst(1, 1e-6), RATE) == []


def test_clicks_are_dropped_and_odd_lengths_keep_their_end():
    waveform = padded(0.5, burst(0.01), 1.0, burst(0.2003))
    assert activity.segments(waveform, RATE) == [(1.51, 1.71)]
    assert activity.segments(burst(0.1234), RATE) == [(0, 0.123)]


def test_level_ignores_pauses():
    waveform = padded(burst(0.5), 1.0, burst(0.5, seed=1))
    mask = activity.active_mask(waveform, RATE)
    assert mask.sum() == RATE and activity.rms(waveform[mask]) == pytest.approx(0.3, rel=0.02)
    assert activity.active_mask(np.zeros(100, np.float32), RATE).all()
    assert activity.rms(np.zeros(0)) == 0 and activity.decibels(0) == -240


def test_levels_of_blocks_are_those_of_the_whole():
    waveform = padded(0.5, burst(0.7003))
    for sizes in ([len(waveform)], [1, 2, 159, 4000], [160] * 50):
        levels, n_samples = activity.levels_of(np.split(waveform, np.cumsum(sizes)), RATE)
        np.testing.assert_array_equal(levels, activity.frame_levels(waveform, RATE))
        assert n_samples == len(waveform)
    assert activity.stretches(*activity.levels_of([], RATE), RATE) == []


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100])
def test_times_do_not_drift_where_a_frame_is_no_whole_number_of_samples(rate):
    waveform = np.zeros(120 * rate, np.float32)
    waveform[100 * rate : 101 * rate] = 0.3
    assert activity.segments(waveform, rate) == [(pytest.approx(100, abs=0.011), pytest.approx(101, abs=0.011))]


def test_a_cut_of_a_pause_moves_to_the_sound_beside_it():
    waveform = padded(burst(0.2), 0.4, burst(0.2)) + 1e-4 * burst(0.8, 1, seed=1)
    length = RATE // 10
    for first in range(0, len(waveform) - length, 97):
        moved = activity.audible_cut(waveform, first, length, RATE)
        assert 0 <= moved <= len(waveform) - length and activity.rms(waveform[moved : moved + length]) > 0.05
        inside = np.abs(waveform[first + 160 : first + length - 160]).max() > 0.1
        assert moved == first if inside else abs(moved - first) <= 0.2 * RATE
    assert activity.audible_cut(waveform, 7, 20 * RATE, RATE) == 7
    assert activity.audible_cut(np.zeros(100, np.float32), 7, 20, RATE) in range(81)
