"""Ten caricatures: what barks, clinks, sizzles and speaks in a home, each drawn anew from a generator.

The classes are DESED's (DCASE task 4). Every function takes ``(rng, sample_rate)`` and returns a waveform ``(n,)``
of arbitrary level. Sounds of one class share a mechanism; size, pitch, material and rhythm vary.
"""

import numpy as np
from scipy.signal import fftconvolve

from sedsep.data.synthesis import (
    band,
    faded,
    formants,
    gesture,
    harmonics,
    modes,
    noise,
    scattered,
    sequence,
    sway,
    tilt,
    wander,
)


def alarm_bell_ringing(rng, sample_rate):
    """A hammered bell, an electronic beeper, or a two-tone siren; 0.5 to 3 s."""
    seconds = rng.uniform(0.5, 3.0)
    n = int(seconds * sample_rate)
    kind = rng.choice(["bell", "beeper", "siren"])
    if kind == "bell":
        base = rng.uniform(700, 2200)
        partials = base * np.array([1.0, 1.51, 2.0, 2.74, 3.01, 4.2]) * rng.uniform(0.98, 1.02, 6)
        strike = modes(partials, rng.uniform(0.2, 1.5, 6), rng.uniform(0.2, 1.0, 6), 0.6, sample_rate)
        impulses = np.zeros(n)
        strokes = np.cumsum(rng.normal(1, 0.04, 200)) * sample_rate / rng.uniform(9, 24)
        strokes = strokes[(strokes >= 0) & (strokes < n)].astype(int)
        impulses[strokes] = rng.uniform(0.7, 1.0, len(strokes))
        return faded(fftconvolve(impulses, strike)[:n], 0.002, 0.1, sample_rate)
    time = np.arange(n) / sample_rate
    if kind == "beeper":
        pitch = np.full(n, rng.uniform(900, 3500))
        duty, rate = rng.uniform(0.35, 0.7), rng.uniform(1.5, 8)
        gate = ((time * rate) % 1 < duty).astype(float)
        gate = np.convolve(gate, np.ones(64) / 64, "same")
    else:
        low, ratio = rng.uniform(500, 1200), rng.uniform(1.2, 1.6)
        swing = 0.5 + 0.5 * np.tanh(rng.uniform(1, 8) * sway(rng.uniform(1, 5), n, sample_rate))
        pitch, gate = low * ratio**swing, np.ones(n)
    tone = harmonics(pitch, tilt(rng.uniform(-14, -3), pitch.min()), sample_rate, 8)
    return faded(tone * gate, 0.005, 0.02, sample_rate)


def blender(rng, sample_rate):
    """A universal motor that revs up under a changing load, and a chopping roar; 2 to 7 s."""
    n = int(rng.uniform(2, 7) * sample_rate)
    start = rng.uniform(0.02, 0.15)
    speed = gesture([(0, 0.35), (start, 1), (0.93, rng.uniform(0.9, 1.05)), (1, 0.5)], n)
    speed = speed * wander(rng, n, 4, sample_rate, 0.94, 1.04) * rng.uniform(130, 320)
    motor = harmonics(speed, tilt(rng.uniform(-7, -3)), sample_rate, 30)
    motor = motor / np.std(motor)
    rotation = sway(speed / rng.integers(2, 5), n, sample_rate)
    roar = band(noise(rng, n, 0.5), rng.uniform(300, 700), rng.uniform(3000, 6500), sample_rate, 1)
    chunks = wander(rng, n, 12, sample_rate, 0.4, 1.3)
    sound = motor * rng.uniform(0.4, 1.0) + roar * (1 + 0.6 * rotation) * chunks * rng.uniform(0.8, 2.0)
    return faded(sound * np.sqrt(speed / speed.max()), 0.04, 0.15, sample_rate)


def cat(rng, sample_rate):
    """One to three meows: an arched pitch through a mouth that opens and closes; 0.4 to 1.4 s each."""
    size = rng.uniform(0.8, 1.35)
    peak = rng.uniform(420, 800) / size
    parts = []
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        n = int(rng.uniform(0.4, 1.0 if parts else 1.4) * sample_rate)
        top = rng.uniform(0.25, 0.6)
        pitch = peak * gesture([(0, rng.uniform(0.6, 0.85)), (top, 1), (1, rng.uniform(0.5, 0.75))], n)
        pitch = pitch * (1 + rng.uniform(0, 0.02) * sway(rng.uniform(5, 9), n, sample_rate))
        mouth = np.array([[350, 1100, 3000], [950, 2300, 3700], [800, 1500, 3300], [400, 900, 2900]]) / size
        mouth = formants(mouth, [180, 280, 500], [1, rng.uniform(0.4, 0.9), 0.3])
        voice = harmonics(pitch, mouth, sample_rate, 16)
        breath = band(noise(rng, n), 2000, 6500, sample_rate) * rng.uniform(0.005, 0.04)
        envelope = gesture([(0, 0.05), (0.15, 0.6), (top, 1), (0.8, 0.5), (1, 0)], n)
        parts.append(faded((voice + breath) * envelope, 0.02, 0.05, sample_rate))
    return sequence(parts, rng.uniform(0.1, 0.4, len(parts)), sample_rate)


