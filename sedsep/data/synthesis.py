"""Building blocks of synthetic sounds: harmonics under a moving resonance, struck modes, coloured noise, gestures.

Source: the physically informed models of Farnell, "Designing Sound" (2010), and the source-filter model of voices
(Fant, 1960), in their simplest forms. Time runs along the last axis; ``n`` counts samples.
"""

import numpy as np
from scipy.signal import butter, fftconvolve, sosfilt

CONTROL = 80  # samples between two control values (gains of harmonics move this slowly)


def harmonics(f0: np.ndarray, response, sample_rate: int, n_harmonics: int = 40) -> np.ndarray:
    """Sum of sines at the multiples of a gliding fundamental, each as loud as a moving filter lets it through.

    Args:
        f0: fundamental in Hz, ``(n,)``.
        response: ``response(frequency, position)`` -> gain; frequency ``(frames, K)`` in Hz, position
            ``(frames, 1)`` from 0 at the sound's beginning to 1 at its end.
    """
    n = len(f0)
    knots = np.arange(0, n + CONTROL, CONTROL)
    pitch = np.interp(knots, np.arange(n), f0)
    count = max(1, min(n_harmonics, int(0.47 * sample_rate / pitch.min())))
    frequency = pitch[:, None] * np.arange(1, count + 1)
    gains = response(frequency, (knots / knots[-1])[:, None]) * (frequency < 0.47 * sample_rate)
    phase = 2 * np.pi * np.cumsum(f0) / sample_rate
    twice_cosine, before, now = 2 * np.cos(phase), np.zeros(n), np.sin(phase)
    sound, samples = np.zeros(n), np.arange(n)
    for gain in gains.T:
        if gain.any():
            sound += np.interp(samples, knots, gain) * now
        before, now = now, twice_cosine * now - before  # sin((k + 1) p) = 2 cos(p) sin(k p) - sin((k - 1) p)
    return sound


def formants(centres, widths, gains):
    """A response for :func:`harmonics`: resonances whose centres move through the rows of ``centres`` (Hz).

    Shapes: centres ``(steps, formants)``, widths and gains ``(formants,)``.
    """
    centres = np.atleast_2d(np.asarray(centres, float))
    steps = np.linspace(0, 1, len(centres)) if len(centres) > 1 else np.array([0.0])

    def response(frequency, position):
        total = 0.0
        for index, (width, gain) in enumerate(zip(widths, gains)):
            centre = np.interp(position, steps, centres[:, index])
            total = total + gain / (1 + ((frequency - centre) / width) ** 2)
        return total

    return response


def tilt(decibels_per_octave: float, reference: float = 200.0):
    """A response for :func:`harmonics`: a spectrum that falls (or rises) evenly from ``reference`` Hz."""
    return lambda frequency, position: (frequency / reference) ** (decibels_per_octave / 6.02)


def modes(frequencies, decays, gains, seconds: float, sample_rate: int) -> np.ndarray:
    """A struck body: decaying sines. ``decays`` are seconds to -60 dB."""
    time = np.arange(int(seconds * sample_rate)) / sample_rate
    sound = np.zeros(len(time))
    for frequency, decay, gain in zip(frequencies, decays, gains):
        if frequency < 0.47 * sample_rate:
            sound += gain * np.exp(-6.91 * time / decay) * np.sin(2 * np.pi * frequency * time)
    return sound


def noise(rng, n: int, slope: float = 0.0) -> np.ndarray:
    """Gaussian noise of unit RMS; power falls by ``slope`` times 3 dB per octave (0 white, 1 pink, 2 brown)."""
    spectrum = np.fft.rfft(rng.standard_normal(n))
    bins = np.arange(len(spectrum))
    spectrum *= np.maximum(bins, max(1, len(bins) // 400)) ** (-slope / 2)  # level below 1/400 of the band
    spectrum[0] = 0
    sound = np.fft.irfft(spectrum, n)
    return sound / np.sqrt(np.mean(sound**2) + 1e-20)


def band(sound: np.ndarray, low: float, high: float, sample_rate: int, order: int = 2) -> np.ndarray:
    """Butterworth band-pass; ``low`` 0 or ``high`` at Nyquist and above leave that side open."""
    top = 0.49 * sample_rate
    low = min(low, 0.8 * top)  # at low rates the highest bands move down rather than vanish
    if low <= 0:
        sections = butter(order, min(high, top), "lowpass", fs=sample_rate, output="sos")
    elif high >= top:
        sections = butter(order, low, "highpass", fs=sample_rate, output="sos")
    else:
        sections = butter(order, [low, high], "bandpass", fs=sample_rate, output="sos")
    return sosfilt(sections, sound)


def wander(rng, n: int, per_second: float, sample_rate: int, low: float = 0.0, high: float = 1.0) -> np.ndarray:
    """A slow random line ``(n,)`` between ``low`` and ``high`` with about ``per_second`` new values a second."""
    count = max(2, int(n / sample_rate * per_second) + 2)
    return np.interp(np.linspace(0, count - 1, n), np.arange(count), rng.uniform(low, high, count))


def sway(rate, n: int, sample_rate: int) -> np.ndarray:
    """A sine ``(n,)`` of ``rate`` Hz, a number or ``(n,)``."""
    return np.sin(2 * np.pi * np.cumsum(np.broadcast_to(rate, n)) / sample_rate)


def gesture(points, n: int) -> np.ndarray:
    """Straight lines through ``[(position in 0..1, value), ...]``, ``(n,)``."""
    positions, values = zip(*points)
    return np.interp(np.linspace(0, 1, n), positions, values)


def scattered(rng, n: int, per_second: float, grains: list, sample_rate: int, spread: float = 1.0) -> np.ndarray:
    """Poisson rain of ``grains`` (short waveforms); log-normal loudness with ``spread`` nepers."""
    sound = np.zeros(n)
    for grain in grains:
        count = rng.poisson(per_second * n / sample_rate / len(grains))
        times = rng.integers(0, max(1, n), count)
        impulses = np.zeros(n)
        np.add.at(impulses, times, np.exp(spread * rng.standard_normal(count)))
        sound += fftconvolve(impulses, grain)[:n]
    return sound


def faded(sound: np.ndarray, attack: float, release: float, sample_rate: int) -> np.ndarray:
    """The sound with raised-cosine ends of ``attack`` and ``release`` seconds."""
    sound = sound.copy()
    rise, fall = (min(len(sound) // 2, max(1, int(s * sample_rate))) for s in (attack, release))
    sound[:rise] *= 0.5 - 0.5 * np.cos(np.pi * np.arange(rise) / rise)
    sound[-fall:] *= 0.5 + 0.5 * np.cos(np.pi * (np.arange(fall) + 1) / fall)
    return sound


def sequence(parts, gaps, sample_rate: int) -> np.ndarray:
    """Waveforms one after the other, with ``gaps`` seconds of silence after each."""
    pieces = []
    for part, gap in zip(parts, gaps):
        pieces += [part, np.zeros(int(gap * sample_rate))]
    return np.concatenate(pieces[:-1])
