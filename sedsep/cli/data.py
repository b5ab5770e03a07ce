"""Commands that make and check data: download, soundbank, simulate, overlay, gather, validate."""

import click

from sedsep.cli.train import DIRECTORY, FILE


@click.command()
@click.argument("listing", metavar="LIST", type=FILE)
@click.argument("directory", metavar="DIR", type=DIRECTORY)
@click.option("--from", "source", type=click.Path(exists=True, file_okay=False), metavar="FOLDER",
              help="Take the files from here and leave them here; fetch nothing.")  # fmt: skip
def download(listing, directory, source):
    """Fetch the archives of LIST into DIR, verify and unpack them; what was interrupted goes on.

    LIST is a table with the columns file, url (mirrors with spaces), bytes, checksum (md5:... or sha256:...) and
    unpack (yes or no). No other command touches the network.
    """
    import shlex
    import signal

    from sedsep.data.fetch.download import download
    from sedsep.errors import Stopped, UserError

    try:
        made = download(listing, directory, source)
    except KeyboardInterrupt:
        raise Stopped(signal.SIGINT) from None
    missing, unverified = made["missing"], len(made["unverified"])
    click.echo(f"{directory}: {made['files'] - len(missing)} of {made['files']} files are there"
               + (f", {unverified} of them not verified" if unverified else ""))  # fmt: skip
    if missing:
        again = shlex.join(["sedsep", "download", listing, directory, *(["--from", source] if source else [])])
        raise UserError(f"missing: {', '.join(missing)}; to go on: {again}")


@click.command()
@click.argument("out", type=DIRECTORY)
@click.option("--root", "roots", type=DIRECTORY, multiple=True, help="Folder of recordings (repeatable).")
@click.option("--format", "layouts", multiple=True, help="Of each root: auto (default), folders, esc50, ...")
@click.option("--synthesise", is_flag=True, help="Synthesise the mini soundbank of the ten DESED classes instead.")
@click.option("--per-class", default=24, show_default=True, help="Recordings of each class, with --synthesise.")
@click.option("--noise", is_flag=True, help="Add synthesised stationary noises as backgrounds.")
@click.option("--noise-if-needed", is_flag=True, help="The same, where a split has no backgrounds otherwise.")
@click.option("--classes", default="", help="Event classes in order, with commas; all by default.")
@click.option("--backgrounds", default="none", show_default=True,
              help="Labels that serve as backgrounds, with commas; auto: rain, sea_waves and wind.")  # fmt: skip
@click.option("--folds", default="", help='Folds of the splits: "train=1,2,3 validation=4 test=4".')
@click.option("--least", default="", help='Recordings that every class must have: "train=2 validation=2 test=1".')
@click.option("--seed", default=2021, show_default=True, help="Of the splits, and of what is synthesised.")
def soundbank(
    out, roots, layouts, synthesise, per_class, noise, noise_if_needed, classes, backgrounds, folds, least, seed
):
    """Read isolated recordings into the soundbank OUT: where each sounds, and splits apart by source."""
    from pathlib import Path

    from sedsep.data import enough
    from sedsep.data.corpora.collections import read_collection
    from sedsep.data.corpora.folder import unread
    from sedsep.data.minibank import synthesise_bank, synthesise_noise
    from sedsep.data.soundbank import build
    from sedsep.data.splits import parse_folds
    from sedsep.owner import owning

    if bool(roots) == synthesise or len(layouts) not in (0, len(roots)):
        raise click.UsageError("give either --root or --synthesise; and --format for none or each of the roots")
    folds, least = parse_folds(folds) or None, enough.parse_least(least)
    with owning(out, beside=True):
        if synthesise:
            roots = (Path(out) / "recordings",)
            synthesise_bank(*roots, seed, per_class)
        recordings = [r for pair in zip(roots, layouts or ["auto"] * len(roots)) for r in read_collection(*pair)]
        taken = {place for recording in recordings for place in (recording.path, recording.table)}
        left = [line for root in roots for line in unread(Path(root).absolute(), taken)]
        known = {label for recording in recordings for label in recording.labels}
        classes = names(classes, known) or None
        backgrounds = serving(backgrounds, recordings, classes, known)
        if noise_if_needed and not enough.enough_backgrounds(recordings, backgrounds, folds, least, seed):
            click.echo("too few backgrounds among the recordings: synthesised noise is added; to use your own, put "
                       "more into a folder background/<name>/, or name labels in --backgrounds")  # fmt: skip
            noise = True
        if noise:
            synthesise_noise(Path(out) / "noise", seed)
            recordings += read_collection(Path(out) / "noise")
        found = build(out, recordings, classes, backgrounds, folds, seed, least)
    click.echo(f"{out}: {found['sounds']} sounds of {found['classes']} classes, {found['skipped']} skipped")
    if left:
        click.echo("\n".join([*left[:5], f"and {len(left) - 5} more folders"][: len(left)]))
    if found["empty"]:
        click.echo(f"no sound of: {', '.join(found['empty'])}")


