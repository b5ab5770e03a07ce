"""Commands that apply models and gather results: decode, report."""

import click

from sedsep.cli.train import DIRECTORY, FILE


@click.command()
@click.argument("out", type=DIRECTORY)
@click.argument("files", type=FILE, nargs=-1)
@click.option("--model", type=FILE, help="Model file (best_<variant>.pt).")
@click.option("--separator", type=FILE, help="With --detector: the two as one joint system without training (S0).")
@click.option("--detector", type=FILE, help="See --separator.")
@click.option("--data", type=DIRECTORY, help="Set of clips to decode; or name audio FILES of your own.")
@click.option("--variant", help="student or teacher; the default is the one that the model file was kept for.")
@click.option("--sources", is_flag=True, help="Write the separated sources too.")
@click.option("--batch", default=8, show_default=True, help="Clips at a time.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N.")
def decode(out, files, model, separator, detector, data, variant, sources, batch, device):
    """Write score tables of clips to OUT, and separated sources on request."""
    from sedsep.apply import decode as decoding
    from sedsep.apply.model import joined, load

    if bool(model) == bool(separator or detector) or bool(separator) != bool(detector):
        raise click.UsageError("give either --model, or --separator and --detector")
    loaded = load(model, device, variant) if model else joined(separator, detector, device, variant)
    found = decoding.recordings(data, files)
    decoding.decode(loaded, found, out, sources, batch)
    click.echo(f"{out}: {len(found)} clips decoded")


@click.command()
@click.argument("results", type=DIRECTORY, nargs=-1, required=True)
@click.option("--published", "rows", type=(str, FILE), multiple=True, metavar="TITLE TABLE.tsv",
              help="Table of published rows: key, system, model, a column per metric (repeatable).")  # fmt: skip
@click.option("--cells", type=FILE, multiple=True, metavar="TABLE.tsv",
              help="Cells: table, row, column, results, metric, published; clue, set (repeatable).")  # fmt: skip
@click.option("--table", type=FILE, required=True, help="Table to write (results.tsv).")
@click.option("--page", type=FILE, required=True, help="Page to write (RESULTS.md).")
@click.option("--command", default="", help="The command that made the numbers; stands above the tables.")
@click.option("--note", default="", help="Text that stands under the tables.")
@click.option("--claims", type=FILE, help="Table of claims to try: claim, better, worse, columns.")
@click.option("--training", type=DIRECTORY, multiple=True, help="Training run whose curves to draw (repeatable).")
@click.option("--bars", default="", metavar="RESULTS:METRIC", help="Whose metric to draw for each class.")
def report(results, rows, cells, table, page, command, note, claims, training, bars):
    """Gather RESULTS/<name>.json into tables, ours beside the published; one directory for each seed."""
    from sedsep.evaluate.report import report as reporting

    if not rows and not cells:
        raise click.UsageError("name what was published: --published TITLE TABLE.tsv, or --cells TABLE.tsv")
    click.echo(reporting.report(results, rows, cells, table, page, command, training, note, claims, bars))


COMMANDS = [decode, report]
