"""Which output meets which target: one file per system, and the explicit list of them."""

from sedsep.systems.detection import SoundEventDetection
from sedsep.systems.extraction import Extraction
from sedsep.systems.joint import Joint
from sedsep.systems.separation import Separation
from sedsep.systems.ssep_sed import SSepSED
from sedsep.systems.task_aware import TaskAware
from sedsep.systems.weak_detection import WeakDetection

ALL = (
    Separation,
    SoundEventDetection,
    Joint,
    SSepSED,
    TaskAware,
    Extraction,
    WeakDetection,
)  # fmt: skip
SYSTEMS = {system.kind: system for system in ALL}


def of_task(task: str) -> dict:
    """kind -> class of the systems that a command trains; the first is the one where a configuration names none."""
    return {kind: system for kind, system in SYSTEMS.items() if system.task == task}
