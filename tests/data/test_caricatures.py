"""The ten caricatures: sane, varied, and a task that can be learnt but is not solved by loudness alone."""

import numpy as np
import pytest

from sedsep.data.caricatures import CARICATURES
from sedsep.data.minibank import BACKGROUNDS

RATE = 16000
SHORT = {"Alarm_bell_ringing", "Cat", "Dishes", "Dog", "Speech"}


def draw(label, number):
    return CARICATURES[label](np.random.default_rng([number, len(label)]), RATE)


@pytest.mark.parametrize("label", CARICATURES)
def test_sounds_are_finite_varied_and_of_the_stated_length(label):
    sounds = [draw(label, number) for number in range(8)]
    seconds = np.array([len(sound) for sound in sounds]) / RATE
    assert all(np.isfinite(sound).all() and np.std(sound) > 0 for sound in sounds)
    low, high = (0.1, 5.0) if label in SHORT else (2.0, 8.0)
    assert (seconds >= low).all() and (seconds <= high).all()
    assert len(set(seconds.round(3))) == 8
    np.testing.assert_array_equal(draw(label, 0), sounds[0])


@pytest.mark.parametrize("kind", BACKGROUNDS)
def test_rooms_fill_their_time(kind):
    sound = BACKGROUNDS[kind](np.random.default_rng(0), 2 * RATE, RATE)
    assert sound.shape == (2 * RATE,) and np.isfinite(sound).all()
    thirds = [np.std(part) for part in np.array_split(sound, 3)]
    assert min(thirds) > 0.02 * max(thirds)


def spectrum(sound):
    """Third-octave-like log spectrum and its movement, without the level."""
    frames = np.abs(np.fft.rfft(np.lib.stride_tricks.sliding_window_view(np.pad(sound, 512), 512)[::256])) ** 2
    edges = np.unique(np.geomspace(2, 257, 17).astype(int))
    bands = np.log(np.add.reduceat(frames, edges[:-1], axis=1) + 1e-6 * frames.max())
    return np.concatenate([bands.mean(0) - bands.mean(), bands.std(0)])


def test_classes_can_be_told_apart_but_not_trivially():
    labels = list(CARICATURES)
    known = {label: np.mean([spectrum(draw(label, n)) for n in range(12)], axis=0) for label in labels}
    right = 0
    for label in labels:
        for number in range(12, 18):
            features = spectrum(draw(label, number))
            right += min(labels, key=lambda name: np.sum((known[name] - features) ** 2)) == label
    assert 0.5 < right / 60 < 1.0
