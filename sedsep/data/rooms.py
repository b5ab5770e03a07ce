"""Room responses: image sources for the first reflections, a decaying diffuse tail for the rest.

Sources: Allen & Berkley 1979 (images of a shoebox), Sabine's formula for the walls' absorption, Polack 1988
(exponentially decaying noise as late reverberation), statistical room acoustics for its level (critical distance).
"""

from dataclasses import dataclass

import numpy as np
from scipy.signal import fftconvolve

SOUND_SPEED = 343.0
IMAGE_ORDER = 2  # reflections per axis; later ones melt into the tail
WALL = 0.5  # metres that sources and microphone keep from the walls


@dataclass(frozen=True)
class Room:
    """A shoebox: ``size`` and ``microphone`` in metres (x, y, z), reverberation time ``rt60`` in seconds."""

    size: tuple
    microphone: tuple
    rt60: float


def draw_room(rng, rt60) -> Room:
    """A room of a home, with a reverberation time from the interval ``rt60``."""
    size = rng.uniform([3.0, 2.5, 2.3], [8.0, 6.0, 3.2])
    microphone = rng.uniform([WALL] * 3, size - WALL)
    return Room(_tuple(size), _tuple(microphone), round(float(rng.uniform(*rt60)), 3))


def draw_position(rng, room: Room) -> tuple:
    """A place for a source in the room, at least half a metre from the microphone and the walls."""
    while True:
        place = rng.uniform([WALL] * 3, np.array(room.size) - WALL)
        if np.linalg.norm(place - room.microphone) >= 0.5:
            return _tuple(place)


def _tuple(values):
    return tuple(np.round(values, 3).tolist())


def response(room: Room, position, sample_rate: int, rng) -> np.ndarray:
    """Impulse response from ``position`` to the microphone, ``(n,)``.

    The direct path is sample 0 with amplitude 1 and nothing comes before it, so that labels made for the dry sound
    stay true; the response ends at ``rt60`` (-60 dB).

    Args:
        rng: of the tail's noise.
    """
    size, microphone = np.array(room.size), np.array(room.microphone)
    surface = 2 * (size[0] * size[1] + size[1] * size[2] + size[0] * size[2])
    volume = size.prod()
    absorption = min(0.95, 0.161 * volume / (surface * room.rt60))
    distances, reflections = _images(size, np.array(position), microphone)
    direct = distances.min()
    sound = np.zeros(max(2, int(room.rt60 * sample_rate)))
    delays = np.round((distances - direct) / SOUND_SPEED * sample_rate).astype(int)
    heard = delays < len(sound)
    gains = (1 - absorption) ** (reflections / 2) * direct / distances
    np.add.at(sound, delays[heard], gains[heard])
    return sound + _tail(room.rt60, volume, direct, len(sound), sample_rate, rng)


def _images(size, source, microphone):
    """Distances of the image sources to the microphone and their numbers of reflections, ``(images,)`` each."""
    order = np.arange(-IMAGE_ORDER, IMAGE_ORDER + 1)
    axes, bounces = [], []
    for length, place, ear in zip(size, source, microphone):
        axes.append(np.concatenate([2 * order * length + place, 2 * order * length - place]) - ear)
        bounces.append(np.concatenate([np.abs(2 * order), np.abs(2 * order - 1)]))
    squared = axes[0][:, None, None] ** 2 + axes[1][:, None] ** 2 + axes[2] ** 2
    count = bounces[0][:, None, None] + bounces[1][:, None] + bounces[2]
    near = count <= IMAGE_ORDER
    return np.sqrt(squared[near]), count[near]


def _tail(rt60, volume, distance, n, sample_rate, rng):
    """Diffuse decay, faded in over the time in which single reflections still stand out (``sqrt(volume)`` ms)."""
    time = np.arange(n) / sample_rate
    critical = 0.057 * np.sqrt(volume / rt60)
    energy = (distance / critical) ** 2 * 13.8 / rt60 / sample_rate  # reverberant over direct, per sample
    mixing = 1e-3 * np.sqrt(volume)
    decay = np.exp(-6.9 * time / rt60) * np.clip(time / mixing - 0.5, 0, 1)
    white = rng.standard_normal(n)
    soft = np.convolve(white, [0.25, 0.5, 0.25], "same")  # treble dies sooner: air and cloth absorb it
    blend = np.exp(-3.0 * time / rt60)
    return np.sqrt(energy) * decay * (blend * white + (1 - blend) * 1.63 * soft)


def reverberated(waveform: np.ndarray, impulse: np.ndarray) -> np.ndarray:
    """``(T,)`` heard through a response ``(n,)`` -> ``(T + n - 1,)`` float32."""
    return fftconvolve(waveform, impulse.astype(np.float32)).astype(np.float32)  # single precision: twice as fast
