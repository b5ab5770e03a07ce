"""Compare: files of results side by side, ranked only where they are like; with a paired test and seeds' spread.

A system is one file, or several: its trainings with other seeds. The same resamples of the same clips (``sedsep
score --bootstrap``) make the test of two systems a paired one.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sedsep.errors import UserError
from sedsep.evaluate.score.stored import read_results
from sedsep.evaluate.score.unit import Unit, unit_of
from sedsep.metrics.bootstrap import Difference, paired_difference
from sedsep.names import join, split


@dataclass(frozen=True)
class System:
    """A system's results: its name, and one dictionary (:func:`sedsep.evaluate.score.score.results`) for each run."""

    name: str
    runs: tuple


@dataclass(frozen=True)
class Standing:
    """One system in one metric.

    Args:
        value: mean over runs. spread: standard deviation over runs, None for one. missing: clips, at most.
        against_best: difference to the metric's best system; None for that itself and without resamples.
        unit: how the value, its spread and the difference are shown.
    """

    system: str
    value: float
    spread: float
    n_runs: int
    missing: int
    against_best: Difference
    unit: Unit


def read(arguments) -> list:
    """Systems from arguments ``A.json B1.json,B2.json``: comma-separated files are runs of one system.

    Raises:
        UserError: a file is not one of results, or two systems are the same.
    """
    systems = []
    for argument in arguments:
        paths = _paths(argument)
        systems.append(System(",".join(map(str, paths)), tuple(read_results(path) for path in paths)))
    if len(systems) < 2:
        raise UserError("give two files of results or more; runs of one system with other seeds: A1.json,A2.json")
    if len({system.name for system in systems}) < len(systems):
        raise UserError("the same results are given twice")
    return systems


def _paths(argument) -> list:
    """The files that an argument names: itself, if there is such a file; else those between its commas, where a path
    with commas is quoted as in CSV or is one that is there.

    Raises:
        UserError: it can be read in several ways.
    """
    if "," not in argument or Path(argument).is_file():
        return [Path(argument)]
    if '"' in argument:
        return [Path(name) for name in split(argument)]
    readings = list(_readings([part for part in argument.split(",") if part]))
    if len(readings) > 1:
        ways = " or ".join(map(join, readings))
        raise UserError(f"{argument}: may mean {ways}; quote a path that has a comma: '\"A,B.json\",C.json'")
    return [Path(name) for name in (readings[0] if readings else argument.split(",")) if name]


def _readings(parts):
    """Yield the ways to join ``parts`` with commas so that each name is a file that is there."""
    if not parts:
        yield []
    for count in range(1, len(parts) + 1):
        name = ",".join(parts[:count])
        if Path(name).is_file():
            yield from ([name, *rest] for rest in _readings(parts[count:]))


def compare(systems) -> dict:
    """Rank systems in each metric that all of them have.

    Returns:
        Metric's id -> list of :class:`Standing` s, best first.

    Raises:
        UserError: systems have no metric in common, or the same one with other parameters or on other data.
    """
    runs = [(system, run) for system in systems for run in system.runs]
    names = [
        name for name in runs[0][1]["metrics"]
        if all(name in run["metrics"] for _, run in runs)
        and any(run["metrics"][name]["value"] is not None for _, run in runs)
    ]  # fmt: skip
    if not names:
        raise UserError("the files have no metric in common: score all systems with the same --metric")
    standings = {}
    for name in names:
        first_system, first = runs[0][0], runs[0][1]["metrics"][name]
        for system, run in runs:
            entry = run["metrics"][name]
            for key, what in (("id", "parameters"), ("data", "data")):
                if entry[key] != first[key]:
                    raise UserError(
                        f"{name} is not comparable: other {what}: {first[key]} ({first_system.name}), "
                        f"{entry[key]} ({system.name}); score both alike"
                    )
        standings[first["id"]] = _rank(name, systems)
    return standings


def left_out(systems) -> list:
    """Metrics that some files have and others lack."""
    sets = [set(run["metrics"]) for system in systems for run in system.runs]
    return sorted(set.union(*sets) - set.intersection(*sets))


def table(standings, omitted=()) -> str:
    """The ranking for people."""
    lines = []
    for identifier, ranked in standings.items():
        lines.append(identifier)
        width = max(len(standing.system) for standing in ranked)
        for place, one in enumerate(ranked, start=1):
            line = f"  {place}  {one.system:<{width}}  {one.unit.text(one.value)}"
            if one.spread is not None:
                line += f" +- {one.unit.text(one.spread)} over {one.n_runs} runs"
            if one.missing:
                line += f"  ({one.missing} clips MISSING)"
            if one.against_best:
                test = one.against_best
                value, low, high = (one.unit.text(bound, "+") for bound in (test.value, test.low, test.high))
                line += f"  {value} [{low}, {high}] to the first, p = {test.p:.3g}"
            lines.append(line)
    if not any(one.against_best for ranked in standings.values() for one in ranked):
        lines.append("No paired test: score every system with --bootstrap 1000 and the same --seed.")
    if omitted:
        lines.append(f"Not in all files: {', '.join(omitted)}")
    return "\n".join(lines)


def as_json(standings) -> dict:
    """The ranking as what can be written to JSON."""
    return {
        identifier: [
            {**vars(one), "against_best": vars(one.against_best) if one.against_best else None, "unit": one.unit.stored}
            for one in ranked
        ]
        for identifier, ranked in standings.items()
    }


def _rank(name, systems) -> list:
    values = {system.name: [run["metrics"][name]["value"] for run in system.runs] for system in systems}
    for system, found in values.items():
        if any(value is None for value in found):
            raise UserError(f"{system}: {name} has no value; leave that file out")
    means = {system: float(np.mean(found)) for system, found in values.items()}
    ranked = sorted(systems, key=lambda system: -means[system.name])
    replicates = {system.name: _replicates(name, system) for system in ranked}
    best = ranked[0].name
    unit = unit_of(systems[0].runs[0]["metrics"][name])
    standings = []
    for system in ranked:
        test, mine = None, replicates[system.name]
        both = system.name != best and mine is not None and replicates[best] is not None
        if both and len(mine) == len(replicates[best]) and _draw(system) == _draw(ranked[0]):
            test = paired_difference(means[system.name], means[best], mine, replicates[best])
        found = values[system.name]
        spread = float(np.std(found, ddof=1)) if len(found) > 1 else None
        missing = max(run["metrics"][name]["missing_clips"] for run in system.runs)
        standings.append(Standing(system.name, means[system.name], spread, len(found), missing, test, unit))
    return standings


def _replicates(name, system):
    """Mean over a system's runs of each resample's value; None where a run has none."""
    entries = [run["metrics"][name].get("replicates") for run in system.runs]
    if any(entry is None for entry in entries) or len({len(entry) for entry in entries}) > 1:
        return None
    if len({_draw_of(run) for run in system.runs}) > 1:
        return None
    return np.mean(np.array(entries, dtype=float), axis=0)


def _draw(system):
    return _draw_of(system.runs[0])


def _draw_of(run):
    """What decides which clips each resample has."""
    drawn = run.get("bootstrap", {})
    return drawn.get("resamples"), drawn.get("seed")
