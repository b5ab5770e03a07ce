"""Streams: what a system trains on and starts from, as its class declares it; commands, data and plans follow."""

from dataclasses import dataclass
from typing import Annotated, Literal

from sedsep.config import Count, CountOrNone, Seconds, Whole
from sedsep.data.augment import EFFECTS
from sedsep.data.slots import Slots

Effects = Annotated[list, EFFECTS]  # a list of sections, each with its kind


@dataclass(frozen=True)
class Stream:
    """Clips of one kind in every batch, or one kind of clips to validate on.

    Args:
        name: of the stream. option: of the command that takes its sets. text: of the option's help.
        share: the key of the data section that says how many clips of it a batch has.
        labels: what is known of its clips, and no more is handed over: events, tags, none; "any" does not look.
        sources: stems of each clip as so many sources; None needs no stems. slots: which these are (``Windows``).
        targets, enrolments: whether a clip comes with one of its sounds as the target, and a recording like it.
        mixed: whether ``--mix`` may add soundscapes that are mixed anew in every epoch. required: not to be left out.
    """

    name: str
    option: str
    text: str
    share: str
    labels: Literal["strong", "weak", "none", "any"] = "any"
    sources: int | None = None
    slots: Slots = "all"
    targets: bool = False
    enrolments: bool = False
    mixed: bool = False
    required: bool = False

    @property
    def stems(self) -> bool:
        """Whether its clips must have stems."""
        return self.sources is not None or self.targets


@dataclass(frozen=True)
class Start:
    """A model that training may start from.

    Args:
        name: of the role. option: of the command. text: of the option's help.
        task: whose systems have it; None: models of the very system. sections: of the configuration that it fixes.
        with_classes: its classes must be those of the data.
    """

    name: str
    option: str
    text: str
    task: str | None
    sections: tuple
    with_classes: bool = True


@dataclass(frozen=True)
class Mixtures:
    """Data of separators.

    Args:
        seconds: of the windows. batch: clips per batch. batches: per epoch at most. workers: loading processes.
        effects: on clips while training, one after the other (``data/augment``).
    """

    seconds: Seconds = 4.0
    batch: Count = 6
    batches: CountOrNone = None
    workers: Whole = 0
    effects: Effects = ()


@dataclass(frozen=True)
class Labelled:
    """Data of detectors.

    Args:
        seconds: of the clips. strong, weak, unlabelled: clips of each kind in a batch. batches: per epoch at most.
        validation: clips per batch of validation. workers: loading processes.
        effects: on clips while training, one after the other (``data/augment``).
    """

    seconds: Seconds = 10.0
    strong: Whole = 12
    weak: Whole = 12
    unlabelled: Whole = 24
    batches: CountOrNone = None
    validation: Count = 24
    workers: Whole = 0
    effects: Effects = ()


@dataclass(frozen=True)
class TargetMixtures:
    """Data of extractors.

    Args:
        seconds: of the mixtures. batch: mixtures per batch. batches: per epoch at most. workers: loading processes.
        enrolment_seconds: longest enrolment; of a longer recording a drawn part is taken.
        effects: on mixtures while training, one after the other (``data/augment``).
    """

    seconds: Seconds = 6.0
    batch: Count = 6
    batches: CountOrNone = None
    enrolment_seconds: Seconds = 30.0
    workers: Whole = 0
    effects: Effects = ()


MIXTURES = Stream("mixtures", "--train", "Set of clips to train on", "batch", mixed=True, required=True)
MIXTURES_VALID = Stream("mixtures", "--valid", "Set of clips to choose the best epoch on", "batch", required=True)

LABELLED = (
    Stream("strong", "--strong", "Strongly labelled set", "strong", "strong", mixed=True),
    Stream("weak", "--weak", "Weakly labelled set", "weak", "weak"),
    Stream("unlabelled", "--unlabelled", "Set without labels", "unlabelled", "none"),
)
LABELLED_VALID = (
    Stream("strong", "--valid-strong", "Strongly labelled set to choose the best epoch on", "validation", "strong",
           required=True),
    Stream("weak", "--valid-weak", "Weakly labelled set to choose the best epoch on", "validation", "weak"),
)  # fmt: skip

SEPARATOR = Start(
    "separator", "--separator", "Separator to start from (best_separator.pt)", "train-sep", ("separator",), False
)
DETECTOR = Start(
    "detector", "--detector", "Detector to start from (best_student.pt or best_teacher.pt)", "train-sed",
    ("frontend", "detector"),
)  # fmt: skip
SAME = Start(
    "model", "--init", "Model of this system to start from, instead of its parts", None,
    ("separator", "masker", "frontend", "detector"),
)  # fmt: skip
