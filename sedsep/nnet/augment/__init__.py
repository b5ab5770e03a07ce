"""Feature augmentation: changes of one clip's compressed features while training; the list of what there is.

Each is a frozen dataclass whose fields are its configuration. ``draw(rng, size)`` says, as plain data, what happens to
features of ``size`` (L, F); ``apply(features, parameters)`` does it to all maps of a clip, ``(..., L, F)``, and leaves
its argument as it is. What they do is masks and sums, so gradients pass.
"""

from sedsep.nnet.augment.noise import Noise
from sedsep.nnet.augment.specaugment import SpecAugment

FEATURE_EFFECTS = {"specaugment": SpecAugment, "noise": Noise}
