"""Train, validation and test, disjoint by original source: nothing cut from one recording reaches two splits."""

import zlib

import numpy as np

from sedsep.errors import UserError, nearest

SPLITS = ("train", "validation", "test")
KNOWN = ", ".join(SPLITS)
SHARES = {"train": 0.6, "validation": 0.2, "test": 0.2}


def parse_folds(text: str) -> dict:
    """``"train=1,2,3 validation=4 test=4"`` -> split -> folds. Validation and test may share folds.

    >>> parse_folds("train=1,2 validation=3 test=3")
    {'train': ('1', '2'), 'validation': ('3',), 'test': ('3',)}

    Raises:
        UserError: a split is unknown or has no folds, or a fold of train is also in another split.
    """
    folds = {}
    for part in text.split():
        split, equals, values = part.partition("=")
        if split not in SPLITS:
            raise UserError(f"--folds: unknown split {split!r}{nearest(split, SPLITS)}; known: {KNOWN}")
        folds[split] = tuple(value for value in values.split(",") if value)
        if not equals or not folds[split]:
            raise UserError(f"--folds {part}: expected split=fold,fold, such as train=1,2,3")
    for split in ("validation", "test"):
        both = set(folds.get("train", ())) & set(folds.get(split, ()))
        if both:
            raise UserError(f"--folds: fold {min(both)} is in train and in {split}; choose one of them")
    return folds


def allowed_splits(recordings, folds: dict = None) -> tuple:
    """Which splits each source may go to, by its recordings' folds or published splits.

    A collection with a test but no validation part has its train part divided into both. Backgrounds from elsewhere,
    which have no fold, may go anywhere.

    Returns:
        ``(source -> tuple of splits, recording -> reason it must be left out)``.
    """
    published = {recording.split for recording in recordings}
    allowed, left_out = {}, {}
    for recording in recordings:
        if folds and (recording.fold or recording.role == "foreground"):
            splits = tuple(s for s in SPLITS if recording.fold in folds.get(s, ()))
            if not splits:
                left_out[recording] = f"fold {recording.fold or '(none)'} is in no split"
                continue
        elif recording.split == "train" and "validation" not in published:
            splits = ("train", "validation")
        else:
            splits = (recording.split,) if recording.split else SPLITS
        if allowed.setdefault(recording.source, splits) != splits:
            left_out[recording] = f"its source {recording.source} is already in {allowed[recording.source][0]}"
    return allowed, left_out


def split_sources(sources_by_label: dict, allowed: dict, seed: int) -> dict:
    """Deal sources to splits, label by label in seeded order: source -> split.

    Of each label's sources every split gets its share (0.6, 0.2, 0.2, among those allowed), and at least one
    where there are enough; with two for three splits, train and test.

    Args:
        sources_by_label: label -> its sources. allowed: source -> splits it may go to.
    """
    chosen = {}
    for label, sources in sources_by_label.items():
        rng = np.random.default_rng([seed, zlib.crc32(label.encode())])
        order = rng.permutation(sorted(set(sources))).tolist()
        for splits in dict.fromkeys(allowed[source] for source in order):
            group = [source for source in order if allowed[source] == splits]
            wanted = quotas(len(group), splits)
            for source in group:
                if source in chosen:
                    wanted[chosen[source]] -= 1
            for source in group:
                if source not in chosen:
                    chosen[source] = max(splits, key=lambda split: wanted[split])
                    wanted[chosen[source]] -= 1
    return chosen


def quotas(count: int, splits: tuple) -> dict:
    """How many of ``count`` sources each split gets.

    >>> quotas(10, SPLITS)
    {'train': 6, 'validation': 2, 'test': 2}
    >>> quotas(2, SPLITS), quotas(5, ("validation", "test"))
    ({'train': 1, 'validation': 0, 'test': 1}, {'validation': 3, 'test': 2})
    """
    total = sum(SHARES[split] for split in splits)
    wanted = dict.fromkeys(splits, 0)
    for split in ("train", "test", "validation")[:count]:
        if split in wanted:
            wanted[split] = 1
    for _ in range(count - sum(wanted.values())):
        neediest = max(splits, key=lambda split: round(SHARES[split] / total * count - wanted[split], 9))
        wanted[neediest] += 1
    return wanted
