"""The command line: one group of commands, each of which calls one function. A user's mistake is one line."""

import json
import os
import sys
import time

import click

from sedsep import __version__, threads
from sedsep.cli import cluster, data, evaluate, extract, importing, score, smooth, train
from sedsep.engine import survival
from sedsep.errors import Stopped, UserError


class Group(click.Group):
    """Lists the commands in the order of the work instead of the alphabet."""

    def list_commands(self, context):
        return list(self.commands)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="sedsep")
def sedsep():
    """Separate sounds, detect sound events, and train each to help the other."""


for topic in (data, train, importing, extract, evaluate, smooth, score, cluster):
    for command in topic.COMMANDS:
        sedsep.add_command(command)


def main() -> None:
    """Entry point: a mistake or a full disk ends in one line and exit code 1, Ctrl-C in 130, other signals in 75."""
    survival.leave_at_once()
    threads.prepare()  # before any command loads torch
    sys.stdout.reconfigure(errors="backslashreplace")  # as standard error: any file's name can be said
    try:
        try:
            sedsep.main(standalone_mode=False)
        finally:
            survival.have_ended()
    except UserError as error:
        fail(str(error), error.code)
    except Stopped as stopped:
        fail(str(stopped), stopped.code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        fail("stopped; a training run goes on from its last save with the same command", 130)
    except OSError as error:
        if error.filename is None and error.errno is None:
            raise
        fail(f"{error.filename or 'the disk'}: {error.strerror}", 1)


def fail(message: str, code: int) -> None:
    """Print one line to standard error and leave with ``code``; one of several processes leaves it to its launcher."""
    word = os.environ.get("TORCHELASTIC_ERROR_FILE")
    if word:
        with open(word, "w", encoding="utf-8") as file:
            json.dump({"message": message, "timestamp": int(time.time())}, file)
    else:
        click.echo(f"sedsep: {'stopped' if code in (75, 130) else 'error'}: {message}", err=True)
    sys.exit(code)
