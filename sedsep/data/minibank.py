"""The mini soundbank: recordings of ten caricatured classes and of empty rooms, written in seconds."""

import zlib
from pathlib import Path

import numpy as np

from sedsep.data import audio
from sedsep.data.caricatures import CARICATURES
from sedsep.data.synthesis import band, gesture, harmonics, modes, noise, sway, tilt, wander
from sedsep.files import writing_directory

STATIONARY = ("room_tone", "ventilation", "refrigerator")  # backgrounds that do not change
BACKGROUND_SECONDS = 12.0
PEAK = 0.7


def room_tone(rng, n, sample_rate):
    """A quiet room: soft noise, coloured by its resonances."""
    sound = noise(rng, n, rng.uniform(0.8, 1.8))
    centre = rng.uniform(150, 1200)
    return sound + rng.uniform(0, 1.5) * band(sound, centre * 0.7, centre * 1.4, sample_rate, 1)


def ventilation(rng, n, sample_rate):
    """Air through a duct, with the tone of its fan."""
    air = band(noise(rng, n, 1), 80, rng.uniform(1500, 6000), sample_rate, 1)
    air = air * wander(rng, n, 1, sample_rate, 0.85, 1)
    tone = harmonics(np.full(n, rng.uniform(60, 180)), tilt(-9, 100), sample_rate, 6)
    return air + tone / np.std(tone) * np.std(air) * rng.uniform(0.05, 0.3)


def refrigerator(rng, n, sample_rate):
    """Mains hum that beats slowly, over soft noise."""
    hum = harmonics(np.full(n, rng.choice([50.0, 60.0])), tilt(rng.uniform(-9, -5), 100), sample_rate, 12)
    beat = 1 + rng.uniform(0.05, 0.4) * sway(rng.uniform(0.3, 3), n, sample_rate)
    return hum / np.std(hum) * beat + rng.uniform(0.3, 1) * noise(rng, n, 1.2)


def traffic(rng, n, sample_rate):
    """A street behind the window: a low rumble with cars that pass."""
    sound = band(noise(rng, n, 1.6), 0, rng.uniform(500, 1500), sample_rate, 1) * rng.uniform(0.3, 0.6)
    for _ in range(rng.integers(1, 4)):
        at = rng.uniform(0.1, 0.9)
        passing = gesture([(0, 0), (max(0.01, at - 0.15), 0.1), (at, 1), (min(0.99, at + 0.2), 0.1), (1, 0)], n)
        sound = sound + rng.uniform(0.3, 1) * passing * band(noise(rng, n, 1), 60, 2500, sample_rate, 1)
    return sound


def wind(rng, n, sample_rate):
    """Gusts around the house."""
    low = band(noise(rng, n, 1.5), 0, 500, sample_rate, 1) * wander(rng, n, 0.7, sample_rate, 0.2, 1.2)
    centre = rng.uniform(300, 900)
    whistle = band(noise(rng, n), centre * 0.9, centre * 1.1, sample_rate)
    return low + whistle * wander(rng, n, 0.5, sample_rate, 0, 0.8)


def clock(rng, n, sample_rate):
    """A room with a ticking clock."""
    sound = noise(rng, n, 1.3)
    step = int(sample_rate / rng.choice([1, 2, 4]))
    tick, tock = (rng.uniform((900, 0.01), (4500, 0.06), (5, 2)).T for _ in range(2))
    ticks = [modes(*body, np.ones(5), 0.08, sample_rate) for body in (tick, tock)]
    level = rng.uniform(0.3, 1.2)
    for index, at in enumerate(range(int(rng.integers(step)), n - len(ticks[0]), step)):
        sound[at : at + len(ticks[0])] += level * ticks[index % 2]
    return sound


BACKGROUNDS = {
    "room_tone": room_tone,
    "ventilation": ventilation,
    "refrigerator": refrigerator,
    "traffic": traffic,
    "wind": wind,
    "clock": clock,
}


def synthesise_bank(
    directory, seed: int = 2021, per_class: int = 24, n_backgrounds: int = 40, sample_rate: int = 16000
) -> None:
    """Write the mini soundbank as one folder per class, and ``background/<kind>`` for the rooms.

    Each recording depends on (seed, label, number) alone, so a larger bank begins with the smaller one's files.
    As in real collections, a recording begins and ends with some silence.

    Args:
        per_class: recordings of each class. n_backgrounds: recordings of rooms, shared evenly among their kinds.

    Raises:
        UserError: the directory cannot be written.
    """
    with writing_directory(directory, "a folder of synthesised sounds") as temporary:
        for label, caricature in CARICATURES.items():
            for number in range(per_class):
                rng = _generator(seed, label, number)
                silence = [np.zeros(int(s * sample_rate)) for s in rng.uniform(0, 0.4, 2)]
                sound = np.concatenate([silence[0], caricature(rng, sample_rate), silence[1]])
                _write(temporary / label / f"{label}_{number:03d}.wav", sound, rng.uniform(0.2, 1), sample_rate)
        _write_backgrounds(temporary, tuple(BACKGROUNDS), seed, n_backgrounds, sample_rate)


def synthesise_noise(directory, seed: int = 2021, count: int = 30, sample_rate: int = 16000) -> None:
    """Write stationary backgrounds alone, as ``background/<kind>``, for recordings that come without any.

    Raises:
        UserError: the directory cannot be written.
    """
    with writing_directory(directory, "a folder of synthesised sounds") as temporary:
        _write_backgrounds(temporary, STATIONARY, seed, count, sample_rate)


def _write_backgrounds(directory, kinds, seed, count, sample_rate):
    for number in range(count):
        kind = kinds[number % len(kinds)]
        rng = _generator(seed, kind, number)
        sound = BACKGROUNDS[kind](rng, int(BACKGROUND_SECONDS * sample_rate), sample_rate)
        _write(directory / "background" / kind / f"{kind}_{number:03d}.wav", sound, 1.0, sample_rate)


def _generator(seed, label, number):
    return np.random.default_rng([seed, zlib.crc32(label.encode()), number])


def _write(path: Path, sound, level, sample_rate):
    audio.write(path, PEAK * level * sound / np.abs(sound).max(), sample_rate, subtype="PCM_16")