def serving(backgrounds, recordings, classes, known):
    """The labels that ``--backgrounds`` means; what nobody chose is said."""
    from sedsep.data.enough import usual_backgrounds

    if backgrounds != "auto":
        return () if backgrounds == "none" else names(backgrounds, known)
    found = usual_backgrounds(recordings, classes)
    if found:
        click.echo(f"{', '.join(found)}: backgrounds, no classes; to have it otherwise, name them in --classes, or "
                   "give --backgrounds NAMES, or none")  # fmt: skip
    return found


def names(text, known=()):
    """``a,b`` -> ``("a", "b")``; a name with a comma is quoted, or one of those that are ``known``."""
    from sedsep.names import split

    return split(text, known)


@click.command()
@click.argument("bank", type=DIRECTORY)
@click.argument("out", type=DIRECTORY)
@click.option("--conf", type=FILE, required=True, help="YAML description of the scenes.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Override any key.")
@click.option("--workers", default=1, show_default=True, help="Processes; the result is the same for any number.")
def simulate(bank, out, conf, settings, workers):
    """Draw soundscapes from BANK into the set OUT: mixtures, stems, labels."""
    from sedsep import config
    from sedsep.data.scene import describe
    from sedsep.data.simulate import simulate
    from sedsep.data.soundbank import Soundbank

    made = simulate(describe(config.read(conf, settings)), Soundbank.read(bank), out, workers)
    click.echo(f"{out}: {made['clips']} clips, {made['events']} events, {made['turned_down']} clips turned down")
    if made["unused"]:
        click.echo(f"classes without a sound: {', '.join(made['unused'])}")


@click.command()
@click.argument("bank", type=DIRECTORY)
@click.argument("out", type=DIRECTORY)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE",
              help="Any key: snr=10, folds=[1,2,3], per_fold=2000, variant=code, ...")  # fmt: skip
@click.option("--workers", default=1, show_default=True, help="Processes; the result is the same for any number.")
def remix(bank, out, settings, workers):
    """Put three sounds of BANK to a clip on a scene at one SNR, fold by fold, into the set OUT.

    Sets that differ in the SNR alone hold the same sounds at the same times on the same scenes.
    """
    from sedsep import config
    from sedsep.data.remix import describe, remix
    from sedsep.data.soundbank import Soundbank

    section = {}
    for setting in settings:
        config.override(section, setting)
    made = remix(describe(section), Soundbank.read(bank), out, workers)
    click.echo(f"{out}: {made['clips']} clips of {made['recordings']} recordings")


@click.command()
@click.argument("out", type=DIRECTORY)
@click.option("--list", "listing", type=(click.Choice(["strong", "weak", "names", "mixtures", "spans"]), FILE),
              required=True, metavar="KIND FILE", help="What there should be: DESED's events, tags or names; FUSS's "
              "mixtures with their stems; YFCC100M's spans of videos.")  # fmt: skip
