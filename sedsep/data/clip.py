"""LoadedClip: one whole clip in memory, its sound and its labels together; what effects act on and windows cut."""

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class LoadedClip:
    """One whole clip: mixture ``(T,)`` float32 at ``sample_rate`` Hz, labels, stems ``(T,)``; None: not known.

    Stems that are known add up to the mixture, to the precision of their samples. Their keys are classes, "" for
    the background, and numbers for sounds without a label; ``origins`` are the original recordings in the stem of
    each class. ``strong`` are events ``(onset, offset, label)`` in seconds from the clip's first sample, ``weak``
    the labels of the whole clip.
    """

    id: str
    mixture: np.ndarray
    sample_rate: int
    strong: tuple = None
    weak: tuple = None
    stems: dict = None
    is_synthetic: bool = False
    origins: dict = None

    @property
    def seconds(self) -> float:
        """Length."""
        return len(self.mixture) / self.sample_rate

    def changed(self, change) -> "LoadedClip":
        """The clip with ``change``, a linear function of waveforms ``(T,) -> (T,)``, on the mixture and each stem.

        Linear, or the stems would no longer add up.
        """
        stems = None if self.stems is None else {name: change(stem) for name, stem in self.stems.items()}
        return replace(self, mixture=change(self.mixture), stems=stems)
