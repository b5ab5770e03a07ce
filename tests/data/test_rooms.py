"""Room responses: causal, aligned with the direct path, of the reverberation time that was asked for."""

import numpy as np
import pytest

from sedsep.data.rooms import WALL, Room, draw_position, draw_room, response, reverberated

RATE = 16000


def decay_time(impulse):
    """Reverberation time from Schroeder's backward integral between -5 and -25 dB, as T20."""
    energy = np.cumsum(impulse[::-1] ** 2)[::-1]
    level = 10 * np.log10(energy / energy[0] + 1e-12)
    first, last = np.argmax(level < -5), np.argmax(level < -25)
    return 3 * (last - first) / RATE


@pytest.mark.parametrize("rt60", [0.2, 0.5, 0.9])
def test_response_is_causal_and_decays_in_its_time(rt60):
    room = Room((6.0, 4.0, 2.8), (3.0, 2.0, 1.5), rt60)
    impulse = response(room, (1.0, 3.0, 1.2), RATE, np.random.default_rng(0))
    assert len(impulse) == int(rt60 * RATE) and np.isfinite(impulse).all()
    assert impulse[0] == pytest.approx(1.0, abs=0.1) and np.abs(impulse).argmax() == 0
    assert decay_time(impulse) == pytest.approx(rt60, rel=0.25)


def test_far_sources_are_wetter_and_first_reflections_arrive_in_time():
    room = Room((6.0, 4.0, 2.8), (3.0, 2.0, 1.4), 0.4)
    near, far = (response(room, (x, 2.0, 1.4), RATE, np.random.default_rng(0)) for x in (2.4, 0.6))
    assert np.sum(far[1:] ** 2) > 4 * np.sum(near[1:] ** 2)
    # Floor and ceiling are 1.4 m below and above the straight line of 2.4 m.
    extra = (np.hypot(2.4, 2.8) - 2.4) / 343 * RATE
    early = np.abs(far[1 : int(extra) + 2])
    assert early.argmax() + 1 == round(extra)


def test_drawn_rooms_and_places_are_possible():
    rng = np.random.default_rng(0)
    for _ in range(20):
        room = draw_room(rng, (0.2, 0.5))
        place = np.array(draw_position(rng, room))
        assert 0.2 <= room.rt60 <= 0.5 and np.linalg.norm(place - room.microphone) >= 0.499
        assert (place >= WALL - 1e-3).all() and (place <= np.array(room.size) - WALL + 1e-3).all()


def test_reverberation_is_a_convolution():
    dry, impulse = np.float32([1, 0, 2]), np.array([1.0, 0.5])
    np.testing.assert_allclose(reverberated(dry, impulse), [1, 0.5, 2, 1], atol=1e-6)
