"""Commands from scores to scores: smooth, fuse."""

import click

from sedsep.cli.train import DIRECTORY, FILE


def numbers(context, parameter, value):
    """``0.9,0.95`` -> ``(0.9, 0.95)``."""
    try:
        return tuple(float(part) for part in value.split(",")) if value else ()
    except ValueError:
        raise click.BadParameter(f"expected numbers with commas between, not {value!r}") from None


@click.command()
@click.argument("scores", type=DIRECTORY)
@click.argument("out", type=DIRECTORY)
@click.option("--median", type=float, help="Length of a median filter, seconds.")
@click.option("--hmm", callback=numbers, metavar="A00,A11", help="Probabilities to stay silent and active.")
@click.option("--min-length", type=float, help="Drop events shorter than this many seconds.")
@click.option("--merge-gap", type=float, help="Fill gaps shorter than this many seconds.")
@click.option("--smoother", type=FILE, help="Smoother (JSON) to apply; with --fit, to write.")
@click.option("--fit", type=DIRECTORY, help="Tune on SCORES, decoded from this labelled validation set.")
@click.option("--model", type=FILE, help="With --fit: also keep what was fitted in this model file.")
@click.option("--tuner", default="separable", show_default=True, help="separable or forest (HMM), median, threshold.")
@click.option("--seed", default=0, show_default=True, help="Seed of the halves to tune and to report on.")
def smooth(scores, out, median, hmm, min_length, merge_gap, smoother, fit, model, tuner, seed):
    """Smooth SCORES into OUT, in the order median, HMM, minimum length, gaps; or as a smoother says; or, without
    either, as the model that made the SCORES does.

    --fit tunes on one half of SCORES, reports on the other, and writes the smoother; further steps follow the
    tuned one. On a test set a smoother is only ever applied.
    """
    from sedsep.evaluate.smooth import smooth as smoothing

    steps = smoothing.steps_of(median, hmm, min_length, merge_gap)
    if fit and not smoother:
        raise click.UsageError("--fit needs --smoother FILE, to keep what was fitted")
    if model and not fit:
        raise click.UsageError("--model takes what --fit finds; without it, the model's own smoothing is the default")
    if not fit and steps and smoother:
        raise click.UsageError("give either steps (--median, --hmm, --min-length, --merge-gap) or --smoother")
    if fit:
        from sedsep.evaluate.smooth import tune

        click.echo(tune.fit_smoother(smoother, scores, fit, tuner, steps, seed, model))
    chosen = {"steps": steps} if steps and not smoother else None
    chosen = chosen or (smoothing.read_smoother(smoother) if smoother else smoothing.model_smoother(scores))
    click.echo(smoothing.smooth_directory(scores, out, chosen))


@click.command()
@click.argument("out", type=DIRECTORY)
@click.argument("members", type=DIRECTORY, nargs=-1, required=True)
@click.option("--how", default="mean", show_default=True, help="mean, power or learned.")
@click.option("--exponent", type=float, default=2.0, show_default=True, help="Of the power mean.")
@click.option("--weights", help="One number per member, with commas; or the scores.json of a learned fusion.")
@click.option("--fit", type=DIRECTORY, help="Labelled validation set that MEMBERS were decoded from (learned).")
@click.option("--per-class", is_flag=True, help="Learn weights for each class.")
def fuse(out, members, how, exponent, weights, fit, per_class):
    """Fuse score directories MEMBERS into OUT, and say what each contributes."""
    from sedsep.evaluate.smooth import fuse as fusing

    if len(members) < 2:
        raise click.UsageError("give the directory to write first, and then two score directories or more")
    click.echo(fusing.fuse_directories(out, members, how, exponent, weights, fit, per_class))


COMMANDS = [smooth, fuse]
