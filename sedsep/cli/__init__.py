"""The command line: one group of commands, each of which calls one function. A user's mistake is one line."""

import sys

import click

from sedsep import __version__
from sedsep.cli import data, evaluate, score, smooth, train
from sedsep.errors import UserError


class Group(click.Group):
    """Lists the commands in the order of the work instead of the alphabet."""

    def list_commands(self, context):
        return list(self.commands)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="sedsep")
def sedsep():
    """Separate sounds, detect sound events, and train each to help the other."""


for topic in (data, train, evaluate, smooth, score):
    for command in topic.COMMANDS:
        sedsep.add_command(command)


def main() -> None:
    """Entry point: a mistake or a full disk ends in one line and exit code 1, Ctrl-C in exit code 130."""
    try:
        sedsep.main(standalone_mode=False)
    except UserError as error:
        fail(str(error), 1)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        fail("stopped; a training run goes on after its last whole epoch with the same command", 130)
    except OSError as error:
        if error.filename is None and error.errno is None:
            raise
        fail(f"{error.filename or 'the disk'}: {error.strerror}", 1)


def fail(message: str, code: int) -> None:
    """Print one line to standard error and leave with ``code``."""
    click.echo(f"sedsep: error: {message}", err=True)
    sys.exit(code)
