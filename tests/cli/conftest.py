"""The entry point, as a person calls it."""

import sys

import pytest

from sedsep import cli


@pytest.fixture
def sedsep(monkeypatch, capsys):
    """``sedsep(argument, ...)`` -> ``(exit code, standard output, lines of error)``, through the entry point."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["sedsep", *map(str, arguments)])
        code = 0
        try:
            cli.main()
        except SystemExit as stop:
            code = stop.code
        said = capsys.readouterr()
        return code, said.out, [line for line in said.err.splitlines() if line.startswith("sedsep: error: ")]

    return run