def dishes(rng, sample_rate):
    """Plates, glasses and cutlery that meet: clusters of inharmonic modes, some with a scrape; 0.3 to 2 s."""
    n = int(rng.uniform(0.3, 2.0) * sample_rate)
    sound = np.zeros(n + sample_rate)
    bodies = [rng.uniform(900, 3200) * np.cumprod(rng.uniform(1.12, 1.7, 7)) for _ in range(rng.integers(1, 4))]
    for _ in range(rng.integers(1, 4) + int(rng.uniform(1, 5) * n / sample_rate)):
        body = bodies[rng.integers(len(bodies))]
        decays = rng.uniform(0.06, 0.6) * (body[0] / body) ** 0.5
        clink = modes(body, decays, rng.uniform(0.1, 1, 7), 0.6, sample_rate)
        clink[:40] += 0.6 * rng.standard_normal(40)
        at = rng.integers(0, n)
        sound[at : at + len(clink)] += rng.uniform(0.15, 1) * clink[: len(sound) - at]
    if rng.random() < 0.3:
        at, length = rng.integers(0, max(1, n // 2)), rng.integers(n // 5, n // 2)
        scrape = band(noise(rng, length), rng.uniform(2000, 3500), 7000, sample_rate)
        sound[at : at + length] += 0.3 * faded(scrape, 0.05, 0.05, sample_rate)
    return sound


def dog(rng, sample_rate):
    """One to six barks of one dog: an abrupt, rough voice with a hollow throat; 0.1 to 0.3 s each."""
    size = rng.uniform(0.7, 1.6)
    throat = np.array([620, 1250, 2500]) / size * rng.uniform(0.9, 1.1, 3)
    pitch, parts = rng.uniform(380, 620) / size, []
    for _ in range(rng.integers(1, 7)):
        n = int(rng.uniform(0.1, 0.28) * sample_rate)
        top = rng.uniform(0.15, 0.4)
        f0 = pitch * rng.uniform(0.92, 1.08) * gesture([(0, 0.7), (top, 1.15), (1, 0.6)], n)
        rough = 1 + rng.uniform(0.1, 0.6) * np.repeat(rng.uniform(-1, 1, n // 64 + 1), 64)[:n]
        voice = harmonics(f0, formants(throat, [260, 350, 600], [1, 0.7, 0.25]), sample_rate, 24)
        burst = band(noise(rng, n), throat[0] / 2, 4500, sample_rate, 1) * rng.uniform(0.1, 0.4)
        envelope = gesture([(0, 0), (0.08, 1), (0.5, 0.7), (1, 0)], n) ** rng.uniform(1, 2)
        parts.append(rng.uniform(0.6, 1) * (voice * rough + burst) * envelope)
    return sequence(parts, rng.uniform(0.08, 0.5) * rng.uniform(0.7, 1.3, len(parts)), sample_rate)


def electric_shaver_toothbrush(rng, sample_rate):
    """A small vibrating motor: a dense buzz of 90 to 280 Hz whose colour moves with the hand; 2 to 8 s."""
    n = int(rng.uniform(2, 8) * sample_rate)
    pitch = rng.uniform(90, 280) * wander(rng, n, 3, sample_rate, 0.985, 1.015)
    hand = rng.uniform([500, 1800, 4000], [1200, 3200, 6500], (rng.integers(4, 9), 3))
    body = formants(hand, [300, 500, 900], rng.uniform(0.3, 1.0, 3))
    buzz = harmonics(pitch, lambda f, p: body(f, p) + 0.15 * (200 / f), sample_rate, 60)
    buzz = buzz / np.std(buzz)
    strokes = 1 - rng.uniform(0, 0.6) * (0.5 + 0.5 * sway(wander(rng, n, 2, sample_rate, 0.3, 4), n, sample_rate))
    rustle = band(noise(rng, n), 2500, 7000, sample_rate) * rng.uniform(0.05, 0.4)
    return faded((buzz + rustle) * strokes, 0.03, 0.06, sample_rate)


def frying(rng, sample_rate):
    """Fat that sizzles: a steady hiss and a rain of crackles; 2 to 8 s."""
    n = int(rng.uniform(2, 8) * sample_rate)
    hiss = band(noise(rng, n), rng.uniform(1800, 4000), 8000, sample_rate)
    hiss = hiss * wander(rng, n, 3, sample_rate, 0.7, 1.2)
    grains = []
    for _ in range(6):
        size = int(rng.uniform(0.001, 0.006) * sample_rate)
        grain = rng.standard_normal(size) * np.exp(-5 * np.arange(size) / size)
        grains.append(band(np.pad(grain, (0, 100)), rng.uniform(1200, 3500), 7500, sample_rate))
    crackle = scattered(rng, n, rng.uniform(20, 220), grains, sample_rate, 0.9)
    swell = gesture([(0, rng.uniform(0.3, 1)), (0.2, 1), (1, rng.uniform(0.5, 1))], n)
    return faded((hiss * rng.uniform(0.4, 1) + crackle) * swell, 0.08, 0.25, sample_rate)


def running_water(rng, sample_rate):
    """A tap into a basin: broadband splash and bubbles that chirp upwards; 2 to 8 s."""
    n = int(rng.uniform(2, 8) * sample_rate)
    splash = noise(rng, n, rng.uniform(0.2, 1))
    splash = band(splash, rng.uniform(250, 900), rng.uniform(4000, 7800), sample_rate, 1)
    splash = splash * wander(rng, n, 8, sample_rate, 0.7, 1.1)
    bubbles, deep = [], rng.uniform(0.7, 1.6)
    for _ in range(10):
        size = int(rng.uniform(0.01, 0.06) * sample_rate)
        start, rise = deep * np.exp(rng.uniform(np.log(350), np.log(2400))), rng.uniform(1.05, 1.4)
        chirp = sway(start * gesture([(0, 1), (1, rise)], size), size, sample_rate)
        bubbles.append(chirp * np.exp(-5 * np.arange(size) / size))
    drops = scattered(rng, n, rng.uniform(40, 250), bubbles, sample_rate, 0.7)
    return faded(splash * rng.uniform(0.5, 1.5) + drops * rng.uniform(0.3, 1), 0.1, 0.2, sample_rate)


def speech(rng, sample_rate):
    """Syllables of one voice: vowels that glide under an intonation, hissed and plosive consonants; 0.5 to 3 s."""
    size, pitch = rng.uniform(0.82, 1.2), rng.uniform(90, 260)
    vowels = np.array([[730, 1090, 2440], [270, 2290, 3010], [300, 870, 2240], [530, 1840, 2480], [570, 840, 2410]])
    parts, count = [], rng.integers(2, 12)
    for index in range(count):
        n = int(rng.uniform(0.09, 0.28) * sample_rate)
        shape = size * vowels[rng.integers(5, size=2)] * rng.uniform(0.95, 1.05, (2, 1))
        line = pitch * (1.12 - 0.3 * index / count) * gesture([(0, 1), (0.4, rng.uniform(1, 1.2)), (1, 0.95)], n)
        source = formants(shape, [90, 120, 200], [1, 0.5, 0.25])
        vowel = harmonics(line, lambda f, p, s=source: s(f, p) * (150 / f) ** 0.5, sample_rate, 34)
        parts.append(faded(vowel, 0.02, 0.05, sample_rate) * rng.uniform(0.6, 1))
        if rng.random() < 0.6:
            length = int(rng.uniform(0.03, 0.14) * sample_rate)
            centre = rng.uniform(1800, 6000)
            hiss = band(noise(rng, length), centre * 0.7, centre * 1.3, sample_rate)
            sharp = rng.random() < 0.5
            parts.append(faded(hiss, 0.002 if sharp else 0.03, 0.02, sample_rate) * rng.uniform(0.1, 0.5))
    gaps = np.where(rng.random(len(parts)) < 0.12, rng.uniform(0.1, 0.25, len(parts)), 0.01)
    return sequence(parts, gaps, sample_rate)[: 3 * sample_rate]


def vacuum_cleaner(rng, sample_rate):
    """A suction roar with the hose's resonances and a steady turbine whine; 2 to 8 s."""
    n = int(rng.uniform(2, 8) * sample_rate)
    roar = noise(rng, n, rng.uniform(0.8, 1.6))
    for centre in rng.uniform([200, 700], [600, 2500]):
        roar = roar + rng.uniform(0.5, 2) * band(roar, centre * 0.85, centre * 1.15, sample_rate, 1)
    start = gesture([(0, 0.6), (rng.uniform(0.05, 0.2), 1), (1, 1)], n) if rng.random() < 0.5 else np.ones(n)
    turns = rng.uniform(250, 900) * start * wander(rng, n, 1, sample_rate, 0.99, 1.01)
    whine = harmonics(turns, tilt(-6), sample_rate, 10)
    strokes = 1 + rng.uniform(0, 0.35) * sway(rng.uniform(0.3, 1.2), n, sample_rate)
    sound = roar / np.std(roar) * strokes + whine / np.std(whine) * rng.uniform(0.1, 0.6)
    return faded(sound * start, 0.15, 0.3, sample_rate)


CARICATURES = {
    "Alarm_bell_ringing": alarm_bell_ringing,
    "Blender": blender,
    "Cat": cat,
    "Dishes": dishes,
    "Dog": dog,
    "Electric_shaver_toothbrush": electric_shaver_toothbrush,
    "Frying": frying,
    "Running_water": running_water,
    "Speech": speech,
    "Vacuum_cleaner": vacuum_cleaner,
}
