"""System: a network with its losses, and the one declaration of what it needs.

It alone decides which output meets which target, with what weight. Commands and their help, the configuration's
sections, the loading of data, plans and the README's table follow from what its class declares.
"""

from torch import nn

from sedsep.errors import UserError
from sedsep.labels import Classes
from sedsep.nnet.frontends.frontend import Frontend
from sedsep.schedule import Progress


class System(nn.Module):
    """What all others need to know of a system.

    Of the class:
        kind: its name in ``system.kind`` of a configuration. task: the command that trains it.
        data: the dataclass whose fields are the keys of the configuration's section ``data``.
        streams: what it trains on, ``Stream`` s. validation: what it validates on. An instance may ask for less or
            more of them than its class, by its own configuration.
        starts: the ways to begin, each a tuple of ``Start`` s that go together; ``()`` is from nothing.
        shortcuts: its own keys that the command takes as options of their names.
        training_only: its sections, and parts of the same names, that serve training; a model file has neither.
        variants: the names of the trained networks inside it that can be selected and decoded on their own.
        needs_classes: whether the order of classes means anything to it: then all of its sets must have the same.

    Attributes:
        classes: the event classes, in the order of every class axis.
        sample_rate: of the waveforms it takes, Hz.
        grid: ``FrameGrid`` of its strong scores and labels, or None for a separator.
        manner: what besides its weights decides what it gives, where models of one kind differ in it.
        clips_together: neighbours in a batch that its losses need in one process. views: of each clip that it hears.
    """

    kind = task = ""
    data = None
    streams = validation = ()
    starts = ((),)
    shortcuts = ()
    training_only = ()
    variants = ()
    needs_classes = True
    grid = None
    manner = ""
    clips_together = views = 1

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

    def second_losses(self, progress: Progress) -> dict:
        """Losses, by name, of a second optimiser step on the batches of one, which some parameters make after the
        others have moved; called after every optimiser step. Summed over the batches.
        """
        return {}

    def validate(self, loaders: dict) -> dict:
        """``{variant: {metric: value, ..., "objective": value}}`` on the validation loaders; more is better."""
        raise TypeError(f"{type(self).__name__} has no validation")

    def parameter_groups(self) -> dict:
        """Groups of parameters by name, each with a learning rate and a gradient norm of its own; all in one here."""
        return {"all": list(self.parameters())}

    def model_weights(self) -> dict:
        """Its state without what serves training alone."""
        beside = tuple(f"{name}." for name in self.training_only)
        return {name: value for name, value in self.state_dict().items() if not name.startswith(beside)}

    def frontends(self) -> list:
        """Its front-ends, all of one configuration."""
        return [module for module in self.modules() if isinstance(module, Frontend)]

    def parts(self, variant: str) -> dict:
        """The networks of one variant that another system may take over, by the role of a ``Start``."""
        return {}

    def start_from(self, role: str, other: "System", variant: str) -> None:
        """Take over the weights of one variant of another system in a role, before training.

        Raises:
            UserError: the two do not have that part in common.
        """
        given = other.parts(variant)
        names = list(given) if role == "model" else [role]
        for name in names:
            for own in self.variants:
                if name not in given or name not in self.parts(own):
                    raise UserError(f"a {self.kind} system takes no {name} from a {other.kind} model")
                self.parts(own)[name].load_state_dict(given[name].state_dict())

    def smoothing(self) -> list:
        """The smoothing steps that belong to the model, stored in its file."""
        return []
