"""Commands that measure: score, compare, plot."""

import click

from sedsep.cli.train import DIRECTORY, FILE


@click.command()
@click.argument("scores", type=DIRECTORY, required=False)
@click.option("--metric", "metrics", multiple=True, required=True,
              help="Metric (repeatable). Events: psds, psds-exact, psds-2020, event-f1, intersection-f1, segment-f1, "
              "event-f1-held-out (the half that smooth --fit does not tune on); tags: tagging-f1, ap, auc; "
              "separation: si-sdr, sdr, fuss; of target sounds: extraction; of networks: parameters.")  # fmt: skip
@click.option("--data", type=DIRECTORY, help="Set of clips with the ground truth.")
@click.option("--ground-truth", type=FILE, help="Instead of --data: table of reference events.")
@click.option("--durations", type=FILE, help="Instead of --data: table of filename and duration.")
@click.option("--classes", default="", help="Of --ground-truth, with commas: all event classes, where it lacks some.")
@click.option("--events", type=FILE, help="A system's events at one threshold, instead of SCORES.")
@click.option("--operating-points", type=DIRECTORY, help="A system's events, one table per threshold.")
@click.option("--threshold", default=0.5, show_default=True, help="Threshold on SCORES for the F1 numbers.")
@click.option(
    "--bootstrap", type=click.IntRange(0), default=0, metavar="N", help="Intervals from N resamples of the clips."
)
@click.option("--seed", default=0, show_default=True, help="Seed of the resamples.")
@click.option("--triggered", type=click.Choice(["others", "all"]), default="others", show_default=True,
              help="Classes that PSDS averages cross-triggers over: all as in psds_eval before 0.5, with which the "
              "2021 baseline was published.")  # fmt: skip
@click.option("--out", type=FILE, help="Also write the results to this file (JSON), to compare and report.")
@click.option("--per-clip", is_flag=True, help="Also write a table of single clips beside --out.")
def score(
    scores, metrics, data, ground_truth, durations, classes, events, operating_points, threshold, bootstrap, seed,
    triggered, out, per_clip,
):  # fmt: skip
    """Score a system's output: a directory of SCORES, or its events."""
    from sedsep.evaluate.score import output, score
    from sedsep.names import split

    truth = score.read_truth(data, ground_truth, durations, split(classes))
    found, truth = output.read(truth, scores, events, operating_points)
    if per_clip and not out:
        raise click.UsageError("--per-clip writes its table beside --out; give that, too")
    numbers = score.score(truth, found, metrics, threshold, bootstrap, seed, triggered)
    click.echo(score.table(truth, numbers, found.missing))
    if out:
        clips_path = score.write(out, score.results(truth, found, numbers, bootstrap, seed), numbers, per_clip)
        click.echo(f"{out}" + (f"\n{clips_path}" if clips_path else ""))


@click.command()
@click.argument("results", nargs=-1, required=True, metavar="A.json[,A2.json...] B.json...")
@click.option("--out", type=FILE, help="Also write the ranking as JSON.")
def compare(results, out):
    """Rank systems by their files of RESULTS; comma-separated files are one system's runs with other seeds.

    A path with a comma in it is quoted as in CSV, where it could mean several: '"A,B.json",C.json'.
    """
    from sedsep import files
    from sedsep.evaluate.score import compare

    systems = compare.read(results)
    standings = compare.compare(systems)
    click.echo(compare.table(standings, compare.left_out(systems)))
    if out:
        files.write_json(out, compare.as_json(standings))


@click.group()
def plot():
    """Draw a curve, or a clip with its events, for a paper (.png, .pdf or .svg)."""


def drawing(function):
    """The ground truth's options, which every plot of numbers shares."""
    for option in (
        click.option("--classes", default="", help="Of --ground-truth: all event classes, where it lacks some."),
        click.option("--durations", type=FILE, help="Instead of --data: table of filename and duration."),
        click.option("--ground-truth", type=FILE, help="Instead of --data: table of reference events."),
        click.option("--data", type=DIRECTORY, help="Set of clips with the ground truth."),
        click.argument("out", type=FILE),
    ):
        function = option(function)
    return function


