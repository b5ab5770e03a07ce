"""Commands about clusters: submit, jobs, doctor, plan."""

import click

from sedsep.cli.train import DIRECTORY, FILE


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--after", multiple=True, metavar="JOB", help="Start after this job has ended well (repeatable).")
@click.option("--array", is_flag=True, help="Read the commands from standard input: LOG, a tab, the command as bash.")
@click.option("--site", type=FILE, help="What to ask for, by kind of job; default $SEDSEP_SITE or tools/slurm.yaml.")
@click.option("--dry-run", is_flag=True, help="Print the batch script instead.")
@click.argument("log", type=FILE)
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def submit(after, array, site, dry_run, log, command):
    """Submit COMMAND as a Slurm job that writes LOG and survives preemption, and print its number."""
    import os
    from pathlib import Path

    from sedsep.cluster import slurm
    from sedsep.cluster.environment import carried

    if array == bool(command):
        raise click.UsageError("give either a command or --array")
    lines = click.get_text_stream("stdin").read().splitlines() if array else []
    tasks = [slurm.task(*line.split("\t", 1)) for line in lines] or [slurm.task(log, command)]
    name = Path(log).stem
    if dry_run:
        asked = slurm.requested(site, name, tasks[0].command)
        click.echo(slurm.script(name, tasks, asked, Path.cwd(), after, carried(os.environ)))
        return
    click.echo(" ".join(slurm.submit(log, tasks, site, after)))


@click.command()
@click.argument("exp", type=DIRECTORY)
@click.option("--wait", "ids", multiple=True, metavar="JOB", help="Wait for this job (repeatable), exit as it does.")
@click.option("--retry", is_flag=True, help="Submit again what ended badly; of an array, those tasks alone.")
@click.option("--cancel", is_flag=True, help="Cancel what has not ended.")
def jobs(exp, ids, retry, cancel):
    """Show the jobs of the experiment EXP: state, reason of death, the log's last lines."""
    from sedsep.cluster import jobs as watching

    if ids:
        raise SystemExit(watching.wait(exp, ids, click.echo))
    found = watching.read(exp)
    if cancel:
        watching.cancel([job.id for job in found if job.alive])
    elif retry:
        click.echo(" ".join(watching.retry(found)) or "nothing ended badly")
    for job in [] if retry else watching.read(exp):
        click.echo(watching.describe(job))


@click.command()
@click.option("--work", type=DIRECTORY, default=".", show_default=True, help="Where experiments are to go.")
def doctor(work):
    """Look whether this machine is fit to train on; say what is wrong, and the cure."""
    from sedsep.cluster import doctor as examining

    findings = examining.examine(work)
    click.echo(examining.describe(findings))
    raise SystemExit(any(finding.cure for finding in findings))


@click.command()
@click.argument("conf", type=FILE)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Override any key: a.b=1.")
@click.option("--system", "kind", help="Kind of the system, where CONF does not name it (system.kind).")
@click.option("--from", "parts", type=FILE, multiple=True, metavar="CONF",
              help="Configuration of a model it starts from (repeatable); by default those beside CONF.")  # fmt: skip
@click.option("--batches", type=int, help="Batches per epoch, where CONF leaves them to the data (default 100).")
@click.option("--classes", "n_classes", default=10, show_default=True, help="Event classes.")
@click.option("--write", "site", type=FILE, help="Put the request into this site file.")
def plan(conf, settings, kind, parts, batches, n_classes, site):
    """Train CONF for a few steps on made-up clips: its time, memory and disk, and what to ask Slurm for."""
    from sedsep.cluster import plan as planning

    found = planning.measure(conf, settings, kind, batches, n_classes, parts)
    click.echo(planning.describe(found))
    if site:
        planning.write(site, found)


COMMANDS = [submit, jobs, doctor, plan]
