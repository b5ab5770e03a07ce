"""Commands of target sound extraction: extract, enroll, classes; for experiments fold, pair, shots, those of sets."""

import click

from sedsep.cli.evaluate import OVERWRITE, STRICT
from sedsep.cli.train import DIRECTORY, FILE

START = ["mean", "random"]
MODEL = click.option("--model", type=FILE, required=True, help="Model of train-tse (best_extractor.pt).")
DEVICE = click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
ADAPT = click.option("--adapt", "mixing", type=(DIRECTORY, FILE), metavar="BANK SCENE.yaml",
                     help="Train the new embeddings on mixtures with sounds of BANK.")  # fmt: skip
ADAPTING = click.option("--set", "settings", multiple=True, metavar="KEY=VALUE",
                        help="Of --adapt: epochs, batch, learning_rate, clip_norm, seed.")  # fmt: skip


@click.command()
@click.argument("files", metavar="RECORDING...", type=click.Path(), nargs=-1, required=True)
@MODEL
@click.option("--class", "classes", multiple=True, help="Class to extract (repeatable).")
@click.option("--like", "examples", type=FILE, multiple=True, help="Recording of it (repeatable: their mean).")
@click.option("--registry", type=FILE, help="Enrolled classes; by default those beside the model.")
@click.option("--window", type=click.FloatRange(min=0.1), metavar="SECONDS",
              help="Judge loud and soft by this much around each moment, not by the whole recording: better where "
              "little sounds in a long one; take the length of the training clips.")  # fmt: skip
@click.option("--out", type=DIRECTORY,
              help="Directory to write; by default RECORDING_extracted. Of several or a folder: OUT/<id>.")  # fmt: skip
@STRICT
@OVERWRITE
@DEVICE
def extract(files, model, classes, examples, registry, window, out, strict, overwrite, device):
    """Extract sounds from each RECORDING of any rate and length: OUT/<name>.wav, and OUT/rest.wav with all else.

    A RECORDING may be a folder, for all that are in it. One that cannot be used costs no other: the exit code is 3.
    """
    from sedsep.apply import enrolled
    from sedsep.apply.extract import extract_all
    from sedsep.apply.model import load
    from sedsep.apply.recordings import places, recordings

    model = load(model, device)
    wanted = model.clues(classes, examples, enrolled.read(registry, model) if registry else None)
    found = places(recordings(files=files), files, out)
    for directory in extract_all(model, found, wanted, window, strict, overwrite):
        for path in sorted(directory.glob("*.wav")):
            click.echo(path)


@click.command()
@click.argument("name")
@click.argument("clips", type=FILE, nargs=-1, required=True)
@MODEL
@click.option("--registry", type=FILE, help="Table to write; by default beside the model.")
@click.option("--replace", is_flag=True, help="Learn a class anew that is enrolled already.")
@ADAPT
@click.option("--start", type=click.Choice(START), default="mean", show_default=True, help="Of --adapt.")
@ADAPTING
@DEVICE
def enroll(name, clips, model, registry, replace, mixing, start, settings, device):
    """Teach a model the new class NAME from a few recordings of it, CLIPS; sedsep classes lists and removes them."""
    from sedsep.adapt import adapting, enroll
    from sedsep.apply.enrol import shots_of
    from sedsep.apply.model import load

    model = load(model, device)
    click.echo(enroll(model, shots_of(name, clips, model), registry, mixing, start, adapting(settings), replace))


@click.command()
@click.argument("model", type=FILE)
@click.option("--registry", type=FILE, help="Table of enrolled classes; by default that beside the model.")
@click.option("--remove", "unwanted", multiple=True, metavar="NAME", help="Forget an enrolled class (repeatable).")
def classes(model, registry, unwanted):
    """List what MODEL knows: the classes that it was trained on, and those enrolled."""
    from sedsep.apply import enrolled
    from sedsep.apply.model import load

    registry = registry or enrolled.beside(model)
    if unwanted:
        enrolled.remove(registry, unwanted)
    for name, what in enrolled.listing(registry, load(model, "cpu")):
        click.echo(f"{name}\t{what}")


