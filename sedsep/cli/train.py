"""Commands that train: one for each task. Their options and help are what the task's systems declare."""

import click

DIRECTORY = click.Path(file_okay=False)
FILE = click.Path(dir_okay=False)

TASKS = {
    "train-sep": "Train a separator.",
    "train-sed": "Train a detector from strong, weak and unlabelled clips.",
    "train-joint": "Train separator and detector together.",
    "train-tse": "Train an extractor of target sounds.",
}
COMMON = [
    click.Option(["--conf"], type=FILE, required=True, help="YAML configuration of the training."),
    click.Option(["--set", "settings"], multiple=True, metavar="KEY=VALUE", help="Override any key: a.b=1."),
    click.Option(["--exp"], type=DIRECTORY, required=True, help="Directory of the run; goes on if it exists."),
    click.Option(["--seed"], type=int, help="Same as --set seed=N."),
    click.Option(["--ngpu"], type=int, default=1, show_default=True,
                 help="Processes (per node) that share every batch."),
    click.Option(["--profile"], is_flag=True,
                 help="Take a few steps and print where their time goes; writes nothing."),
]  # fmt: skip


class Training(click.Command):
    """A command whose options are made from the systems of its task, when they are asked for.

    The systems take seconds to import, which ``sedsep --help`` and all other commands need not wait for.
    """

    def __init__(self, task):
        super().__init__(task, short_help=TASKS[task])
        self.task, self._params = task, None

    def invoke(self, context):
        """Train as the options say."""
        run(self.task, context.params)

    @property
    def params(self):
        if self._params is None:
            self._params = options(self.task)
        return self._params

    @params.setter
    def params(self, value):
        """click sets none here; ours follow from the task."""

    @property
    def help(self):
        return f"{TASKS[self.task]}\n\n{described(self.task)}"

    @help.setter
    def help(self, value):
        """As above."""


def systems_of(task):
    """The classes of a task's systems."""
    from sedsep.systems import of_task

    return list(of_task(task).values())


def described(task):
    """What the systems of a task are, and in which ways they start: the first sentence of each class, by its kind."""
    lines = []
    for system in systems_of(task):
        what = " ".join(system.__doc__.split("\n\n")[0].split())
        ways = [" and ".join(start.option for start in way) for way in system.starts if way]
        lines.append(f"{system.kind}: {what}" + (f" Starts from {', or from '.join(ways)}." if ways else ""))
    return "\n\n".join(lines)


def systems_table():
    """The table of all systems in README.md, a line for each: what its class declares, for people."""
    lines = ["| `system.kind` | command | trains on | starts from |", "|---|---|---|---|"]
    for task in TASKS:
        for system in systems_of(task):
            streams = ", ".join(f"`{stream.option}`" for stream in system.streams)
            ways = [" and ".join(f"`{start.option}`" for start in way) for way in system.starts]
            lines.append(
                f"| `{system.kind}` | `{task}` | {streams} | {', or '.join(way or 'nothing' for way in ways)} |"
            )
    return "\n".join(lines)


def options(task):
    """All options of a command: what its systems train and validate on, start from, and their shortcuts."""
    systems, made = systems_of(task), {}
    for system in systems:
        for prefix, streams in (("train", system.streams), ("valid", system.validation)):
            for stream in streams:
                made[stream.option] = click.Option(
                    [stream.option, f"{prefix}_{stream.name}"], type=DIRECTORY, multiple=True,
                    help=f"{stream.text} (repeatable).",
                )  # fmt: skip
                if stream.mixed:
                    made["--mix"] = click.Option(
                        ["--mix", f"mix_{stream.name}"], type=(DIRECTORY, FILE), multiple=True,
                        metavar="BANK SCENE.yaml",
                        help=f"For {stream.option}: soundscapes that are mixed anew in every epoch (repeatable).",
                    )  # fmt: skip
        for start in (start for way in system.starts for start in way):
            made[start.option] = click.Option(
                [start.option, f"start_{start.name}"], type=FILE, help=f"{start.text}."
            )  # fmt: skip
        for key in system.shortcuts:
            made[f"--{key}"] = click.Option(
                [f"--{key}", f"set_{key}"], type=click.Choice(choices(system, key)),
                help=f"Same as --set system.{key}=...",
            )  # fmt: skip
    if len(systems) > 1:
        kinds = click.Choice([system.kind for system in systems])
        made["--kind"] = click.Option(["--kind", "set_kind"], type=kinds, help="Same as --set system.kind=...")
    return [*COMMON, *made.values()]


def choices(system, key):
    """The legal values of a system's key."""
    import typing

    return [str(value) for value in typing.get_args(typing.get_type_hints(system.__init__)[key])]


def chosen(given, prefix):
    """The options of one sort that were given: name without the prefix -> value."""
    return {name.removeprefix(prefix): value for name, value in given.items() if name.startswith(prefix) and value}


def run(task, given):
    """Read the configuration, train, and print what came out; or launch the processes that do."""
    import sys
    import tempfile

    from sedsep import config, ranks
    from sedsep.engine import processes
    from sedsep.engine.profiling import where_time_goes
    from sedsep.train import train

    if processes.wanted(given["ngpu"]):
        processes.launch(given["ngpu"], sys.argv[1:])
        return
    shortcuts = {f"system.{key}": value for key, value in chosen(given, "set_").items()}
    shortcuts |= {} if given["seed"] is None else {"seed": given["seed"]}
    raw = config.read(given["conf"], [*given["settings"], *(f"{key}={value}" for key, value in shortcuts.items())])
    streams, exp = chosen(given, "train_"), given["exp"]
    for name, mixed in chosen(given, "mix_").items():
        streams[name] = (*streams.get(name, ()), *mixed)
    others = chosen(given, "valid_"), chosen(given, "start_")
    if given["profile"]:
        with tempfile.TemporaryDirectory() as directory:
            click.echo(train(task, raw, directory, streams, *others, where_time_goes))
        return
    best = train(task, raw, exp, streams, *others)
    for variant, values in best.items() if ranks.index() == 0 else ():
        metrics = "  ".join(f"{key} {value:.4g}" for key, value in values.items() if key != "epoch")
        click.echo(f"{exp}/best_{variant}.pt  epoch {values['epoch']}  {metrics}")


COMMANDS = [Training(task) for task in TASKS]