@click.option("--audio", "folders", type=DIRECTORY, multiple=True, required=True, help="Where it is (repeatable).")
@click.option("--classes", required=True, help="Event classes in order, with commas.")
@click.option("--sample-rate", default=16000, show_default=True, help="Hz; other recordings are converted into OUT.")
@click.option("--synthetic", is_flag=True, help="The clips are synthetic.")
@click.option("--fraction", type=click.FloatRange(0, 1), default=1.0, help="Take a drawn part of the list ...")
@click.option("--rest", is_flag=True, help="... or what that leaves.")
@click.option("--seed", default=42, show_default=True, help="Of the draw.")
@click.option("--limit", type=click.IntRange(1), help="Take the first N of them.")
@click.option("--prefix", default="", help="Before every name, where other sets have the same ones.")
@click.option("--workers", default=1, show_default=True, help="Processes.")
def gather(out, listing, folders, classes, sample_rate, synthetic, fraction, rest, seed, limit, prefix, workers):
    """Make the set OUT of what a corpus lists, as far as it is there; OUT/missing.tsv names the rest, and why."""
    from sedsep.data.corpora.gather import gather
    from sedsep.data.corpora.listings import part, read_listing
    from sedsep.labels import Classes
    from sedsep.owner import owning

    classes = Classes(names(classes))
    entries, faults = read_listing(*listing, classes)
    entries = [e._replace(filename=prefix + e.filename) for e in part(entries, fraction, rest, seed)[:limit]]
    domain = "synthetic" if synthetic else "real"
    with owning(out, beside=True):
        made = gather(out, folders, entries, classes, sample_rate, domain, faults=faults, workers=workers)
    click.echo(f"{out}: {made['clips']} of {made['listed']} clips"
               + (f"; {len(made['missing'])} are missing: {out}/missing.tsv" if made["missing"] else ""))  # fmt: skip


@click.command()
@click.argument("sets", type=DIRECTORY, nargs=-1, required=True)
@click.option("--fix", "out", type=DIRECTORY, help="Write a repaired copy of the one set, with a log fixes.tsv.")
@click.option("--sample-rate", type=int, help="Hz that the audio is to have; by default what most files have.")
@click.option("--complete", is_flag=True, help="A set that lacks clips of the list it was gathered from is at fault.")
def validate(sets, out, sample_rate, complete):
    """List every fault of SETS, each and together, with its file, line and cure; or write a repaired copy."""
    from sedsep.data.missing import expected_and_found
    from sedsep.data.repair import repair
    from sedsep.data.validate import faults, summary
    from sedsep.errors import UserError

    if out and len(sets) > 1:
        raise click.UsageError("--fix repairs one set at a time")
    if out:
        made = repair(sets[0], out, sample_rate)
        click.echo(f"{out}: {made['clips']} clips, {made['left_out']} left out; {out}/fixes.tsv has "
                   f"{made['changes']} changes")  # fmt: skip
        return
    found, checked = faults(sets, sample_rate)
    for line in found or map(summary, checked):
        click.echo(str(line))
    lacking = [one.clip_set for one in checked if one.clip_set.missing]
    if lacking:
        click.echo(expected_and_found([one.clip_set for one in checked]))
    if found:
        raise UserError(f"{len(found)} fault{'s' * (len(found) > 1)}; --fix OUT writes a repaired copy of a set")
    if lacking and complete:
        tables = ", ".join(f"{one.directory}/missing.tsv" for one in lacking)
        count = sum(len(one.missing) for one in lacking)
        raise UserError(f"{count} clips are missing, named in {tables}; find them and gather again, or go on without "
                        "them: drop --complete")  # fmt: skip


@click.command()
@click.argument("out", type=DIRECTORY)
@click.argument("directory", metavar="SET", type=DIRECTORY)
@click.argument("other", type=DIRECTORY)
@click.option("--seed", default=0, show_default=True, help="Of which clip lies over which.")
def overlay(out, directory, other, seed):
    """Lay the clips of OTHER over those of SET; their sounds become one stem without a label."""
    from sedsep.data.overlay import overlay

    click.echo(f"{out}: {overlay(directory, other, out, seed)} clips")


COMMANDS = [download, soundbank, simulate, remix, overlay, gather, validate]
