"""A tiny soundbank that the data room's tests share: two classes, one background, every split served."""

import numpy as np
import pytest

from sedsep.data import audio
from sedsep.data.corpora.collections import read_collection
from sedsep.data.soundbank import Soundbank, build

RATE = 8000


@pytest.fixture(scope="session")
def bank(tmp_path_factory):
    """Six sources of each of Cat (noise bursts) and Dog (tones), padded; three backgrounds of 3 s."""
    root = tmp_path_factory.mktemp("bank")
    rng = np.random.default_rng(0)
    for number in range(6):
        n = int(rng.uniform(0.2, 1.5) * RATE)
        tone = np.sin(2 * np.pi * rng.uniform(300, 2000) * np.arange(n) / RATE)
        for label, sound in (("Cat", 0.2 * rng.standard_normal(n)), ("Dog", 0.5 * tone)):
            audio.write(root / label / f"{number}.wav", np.pad(sound, 2000), RATE)
    for number in range(3):
        audio.write(root / "background" / "room" / f"{number}.wav", 0.1 * rng.standard_normal(3 * RATE), RATE)
    build(root, read_collection(root))
    return Soundbank.read(root)
