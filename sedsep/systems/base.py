"""System: a network with its losses. It alone decides which output meets which target, with what weight."""

from torch import nn

from sedsep.labels import Classes
from sedsep.schedule import Progress


class System(nn.Module):
    """What the trainer and the decoder need to know of a system.

    Attributes:
        classes: the event classes, in the order of every class axis.
        sample_rate: of the waveforms it takes, Hz.
        grid: ``FrameGrid`` of its strong scores and labels, or None for a separator.
        n_sources: stems per clip that its losses need, or None.
        clips_together: neighbours in a batch that its losses need in one process.
        needs_targets, needs_enrolments: whether its losses need a target per clip, and an enrolment for it.
        variants: the names of the trained networks inside it that can be selected and decoded on their own.
    """

    grid = None
    n_sources = None
    clips_together = 1
    needs_targets = needs_enrolments = False
    variants = ()

    def __init__(self, classes: Classes, sample_rate: int):
        super().__init__()
        self.classes = classes
        self.sample_rate = sample_rate

    @property
    def device(self):
        """Where the parameters are."""
        return next(self.parameters()).device

    def forward(self, batch, progress: Progress) -> dict:
        """The weighted losses of one batch by name; their sum is minimised, their names are the log's.

        Where several processes share the batch, each gives its part of the loss: the parts add up (``ranks``).
        """
        raise TypeError(f"{type(self).__name__} has no training losses")

    def after_step(self, progress: Progress) -> None:
        """Called after every optimiser step."""

    def validate(self, loaders: dict) -> dict:
        """``{variant: {metric: value, ..., "objective": value}}`` on the validation loaders; more is better."""
        raise TypeError(f"{type(self).__name__} has no validation")

    def start_from(self, other: "System", variant: str) -> None:
        """Take over the weights of one variant of another system, before training."""
        raise TypeError(f"{type(self).__name__} starts from nothing")

    def postprocess(self) -> list:
        """The smoothing steps that belong to the model, stored in its checkpoint."""
        return []
