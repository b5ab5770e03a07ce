"""LoadedClip: sound and labels of a clip together."""

import numpy as np

from sedsep.data.clip import LoadedClip


def test_a_change_reaches_the_mixture_and_every_stem():
    stems = {"": np.arange(4, dtype=np.float32), "Cat": np.ones(4, np.float32)}
    clip = LoadedClip("a", stems[""] + stems["Cat"], 2, ((0.5, 1.0, "Cat"),), stems=stems)
    louder = clip.changed(lambda waveform: 2 * waveform)
    assert louder.mixture.tolist() == [2, 4, 6, 8] and louder.stems["Cat"].tolist() == [2, 2, 2, 2]
    assert louder.strong == clip.strong and clip.mixture.tolist() == [1, 2, 3, 4] and clip.seconds == 2
    assert LoadedClip("b", clip.mixture, 2).changed(np.negative).stems is None
