"""Enough: which recordings serve as backgrounds, and whether a bank has as many of everything as scenes need."""

import shlex

from sedsep.data.splits import SPLITS, allowed_splits, quotas, split_sources
from sedsep.errors import UserError, nearest
from sedsep.names import join

USUAL = ("rain", "sea_waves", "wind")  # steady, everywhere, and rarely a class of their own
MOST = 1000  # recordings that a class may need


def parse_least(text: str) -> dict:
    """``"train=2 validation=2 test=1"`` -> split -> how many originals every class must have there, at least.

    >>> parse_least("train=2 test=1")
    {'train': 2, 'test': 1}

    Raises:
        UserError: a split is unknown, or has no number.
    """
    least = {}
    for part in text.split():
        split, _, number = part.partition("=")
        if split not in SPLITS:
            raise UserError(f"--least: unknown split {split!r}{nearest(split, SPLITS)}; known: {', '.join(SPLITS)}")
        if not number.isdecimal():
            raise UserError(f"--least {part}: expected split=number, such as train=2")
        least[split] = int(number)
    return least


def usual_backgrounds(recordings, classes=None) -> tuple:
    """Labels that serve as backgrounds where nobody chose: rain, sea waves and wind, where other classes are left.

    Args:
        recordings: :class:`sedsep.data.corpora.collections.Recording` s. classes: event classes, which stay classes.
    """
    labels = sorted({recording.labels[0] for recording in recordings if recording.role == "foreground"})
    found = tuple(name for name in labels if name.casefold() in USUAL and name not in (classes or ()))
    return found if len(found) < len(labels) else ()


def enough_backgrounds(recordings, backgrounds, folds: dict = None, least: dict = None, seed: int = 2021) -> bool:
    """Whether every split will have backgrounds: of one label as many originals as ``least`` says, or one.

    Args:
        backgrounds: labels that serve as such. folds, seed: as :func:`sedsep.data.soundbank.build` has them.
    """
    chosen = [r for r in recordings if r.role == "background" or r.labels[0] in backgrounds]
    allowed, left_out = allowed_splits(chosen, folds)
    sources = {}
    for recording in chosen:
        if recording not in left_out:
            sources.setdefault(recording.labels[0], set()).add(recording.source)
    split = split_sources(sources, allowed, seed)
    counts = [_counts(of_label, split) for of_label in sources.values()]
    return all(any(count[name] >= number for count in counts) for name, number in (least or _one_each()).items())


def check_classes(least: dict, classes, sounds: set, split: dict) -> None:
    """Raise UserError where a class has fewer originals in a split than ``least`` says, with how many it needs.

    Args:
        sounds: pairs of a class and an original that has a sound of it. split: original -> split.
    """
    sources = {name: set() for name in classes}
    for name, source in sounds:
        sources[name].add(source)
    counts = {name: _counts(of_class, split) for name, of_class in sources.items()}
    lacking = [name for name in classes if any(counts[name][part] < number for part, number in least.items())]
    if not lacking:
        return
    listed = ", ".join(f"{name} has {sum(counts[name].values())} ({_said(counts[name])})" for name in lacking)
    rest = [name for name in classes if name not in lacking]
    raise UserError(
        f"too few recordings: {listed}; a class needs {_said(least)}, each with a sound in it and an original of its "
        f"own: {needed(least)} where no folds divide them; add some"
        + (f", or do without: --classes {shlex.quote(join(rest))}" if rest else "")
    )


def needed(least: dict) -> int:
    """The fewest originals that, dealt freely, give every split what it must have.

    >>> needed({"train": 2, "validation": 2, "test": 1})
    7
    """
    counts = range(sum(least.values()), MOST)
    return next(n for n in counts if all(quotas(n, SPLITS)[part] >= number for part, number in least.items()))


def _counts(sources, split) -> dict:
    return {name: sum(split[source] == name for source in sources) for name in SPLITS}


def _one_each() -> dict:
    return dict.fromkeys(SPLITS, 1)


def _said(counts: dict) -> str:
    """``{"train": 2, "test": 1}`` -> ``2 train, 1 test``."""
    return ", ".join(f"{number} {name}" for name, number in counts.items())
