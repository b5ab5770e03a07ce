"""Augmentation: effects on whole clips and on single sources, by the names that configurations give them.

A new effect is a file here and a line in one of the two lists.
"""

from sedsep.data.augment.filter import Filter
from sedsep.data.augment.gain import Gain
from sedsep.data.augment.shift import Shift

EFFECTS = {"gain": Gain, "shift": Shift}
SOURCE_EFFECTS = {"filter": Filter}
