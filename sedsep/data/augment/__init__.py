"""Augmentation: effects on whole clips and on single sources, by the names that configurations give them.

A new effect is a file here and a line in one of the two lists.
"""

from sedsep.data.augment.background import Background
from sedsep.data.augment.bursts import NoiseBurst, SineBurst
from sedsep.data.augment.comb import Comb
from sedsep.data.augment.compression import Compression
from sedsep.data.augment.filter import Filter
from sedsep.data.augment.gain import Gain
from sedsep.data.augment.pitch_shift import PitchShift
from sedsep.data.augment.shapers import Contrast, Overdrive
from sedsep.data.augment.shelf import Shelf
from sedsep.data.augment.shift import Shift

EFFECTS = {"gain": Gain, "shift": Shift, "background": Background}
SOURCE_EFFECTS = {
    "filter": Filter,
    "noise_burst": NoiseBurst,
    "sine_burst": SineBurst,
    "comb": Comb,
    "compression": Compression,
    "pitch_shift": PitchShift,
    "contrast": Contrast,
    "overdrive": Overdrive,
    "shelf": Shelf,
}
