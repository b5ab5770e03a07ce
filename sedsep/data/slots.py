"""Slots: the stems of a clip as so many sources, for losses on sources."""

from typing import Literal

import numpy as np

Slots = Literal["all", "foreground", "roles"]


def slotted(stems: dict, n_sources: int, n_samples: int, slots: Slots = "all") -> np.ndarray:
    """Stems ``(T,)`` by class ("" the background, a number for a sound without a label) -> sources ``(N, T)`` float32.

    Args:
        slots: "all" are the background, then one for each class and sound without a label, the loudest first; what
            does not fit is added to the last. "foreground" are these without the background, and classes alone.
            "roles" are the background, all classes together, and all sounds without a label: the three outputs of
            the DCASE 2020 task 4 separation baseline (spec 03, E3).

    >>> stems = {"": np.ones(1), "Cat": 2 * np.ones(1), "Dog": 3 * np.ones(1), 0: 9 * np.ones(1)}
    >>> [slotted(stems, 3, 1, slots)[:, 0].tolist() for slots in ("all", "foreground", "roles")]
    [[1.0, 9.0, 5.0], [3.0, 2.0, 0.0], [1.0, 5.0, 9.0]]
    """
    background = [waveform for name, waveform in stems.items() if name == ""]
    events = {name: waveform for name, waveform in stems.items() if name != ""}
    classes = [waveform for name, waveform in events.items() if isinstance(name, str)]
    if slots == "roles":
        others = [waveform for name, waveform in events.items() if not isinstance(name, str)]
        groups = [background, classes, others]
    else:
        chosen = classes if slots == "foreground" else list(events.values())
        groups = [[waveform] for waveform in sorted(chosen, key=lambda s: -float(np.dot(s, s)))]
        groups = [background, *groups] if slots == "all" else groups
    sources = np.zeros((n_sources, n_samples), np.float32)
    for place, group in enumerate(groups):
        for waveform in group:
            sources[min(place, n_sources - 1)] += waveform
    return sources
