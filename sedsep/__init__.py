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
"""

__version__ = "0.1.0"
