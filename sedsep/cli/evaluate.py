"""Commands that apply models and gather results: decode, report."""

import click

from sedsep.cli.train import DIRECTORY, FILE

STRICT = click.option("--strict", is_flag=True, help="Stop at the first recording that cannot be used.")
OVERWRITE = click.option("--overwrite", is_flag=True, help="Delete what OUT holds, whatever model it is from.")


@click.command()
@click.argument("out", type=DIRECTORY)
@click.argument("files", type=click.Path(), nargs=-1)
@click.option("--model", type=FILE, help="Model file (best_<variant>.pt).")
@click.option("--separator", type=FILE, help="With --detector: the two as one joint system without training (S0).")
@click.option("--detector", type=FILE, help="See --separator.")
@click.option("--data", type=DIRECTORY, help="Set of clips; or name audio FILES of your own, or folders.")
@click.option("--variant", help="student or teacher; the default is the one that the model file was kept for.")
@click.option("--keep", type=int, multiple=True, help="Of --separator: detect this output alone, from 0 (repeatable).")
@click.option("--over-sources", type=click.Choice(["max", "sum", "noisy_or"]),
              help="Of a task-aware model: how the scores of its sources become those of the clip.")  # fmt: skip
@click.option("--sources", is_flag=True, help="Write the separated sources too.")
@click.option("--batch", default=8, show_default=True, help="Clips at a time.")
@STRICT
@OVERWRITE
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
def decode(
    out, files, model, separator, detector, data, variant, keep, over_sources, sources, batch, strict, overwrite, device
):
    """Write score tables of clips to OUT, and separated sources on request.

    What OUT has of other recordings, from the same model, stays there. A recording that cannot be used costs no other:
    the exit code is 3, and OUT/skipped.tsv lists the reasons.
    """
    from sedsep.apply.decode import decode
    from sedsep.apply.model import joined, load
    from sedsep.apply.recordings import recordings
    from sedsep.apply.results import Results

    if bool(model) == bool(separator or detector) or bool(separator) != bool(detector):
        raise click.UsageError("give either --model, or --separator and --detector")
    if keep and model:
        raise click.UsageError("--keep goes with --separator and --detector")
    if over_sources and not model:
        raise click.UsageError("--over-sources goes with --model")
    loaded = (
        load(model, device, variant, {"over_sources": over_sources} if over_sources else None)
        if model
        else joined(separator, detector, device, variant, list(keep) or None)
    )
    results = Results(out, loaded, overwrite)
    found = recordings(data, files, results.known)
    decode(loaded, found, results, sources, batch, strict)
    click.echo(f"{out}: {len(found)} clips decoded")


@click.command()
@click.argument("results", type=DIRECTORY, nargs=-1, required=True)
@click.option("--published", "rows", type=(str, FILE), multiple=True, metavar="TITLE TABLE.tsv",
              help="Table of published rows: key, system, model, a column per metric (repeatable).")  # fmt: skip
@click.option("--cells", type=FILE, multiple=True, metavar="TABLE.tsv",
              help="Cells: table, row, column, results, metric, published; clue, set (repeatable).")  # fmt: skip
@click.option("--folds", "crossed", type=(str, str, str), multiple=True, metavar="TITLE METRIC NAME,NAME...",
              help="A cross-validation's results, one for each fold: a table of its classes (repeatable).")  # fmt: skip
@click.option("--table", type=FILE, required=True, help="Table to write (results.tsv).")
@click.option("--page", type=FILE, required=True, help="Page to write (RESULTS.md).")
@click.option("--command", default="", help="The command that made the numbers; stands above the tables.")
@click.option("--note", default="", help="Text that stands under the tables.")
@click.option("--claims", type=FILE, help="Table of claims to try: claim, better, worse, columns.")
@click.option("--training", type=DIRECTORY, multiple=True, help="Training run whose curves to draw (repeatable).")
@click.option("--bars", default="", metavar="RESULTS:METRIC", help="Whose metric to draw for each class.")
def report(results, rows, cells, crossed, table, page, command, note, claims, training, bars):
    """Gather RESULTS/<name>.json into tables, ours beside the published; one directory for each seed."""
    from sedsep.evaluate.report import report as reporting

    if not rows and not cells and not crossed:
        raise click.UsageError("name what was published: --published TITLE TABLE.tsv, or --cells TABLE.tsv; or --folds")
    crossed = [(title, metric, [name for name in names.split(",") if name]) for title, metric, names in crossed]
    click.echo(reporting.report(results, rows, cells, table, page, command, training, note, claims, bars, crossed))


COMMANDS = [decode, report]
