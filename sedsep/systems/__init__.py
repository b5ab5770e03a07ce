"""Which output meets which target: one file per system, and the explicit list of them."""

from sedsep.systems.detection import SoundEventDetection
from sedsep.systems.ensemble import Ensemble
from sedsep.systems.extraction import Extraction
from sedsep.systems.joint import Joint
from sedsep.systems.separation import Separation

SYSTEMS = {
    "separation": Separation,
    "detection": SoundEventDetection,
    "joint": Joint,
    "ensemble": Ensemble,
    "extraction": Extraction,
}
