"""Claims: what a paper says is better than what, tried on our results: differences with intervals, and a verdict.

A claim compares pairs of systems, each trained with the same seeds; the difference is the mean over pairs and seeds.
A system is named as its file of results without the ending; with ``:<clue>`` behind it where sounds were extracted.
Its interval comes from the resamples of the clips that all results share (``sedsep score --bootstrap``).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sedsep.errors import UserError
from sedsep.evaluate.report.columns import column, entry, shown
from sedsep.evaluate.score.stored import read_results
from sedsep.files import read_table
from sedsep.metrics.bootstrap import Difference, paired_difference


@dataclass(frozen=True)
class Claim:
    """One claim.

    Args:
        text: in words. better, worse: systems of each pair, in one order.
        columns: names out of ``COLUMNS``. differences: one for each column, in its unit.
        by_seed: mean difference of the pairs ``(columns, seeds)``.
    """

    text: str
    better: tuple
    worse: tuple
    columns: tuple
    differences: tuple
    by_seed: np.ndarray

    def verdict(self, c: int) -> str:
        """Whether the claim holds in one column: where its interval does not include zero, it is decided."""
        one = self.differences[c]
        if np.isnan(one.low):
            return ""
        return "holds" if one.low > 0 else "does not hold" if one.high < 0 else "undecided"


def read_claims(path, results) -> list:
    """Try the claims of a table: claim, better, worse (pairs of systems, with commas), names of columns.

    Args:
        results: directories of ``<system>.json``, one per seed.

    Raises:
        UserError: the table is not one of claims, or a result is missing.
    """
    rows = read_table(path, ("claim", "better", "worse", "columns"))
    return [_claim(row, Path(path), [Path(directory) for directory in results]) for row in rows.itertuples()]


def _claim(row, path, results) -> Claim:
    better, worse = (tuple(part.split(",")) for part in (row.better, row.worse))
    if len(better) != len(worse):
        raise UserError(f"{path}: {row.claim!r} has {len(better)} better and {len(worse)} worse systems; name pairs")
    columns = tuple(row.columns.split(","))
    described = [column(name, path) for name in columns]
    sides = [[[_file(directory, system) for directory in results] for system in side] for side in (better, worse)]
    differences, by_seed = [], []
    for one in described:
        # (pairs, seeds) and (pairs, seeds, resamples), better first
        values, replicates = zip(*(_numbers(side, one) for side in sides))
        by_seed.append((values[0] - values[1]).mean(0))
        differences.append(_difference(values, replicates))
    return Claim(row.claim, better, worse, columns, tuple(differences), np.array(by_seed))


def _file(directory, system) -> tuple:
    """File of a system's results, and the clue that it is asked by."""
    name, _, clue = system.partition(":")
    return directory / f"{name}.json", clue


def _numbers(side, one) -> tuple:
    entries = [[entry(read_results(file), one, file, clue) for file, clue in runs] for runs in side]
    values = np.array([[shown(found["value"], one) for found in runs] for runs in entries])
    replicates = [[found.get("replicates") for found in runs] for runs in entries]
    if any(found is None for runs in replicates for found in runs):
        return values, None
    return values, np.array(replicates, float) * one.unit.factor


def _difference(values, replicates) -> Difference:
    means = [side.mean() for side in values]
    if any(side is None for side in replicates):
        return Difference(float(means[0] - means[1]), np.nan, np.nan, np.nan)
    return paired_difference(*means, *(side.mean((0, 1)) for side in replicates))


def markdown(claims: list) -> str:
    """The claims as a table for people."""
    names = list(dict.fromkeys(name for claim in claims for name in claim.columns))
    lines = [f"| claim | {' | '.join(column(name, '').head for name in names)} |", "|---" * (1 + len(names)) + "|"]
    for claim in claims:
        cells = [_cell(claim, name) if name in claim.columns else "" for name in names]
        lines.append(f"| {' | '.join([claim.text, *cells])} |")
    return "\n".join(lines)


def _cell(claim, name) -> str:
    c, one = claim.columns.index(name), column(name, "")
    test, seeds = claim.differences[c], claim.by_seed[c]
    text = one.unit.number(test.value, seeds.std(ddof=1) if len(seeds) > 1 else None, "+")
    if not np.isnan(test.low):
        text += f" [{one.unit.number(test.low, sign='+')}, {one.unit.number(test.high, sign='+')}]"
    verdict = claim.verdict(c)
    return f"{text} **{verdict}**" if verdict else text