@click.command("enroll-shots")
@click.argument("shots", type=FILE)
@click.argument("out", type=DIRECTORY)
@MODEL
@click.option("--count", "counts", type=int, multiple=True, required=True, help="K: the first K (repeatable).")
@ADAPT
@click.option("--start", "starts", type=click.Choice(START), multiple=True, help="Of --adapt (repeatable).")
@ADAPTING
@DEVICE
def enroll_shots(shots, out, model, counts, mixing, starts, settings, device):
    """Enroll all classes of a table of SHOTS: OUT/mean<K>.tsv, and OUT/adapted_<start><K>.tsv with --adapt."""
    from pathlib import Path

    from sedsep.adapt import adapting, enroll
    from sedsep.apply.model import load
    from sedsep.data.enrolment import read_shots

    every, model = read_shots(shots), load(model, device)
    for count in counts:
        few = {name: sounds[:count] for name, sounds in every.items()}
        click.echo(enroll(model, few, Path(out) / f"mean{count}.tsv", replacing=True))
        for start in starts if mixing else ():
            table = Path(out) / f"adapted_{start}{count}.tsv"
            click.echo(enroll(model, few, table, mixing, start, adapting(settings), replacing=True))


@click.command()
@click.argument("bank", type=DIRECTORY)
@click.argument("sets", type=DIRECTORY, nargs=-1, required=True)
@click.option("--split", default="test", show_default=True, help="Split of BANK to take the recordings from.")
@click.option("--seed", default=2021, show_default=True, help="Of the draw.")
def pair(bank, sets, split, seed):
    """List in each of SETS what to extract from its clips, and with which recording of BANK (enrolments.tsv)."""
    from sedsep.data import enrolment
    from sedsep.data.manifest import ClipSet
    from sedsep.data.soundbank import Soundbank

    for directory in sets:
        count = enrolment.pair(Soundbank.read(bank), ClipSet.read(directory), split, seed)
        click.echo(f"{directory}/{enrolment.PAIRS}: {count} sounds to extract")


@click.command()
@click.argument("bank", type=DIRECTORY)
@click.argument("out", type=FILE)
@click.option("--classes", required=True, help="New classes, with commas.")
@click.option("--count", default=10, show_default=True, help="Recordings of each.")
@click.option("--split", default="train", show_default=True, help="Split of BANK to take them from.")
@click.option("--seed", default=2021, show_default=True, help="Of the draw.")
def shots(bank, out, classes, count, split, seed):
    """Draw a few recordings of new classes from BANK into the table OUT."""
    from sedsep.cli.data import names
    from sedsep.data.enrolment import draw_shots
    from sedsep.data.soundbank import Soundbank

    draw_shots(Soundbank.read(bank), out, names(classes), count, split, seed)
    click.echo(f"{out}: {count} recordings of {len(names(classes))} classes")


@click.command()
@click.argument("bank", type=DIRECTORY)
@click.argument("out", type=DIRECTORY)
@click.option("--classes", required=True, help="Whose recordings are divided, with commas.")
@click.option("--test", "number", type=int, required=True, help="Number of the fold that is the test split, from 1.")
@click.option("--of", "count", type=int, required=True, help="How many folds there are.")
@click.option("--seed", default=2021, show_default=True, help="Of the deal, where BANK has no published folds.")
def fold(bank, out, classes, number, count, seed):
    """Write a bank OUT like BANK in which one fold of some classes is the test split, and the others train."""
    from sedsep.cli.data import names
    from sedsep.data.folds import held_out
    from sedsep.data.soundbank import Soundbank
    from sedsep.owner import owning

    bank = Soundbank.read(bank)
    classes = names(classes, bank.classes.names)
    with owning(out, beside=True):
        made = held_out(bank, out, classes, number, count, seed)
        made.write()
    tested = {sound.source for name in classes for sound in made.select("test").events[name]}
    click.echo(f"{out}: fold {number} of {count}, {len(tested)} recordings of {len(classes)} classes to test on")


@click.command("decode-tse")
@click.argument("out", type=DIRECTORY)
@MODEL
@click.option("--data", type=DIRECTORY, required=True, help="Set with stems and enrolments.tsv (sedsep pair).")
@click.option("--clue", "clues", multiple=True, required=True, help="onehot, enrolment, a registry (repeatable).")
@OVERWRITE
@DEVICE
def decode_tse(out, model, data, clues, overwrite, device):
    """Extract what a set's enrolments.tsv asks for: OUT/extracted/<clue>/<clip>/<class>.wav."""
    from sedsep.apply.decode_targets import decode
    from sedsep.apply.model import load

    click.echo(f"{out}: {decode(load(model, device), data, out, clues, overwrite)} sounds extracted")


COMMANDS = [extract, enroll, classes, fold, pair, shots, enroll_shots, decode_tse]
