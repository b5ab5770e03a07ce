"""Commands that train: train-sep, train-sed, train-joint, train-tse."""

import click

DIRECTORY = click.Path(file_okay=False)
FILE = click.Path(dir_okay=False)


def training(function):
    """The options that every training command shares."""
    for option in reversed(
        [
            click.option("--conf", type=FILE, required=True, help="YAML configuration of the stage."),
            click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Override any key: a.b=1."),
            click.option("--exp", type=DIRECTORY, required=True, help="Directory of the run; goes on if it exists."),
            click.option("--seed", type=int, help="Same as --set seed=N."),
            click.option("--ngpu", default=1, show_default=True, help="Processes (per node) that share every batch."),
        ]
    ):
        function = option(function)
    return function


def directories(name, text, required=False):
    """A repeatable option that takes data directories."""
    return click.option(name, type=DIRECTORY, multiple=True, required=required, help=text)


def mixing(text):
    """A repeatable option that takes a soundbank and a scene description."""
    return click.option("--mix", type=(DIRECTORY, FILE), multiple=True, metavar="BANK SCENE.yaml", help=text)


def labelled(function):
    """The options that name the sets of a detector."""
    for option in reversed(
        [
            directories("--strong", "Strongly labelled set (repeatable)."),
            mixing("Strongly labelled soundscapes that are mixed anew in every epoch (repeatable)."),
            directories("--weak", "Weakly labelled set (repeatable)."),
            directories("--unlabelled", "Set without labels (repeatable)."),
            directories("--valid-strong", "Strongly labelled set to choose the best epoch on.", required=True),
            directories("--valid-weak", "Weakly labelled set to choose the best epoch on."),
        ]
    ):
        function = option(function)
    return function


@click.command("train-sep")
@training
@directories("--train", "Set of clips to train on (repeatable).")
@mixing("Train on soundscapes that are mixed anew in every epoch, too (repeatable).")
@directories("--valid", "Set of clips to choose the best epoch on (repeatable).", required=True)
@click.option("--loss", type=click.Choice(["pit", "mixit"]), help="Same as --set system.loss=...")
def train_sep(conf, settings, exp, seed, ngpu, train, mix, valid, loss):
    """Train a separator: PIT on stems, or MixIT on mixtures of mixtures."""
    if not train and not mix:
        raise click.UsageError("give --train or --mix")
    streams, validation = {"mixtures": (*train, *mix)}, {"mixtures": valid}
    run("separation", conf, settings, exp, ngpu, {"seed": seed, "system.loss": loss}, streams, validation)


@click.command("train-sed")
@training
@labelled
def train_sed(conf, settings, exp, seed, ngpu, strong, mix, weak, unlabelled, valid_strong, valid_weak):
    """Train a detector with a mean teacher on strong, weak and unlabelled clips."""
    streams = {"strong": (*strong, *mix), "weak": weak, "unlabelled": unlabelled}
    validation = {"strong": valid_strong, "weak": valid_weak}
    run("detection", conf, settings, exp, ngpu, {"seed": seed}, streams, validation)


@click.command("train-joint")
@training
@click.option("--mode", type=click.Choice(["stage1", "stage2", "joint", "ensemble"]), help="What learns; see above.")
@click.option("--separator", type=FILE, help="Separator to start from (best_separator.pt).")
@click.option("--detector", type=FILE, help="Detector to start from (best_student.pt or best_teacher.pt).")
@click.option("--init", type=FILE, help="Joint model to start from, instead of the two.")
@labelled
def train_joint(
    conf, settings, exp, seed, ngpu, mode, separator, detector, init, strong, mix, weak, unlabelled,
    valid_strong, valid_weak,
):
    """Train separator and detector together.

    Modes: stage1 trains the detector on separated sources, stage2 the separator through the detector, joint both.
    ensemble (the DCASE 2021 SSep+SED baseline) keeps the separator and a detector of the mixture, and trains one of
    the sources and the weight between the two. The first three are the same as --set system.mode=...
    """
    if bool(init) == bool(separator or detector) or bool(separator) != bool(detector):
        raise click.UsageError("give either --init, or --separator and --detector")
    streams = {"strong": (*strong, *mix), "weak": weak, "unlabelled": unlabelled}
    validation = {"strong": valid_strong, "weak": valid_weak}
    initial = {"separator": separator, "detector": detector, "model": init}
    name, mode = ("ensemble", None) if mode == "ensemble" else ("joint", mode)
    run(name, conf, settings, exp, ngpu, {"seed": seed, "system.mode": mode}, streams, validation, initial)


@click.command("train-tse")
@training
@directories("--train", "Set of clips with stems to train on (repeatable).")
@mixing("Train on soundscapes that are mixed anew in every epoch, too (repeatable).")
@directories("--valid", "Set of clips with stems to choose the best epoch on (repeatable).", required=True)
@click.option("--clue", type=click.Choice(["onehot", "enrolment", "mixed"]), help="Same as --set system.clue=...")
def train_tse(conf, settings, exp, seed, ngpu, train, mix, valid, clue):
    """Train an extractor of target sounds: by class, by an example (enrolment), or by either."""
    if not train and not mix:
        raise click.UsageError("give --train or --mix")
    streams, validation = {"mixtures": (*train, *mix)}, {"mixtures": valid}
    run("extraction", conf, settings, exp, ngpu, {"seed": seed, "system.clue": clue}, streams, validation)


def run(name, conf, settings, exp, ngpu, options, streams, validation, initial=None):
    """Read the configuration, train, and print what came out; or launch the processes that do."""
    import sys

    from sedsep import config, ranks
    from sedsep.engine import processes
    from sedsep.train import train

    if processes.wanted(ngpu):
        processes.launch(ngpu, sys.argv[1:])
        return
    options = [f"{key}={value}" for key, value in options.items() if value is not None]
    raw = config.read(conf, [*settings, *options])
    streams = {stream: sets for stream, sets in streams.items() if sets}
    validation = {stream: sets for stream, sets in validation.items() if sets}
    best = train(name, raw, exp, streams, validation, initial)
    for variant, values in best.items() if ranks.index() == 0 else ():
        metrics = "  ".join(f"{key} {value:.4g}" for key, value in values.items() if key != "epoch")
        click.echo(f"{exp}/best_{variant}.pt  epoch {values['epoch']}  {metrics}")


COMMANDS = [train_sep, train_sed, train_joint, train_tse]
