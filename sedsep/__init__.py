"""sedsep: sound separation and sound event detection that help each other.

The axis alphabet, used in every docstring of the package:

==  ==========================================================
B   batch (clips)
N   sources: output slots of a separator, or reference stems
T   samples of a waveform
L   frames of a front-end
L'  frames after the detector's pooling (the grid of labels and scores)
F   mel bands
C   event classes
D   embedding width
==  ==========================================================

Time always comes before frequency and classes: waveform ``(B, T)``, sources ``(B, N, T)``,
mel ``(B, L, F)``, embedding ``(B, L', D)``, strong ``(B, L', C)``, weak ``(B, C)``.

The library's face is ``sedsep.load(file)``, a :class:`sedsep.apply.model.Model`.
"""

import importlib

__version__ = "0.1.0"

FACE = {"load": "sedsep.apply.model", "joined": "sedsep.apply.model", "Model": "sedsep.apply.model"}


def __getattr__(name: str):
    """The names of the library's face, imported when they are asked for: torch takes seconds to load."""
    if name not in FACE:
        raise AttributeError(f"module 'sedsep' has no attribute {name!r}")
    return getattr(importlib.import_module(FACE[name]), name)
