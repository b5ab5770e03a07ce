"""Score directories for the small sets of tests/conftest.py."""

import numpy as np
import pytest

from sedsep.data import audio
from sedsep.data.manifest import ClipSet
from sedsep.files import clip_id
from sedsep.scores.directory import ClipScores, ScoreSet

FRAME = 0.05


@pytest.fixture
def make_scores(tmp_path):
    """``make_scores(name, set_directory, noise=0.0, separated=False)`` -> score directory, right without noise.

    Frames of 0.05 s in which the class sounds for more than half have a score near 0.9, the others near 0.1.
    """

    def make(name, directory, noise=0.0, separated=False):
        rng = np.random.default_rng(len(name))
        clip_set, clips, weak = ClipSet.read(directory), {}, {}
        centres = (np.arange(20) + 0.5) * FRAME
        for clip in clip_set:
            active = np.zeros((20, len(clip_set.classes)))
            for onset, offset, label in clip.strong or ():
                active[(centres > onset) & (centres < offset), clip_set.classes.index(label)] = 1
            scores = 0.1 + 0.8 * active + noise * rng.normal(size=active.shape)
            scores = np.clip(scores + 1e-3 * rng.random(active.shape), 0, 1)
            clips[clip_id(clip.filename)] = ClipScores(np.round(np.arange(21) * FRAME, 6), scores)
            weak[clip_id(clip.filename)] = scores.max(0)
        out = tmp_path / name
        ScoreSet(clip_set.classes.names, clips, weak).write(out)
        for clip in clip_set if separated else ():
            stems = [audio.read(stem.path, 8000) for stem in clip.stems]
            for slot, waveform in enumerate([stems[1], stems[0], np.zeros_like(stems[0])]):
                noisy = waveform + 0.001 * rng.standard_normal(len(waveform)).astype(np.float32)
                audio.write(out / "separated" / clip_id(clip.filename) / f"source{slot}.wav", noisy, 8000)
        return out

    return make
