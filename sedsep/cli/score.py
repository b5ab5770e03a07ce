"""Commands that measure: score, compare, plot."""

import click

from sedsep.cli.train import DIRECTORY, FILE


@click.command()
@click.argument("scores", type=DIRECTORY, required=False)
@click.option("--metric", "metrics", multiple=True, required=True, help="Metric (repeatable), e.g. psds, event-f1.")
@click.option("--data", type=DIRECTORY, help="Set of clips with the ground truth.")
@click.option("--ground-truth", type=FILE, help="Instead of --data: table of reference events.")
@click.option("--durations", type=FILE, help="Instead of --data: table of filename and duration.")
@click.option("--events", type=FILE, help="A system's events at one threshold, instead of SCORES.")
@click.option("--operating-points", type=DIRECTORY, help="A system's events, one table per threshold.")
@click.option("--threshold", default=0.5, show_default=True, help="Threshold on SCORES for the F1 numbers.")
@click.option("--bootstrap", default=0, metavar="N", help="Intervals from N resamples of the clips.")
@click.option("--seed", default=0, show_default=True, help="Seed of the resamples.")
@click.option("--out", type=FILE, required=True, help="File of results (JSON).")
@click.option("--per-clip", is_flag=True, help="Also write a table of single clips beside OUT.")
def score(
    scores, metrics, data, ground_truth, durations, events, operating_points, threshold, bootstrap, seed, out, per_clip
):
    """Score a system's output: a directory of SCORES, or its events."""
    from sedsep.evaluate import output, score

    truth = score.read_truth(data, ground_truth, durations)
    found, truth = output.read(truth, scores, events, operating_points)
    numbers = score.score(truth, found, metrics, threshold, bootstrap, seed)
    clips_path = score.write(out, score.results(truth, found, numbers, bootstrap, seed), numbers, per_clip)
    click.echo(score.table(truth, numbers, len(found.missing)))
    click.echo(f"{out}" + (f"\n{clips_path}" if clips_path else ""))


COMMANDS = [score]
