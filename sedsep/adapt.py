"""New classes: a few recordings -> embeddings, as they are or adapted on mixtures with a soundbank -> registry.

Source: Delcroix et al. 2021, section 3: mixtures of one of the K recordings with sounds of the trained classes,
ten epochs; spec 05, G.d and G.e.
"""

import tempfile
from dataclasses import asdict, dataclass, replace

import torch

from sedsep import config, progress
from sedsep.apply import enrol, enrolled
from sedsep.apply.model import Model
from sedsep.assembly import assemble, in_order
from sedsep.data.enrolment import stretches
from sedsep.data.parts import MixedClips
from sedsep.data.scene import SceneDescription, describe
from sedsep.data.simulate import SimulatedClips
from sedsep.data.soundbank import Soundbank
from sedsep.data.targets import Targets
from sedsep.engine.optimisation import Optimisation
from sedsep.engine.trainer import Schedule
from sedsep.errors import UserError
from sedsep.labels import Classes
from sedsep.systems.adaptation import Adaptation

HELD_OUT = 20  # mixtures for each new class that tell what to expect of it


@dataclass(frozen=True)
class Adapting:
    """How new classes are adapted.

    The paper's rate is 1e-3. For two classes held out of the mini corpus's seen ones, with five recordings of each, 60
    steps at that rate bring 0.1 dB, and 330 steps (200 mixtures) 0.2 dB; at 1e-2 these bring 1.7 dB, at 3e-2 1.9 dB.

    Args:
        epochs: of all mixtures; the last one counts. batch: mixtures per batch. learning_rate: of Adam.
        clip_norm: largest gradient norm. seed: of the order of the mixtures, and of a random start.
    """

    epochs: int = 10
    batch: int = 6
    learning_rate: float = 1e-2
    clip_norm: float = 5.0
    seed: int = 42


def adapting(settings) -> Adapting:
    """``key=value`` settings -> :class:`Adapting`. Raises UserError for an unknown key or a wrong type."""
    section = {}
    for setting in settings:
        config.override(section, setting)
    return Adapting(**config.resolve(Adapting, section))


def enroll(
    model: Model, shots: dict, table=None, mixing=None, start="mean", settings: Adapting = None, replacing=False,
) -> str:  # fmt: skip
    """Register new classes of a model; every other class, and the model, stay as they are.

    Args:
        model: an extractor. shots: class -> its recordings (:class:`sedsep.data.soundbank.Sound`).
        table: registry; by default the one beside the model.
        mixing: a soundbank's directory and a scene description, to adapt the embeddings on; None does not adapt.
        start: what adaptation begins with, "mean" or "random". replacing: classes that the registry has already.

    Returns:
        a line that says what was done.

    Raises:
        UserError: the model is no extractor, a class is enrolled already, or the recordings cannot be used.
    """
    model.must("extracts", "learn classes; train one with sedsep train-tse")
    table = table or enrolled.beside(model.path)
    if not replacing:
        enrol.check_new(table, model, shots)
    embeddings, how, expected = enrol.means(model, shots), "mean", {}
    if mixing:
        bank, scene = mixing
        first = embeddings if start == "mean" else None
        embeddings, expected = adapt(
            model, Soundbank.read(bank), describe(config.read(scene)), shots, first, settings or Adapting()
        )
        how = f"adapted from {start}"
    count = enrol.register(table, model, shots, embeddings, how, expected, replacing)
    _warn(expected)
    names = (f"{name} {expected[name]:+.1f} dB of SI-SDR" if name in expected else name for name in embeddings)
    return f"{table}: {', '.join(names)} ({how}); {count} classes in all"


def _warn(expected):
    for name, improvement in expected.items():
        if improvement < 0:
            progress.say(
                f"sedsep: {name!r} comes out worse than the mixture itself ({improvement:+.1f} dB of SI-SDR on "
                "mixtures held out of its adaptation): give more recordings, or cleaner ones"
            )


def adapt(model: Model, bank: Soundbank, scene: SceneDescription, shots: dict, start, settings: Adapting) -> tuple:
    """Train the embeddings of new classes; nothing else changes.

    Args:
        model: an extractor. bank: sounds of its classes, to mix with. scene: how to mix; its
            ``count`` mixtures are the same in every epoch, each with one of the new sounds.
        shots: class -> its few recordings (:class:`sedsep.data.soundbank.Sound`).
        start: class -> embedding ``(D,)`` to begin with, or None for random ones.

    Returns:
        class -> embedding ``(D,)``, and class -> dB of SI-SDR by which it comes out better than the mixture, in other
        mixtures of the same recordings.

    Raises:
        UserError: the bank has no class of the model, or a recording cannot be used.
    """
    new, known = list(shots), [name for name in model.classes if name in bank.classes.names and name not in shots]
    if not known:
        theirs = ", ".join(model.classes)
        raise UserError(f"{bank.directory}: has none of the model's classes to mix with: {theirs}")
    sounds = [s for s in bank.sounds if s.label not in shots]
    sounds += [replace(s, split=scene.split) for name in new for s in _to_mix(name, shots[name], scene)]
    mixed = Soundbank(bank.directory, Classes((*known, *new)), tuple(sounds))
    # The first event is new, all others are of trained classes; no share, or it would leave out some recordings.
    lists = (tuple(new), tuple(known))
    drawn = replace(scene, event_classes=lists, distinct_classes=True, share=(0.0, 1.0), fixed=True)
    torch.manual_seed(settings.seed)
    first = None if start is None else torch.stack([torch.as_tensor(start[name]) for name in new])
    adaptation = Adaptation(model.system, Classes(tuple(new)), first)

    def mixtures(scene):
        clips = MixedClips(SimulatedClips(scene, mixed), stems=True)
        return Targets([clips], adaptation.classes, model.sample_rate, scene.seconds, None, settings.seed)

    data, batch = mixtures(drawn), min(settings.batch, drawn.count)
    held_out = mixtures(replace(drawn, seed=drawn.seed + 1, count=HELD_OUT * len(new)))
    optimisation = Optimisation(settings.learning_rate, "constant", clip_norm=settings.clip_norm)
    schedule = Schedule(settings.epochs, validate_every=settings.epochs)
    with tempfile.TemporaryDirectory() as directory:
        assemble(
            adaptation, {"kind": adaptation.kind, **asdict(settings)}, {"mixtures": data}, {"mixtures": data},
            {"seconds": scene.seconds, "batch": batch}, optimisation, schedule, directory, settings.seed, model.device,
        ).fit()  # fmt: skip
    adaptation.eval()
    expected = adaptation.improvements(in_order(held_out, batch))
    return dict(zip(new, adaptation.columns.detach().cpu().numpy())), expected


def _to_mix(name, recordings, scene):
    """The active stretches of a new class's recordings, as training and test mix them: without the pauses."""
    found, shortest = [stretches(recording) for recording in recordings], scene.event_seconds[0]
    short = [r.path for r, parts in zip(recordings, found) if all(s.offset - s.onset < shortest for s in parts)]
    if len(short) == len(recordings):
        cure = f"lower event_seconds (now {shortest:g} s) in the scene, or give longer recordings"
        raise UserError(f"all recordings of {name!r} have only sounds shorter than the scene's event_seconds; {cure}")
    if short:
        progress.say(
            f"sedsep: {name}: too short for the scene's event_seconds, not mixed: {', '.join(map(str, short))}"
        )
    return [sound for parts in found for sound in parts]
