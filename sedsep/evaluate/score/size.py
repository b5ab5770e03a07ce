"""The number of parameters behind a system's scores; a network that several of its models share counts once."""

from sedsep.errors import UserError
from sedsep.evaluate.score.number import Number
from sedsep.evaluate.score.output import Output
from sedsep.evaluate.score.truth import Truth
from sedsep.evaluate.score.unit import MILLIONS


def size_numbers(truth: Truth, output: Output, options) -> list:
    """Parameters of all networks that made the scores, trained or frozen.

    Raises:
        UserError: the scores do not say which networks made them.
    """
    networks = output.notes.get("networks")
    if not networks:
        where = ", ".join(output.sources.values())
        raise UserError(f"{where}: scores.json does not say how many parameters made the scores; decode again")
    return [Number("parameters", "parameters", float(sum(networks.values())), unit=MILLIONS)]