@plot.command("psd-roc")
@drawing
@click.argument("scores", type=DIRECTORY, nargs=-1)
@click.option("--operating-points", type=DIRECTORY, help="A system's events, one table per threshold.")
@click.option("--published", is_flag=True, help="Also psds_eval's curve of 50 thresholds: the number of the tables.")
def plot_psd_roc(out, data, ground_truth, durations, classes, scores, operating_points, published):
    """PSD-ROC of PSDS1 and PSDS2 with the areas, one curve over all thresholds for each directory of SCORES."""
    from sedsep.evaluate.report.psd_roc import draw_psd_roc
    from sedsep.evaluate.score import output, score
    from sedsep.names import split

    truth = score.read_truth(data, ground_truth, durations, split(classes))
    truth, outputs = output.read_several(truth, scores, operating_points)
    draw_psd_roc(out, truth, outputs, published)
    click.echo(out)


@plot.command("f1")
@drawing
@click.argument("scores", type=DIRECTORY, required=False)
@click.option("--operating-points", type=DIRECTORY, help="A system's events, one table per threshold.")
def plot_f1(out, data, ground_truth, durations, classes, scores, operating_points):
    """Event F1 of each class over the thresholds of SCORES."""
    from sedsep.evaluate.report.f1_curves import draw_f1
    from sedsep.evaluate.score import output, score
    from sedsep.names import split

    truth = score.read_truth(data, ground_truth, durations, split(classes))
    found, truth = output.read(truth, scores, None, operating_points)
    draw_f1(out, truth, found)
    click.echo(out)


@plot.command("clip")
@click.argument("out", type=FILE)
@click.argument("clip")
@click.argument("scores", type=DIRECTORY, nargs=-1, required=True)
@click.option("--data", type=DIRECTORY, required=True, help="Set that CLIP is of; its labels are drawn where known.")
@click.option("--threshold", default=0.5, show_default=True, help="Threshold on SCORES.")
def plot_clip(out, clip, scores, data, threshold):
    """Spectrogram of CLIP with reference and detected events, one row for each directory of SCORES."""
    from sedsep.evaluate.report.clip import draw_clip
    from sedsep.evaluate.score import output, score

    truth, outputs = output.read_several(score.read_truth(data), scores, others=True)
    draw_clip(out, truth, clip, outputs, threshold)
    click.echo(out)


@plot.command("attention")
@click.argument("out", type=FILE)
@click.argument("recording")
@click.option("--model", type=FILE, required=True, help="Detector with two-step attention (best_<variant>.pt).")
@click.option("--data", type=DIRECTORY, help="Set that RECORDING is a clip of; its labels are outlined.")
@click.option("--variant", help="student or teacher; the default is the one that the model file was kept for.")
def plot_attention(out, recording, model, data, variant):
    """Two-step attention on RECORDING in eight panels: features and their reconstruction, attention over bands of the
    three most likely classes, over time, and tags."""
    from sedsep.apply.model import load
    from sedsep.evaluate.report.attention import draw_attention

    events = ()
    if data:
        recording, events = clip_of(data, recording)
    draw_attention(out, load(model, "cpu", variant), recording, events)
    click.echo(out)


def clip_of(data, name):
    """The file of a clip of a set, named by filename or id, and its strong labels where they are known."""
    from sedsep.data.manifest import ClipSet
    from sedsep.errors import UserError, nearest
    from sedsep.files import clip_id

    clips = {clip_id(clip.filename): clip for clip in ClipSet.read(data)}
    if clip_id(name) not in clips:
        raise UserError(f"{data}: no clip {name!r}{nearest(clip_id(name), clips)}")
    clip = clips[clip_id(name)]
    return clip.path, clip.strong or ()


@plot.command("sources")
@click.argument("out", type=FILE)
@click.argument("clip", required=False)
@click.option("--model", type=FILE, required=True, help="Model that detects events in sources that it separates.")
@click.option("--data", type=DIRECTORY, required=True, help="Set that CLIP is of.")
def plot_sources(out, clip, model, data):
    """Mel spectrograms of CLIP and of its sources, and what is heard in each; by default where most classes overlap."""
    from sedsep.apply.model import load
    from sedsep.evaluate.report.sources import draw_sources
    from sedsep.evaluate.score import score

    click.echo(f"{out}: {draw_sources(out, load(model), score.read_truth(data), clip)}")


COMMANDS = [score, compare, plot]
