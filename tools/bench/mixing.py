"""Benchmark of dynamic mixing with effects: views of 10 s at 16 kHz, made in memory on one core.

Ours is what a training loop waits for: scenes of one to five sounds, a room and up to two effects for each, of which
drawn from all there are (first row), or each a shift of pitch (second row). The goal is 100 times real time, which the
names say in seconds. The peer renders the same scenes with librosa's shift of pitch, the obvious loops over samples in
Python for comb and compression, and convolution in double precision; all else is ours on both sides.
"""

import contextlib
import io
import itertools
import tempfile
from pathlib import Path
from unittest import mock

import librosa
import numpy as np
from scipy.signal import fftconvolve

from sedsep.data import simulate
from sedsep.data.augment import SOURCE_EFFECTS, comb, compression
from sedsep.data.augment.pitch_shift import PitchShift
from sedsep.data.corpora.collections import read_collection
from sedsep.data.minibank import synthesise_bank
from sedsep.data.scene import describe
from sedsep.data.simulate import SimulatedClips
from sedsep.data.soundbank import Soundbank, build

RATE, SECONDS, N_CLIPS = 16000, 10.0, 10
DYNAMIC = {
    "sample_rate": RATE, "seconds": SECONDS, "n_events": [1, 5], "levels": {"kind": "uniform"}, "peak": 1.0,
    "rooms": {"rt60": [0.2, 0.8], "each": "source"}, "same_class_overlap": True,
}  # fmt: skip
ALL = [{"kind": kind} for kind in SOURCE_EFFECTS]


class Librosas(PitchShift):
    """The same shift as librosa makes it, with a phase vocoder."""

    @staticmethod
    def apply(waveform, sample_rate, parameters):
        """Waveform ``(T,)`` -> ``(T,)`` float32."""
        return librosa.effects.pitch_shift(waveform, sr=sample_rate, n_steps=parameters["cents"] / 100)


def double(waveform, impulse):
    """A room's response in double precision."""
    return fftconvolve(waveform.astype(np.float64), impulse).astype(np.float32)


def with_peers(function):
    """``function()`` with the peers' parts in place of ours."""
    with (
        mock.patch.dict(SOURCE_EFFECTS, {"pitch_shift": Librosas}),
        mock.patch.object(comb, "_combed", comb._combed.py_func),
        mock.patch.object(compression, "_compressed", compression._compressed.py_func),
        mock.patch.object(simulate, "reverberated", double),
    ):
        function()


def benchmarks():
    """Yield (name, ours, peer)."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        synthesise_bank(folder / "sounds", seed=0, per_class=6, n_backgrounds=10)
        with contextlib.redirect_stderr(io.StringIO()):
            build(folder / "bank", read_collection(folder / "sounds"))
        bank = Soundbank.read(folder / "bank")
        for effects, what in ((ALL, "effects"), ([{"kind": "pitch_shift"}], "shifts of pitch")):
            clips = SimulatedClips(describe({**DYNAMIC, "effects": effects, "most_effects": 2}), bank)

            def mix(epochs, clips=clips):
                epoch = next(epochs)
                for index, view in itertools.product(range(N_CLIPS), (0, 1)):
                    clips.item(epoch, index, view)

            ours, theirs = itertools.count(), itertools.count()  # both sides make the same scenes
            seconds = 2 * N_CLIPS * SECONDS
            name = f"dynamic mixing with {what}, two views of {N_CLIPS} clips ({seconds / 100:g} s: 100 x real time)"
            yield name, lambda: mix(ours), lambda: with_peers(lambda: mix(theirs))  # noqa: B023 - used before the next
