"""Enough: what serves as a background where nobody chose, and how many recordings scenes need."""

from pathlib import Path

import pytest

from sedsep.data.corpora.collections import Recording
from sedsep.data.enough import check_classes, enough_backgrounds, needed, parse_least, usual_backgrounds
from sedsep.data.splits import SPLITS, split_sources
from sedsep.errors import UserError

LEAST = {"train": 2, "validation": 2, "test": 1}


def recordings(count=8, role="foreground", **labels):
    """So many recordings, each an original of its own: ``recordings(dog=3, rain=1)`` or ``count`` of each."""
    return [
        Recording(Path(f"{label}/{k}.wav"), (label,), f"{label}/{k}", role=role)
        for label, some in labels.items()
        for k in range(some or count)
    ]


def test_rain_and_wind_are_backgrounds_unless_they_are_the_classes():
    assert usual_backgrounds(recordings(dog=0, rain=0, Wind=0)) == ("Wind", "rain")
    assert usual_backgrounds(recordings(dog=0, rain=0, wind=0), classes=("rain", "dog")) == ("wind",)
    assert usual_backgrounds(recordings(rain=0, wind=0)) == (), "there are no others"
    assert usual_backgrounds(recordings(dog=0, raindrop=0)) == ()


def test_every_split_needs_backgrounds():
    own = recordings(role="background", street=7)
    assert enough_backgrounds([*recordings(dog=9), *own], (), least=LEAST)
    assert not enough_backgrounds([*recordings(dog=9), *own[:6]], (), least=LEAST)
    assert enough_backgrounds(own[:3], ()) and not enough_backgrounds(own[:2], ()), "without a least number, one each"
    assert not enough_backgrounds(recordings(dog=9, rain=9), ())
    assert enough_backgrounds(recordings(dog=9, rain=9), ("rain",), least=LEAST)


@pytest.mark.parametrize("least", [LEAST, {"train": 1}, {"test": 3}, {"train": 5, "validation": 1, "test": 4}])
def test_so_many_as_are_needed_are_enough(least):
    for count, right in ((needed(least), True), (needed(least) - 1, False)):
        sources = [str(k) for k in range(count)]
        split = split_sources({"dog": sources}, dict.fromkeys(sources, SPLITS), seed=1)
        sounds = {("dog", source) for source in sources}
        if right:
            check_classes(least, ("dog",), sounds, split)
        else:
            with pytest.raises(UserError, match=rf"dog has {count} .*: {needed(least)} where no folds.*add some$"):
                check_classes(least, ("dog",), sounds, split)


def test_the_cure_names_the_classes_that_are_left():
    sources = [f"dog{k}" for k in range(9)]
    split = split_sources({"dog": sources}, dict.fromkeys(sources, SPLITS), seed=1)
    with pytest.raises(UserError, match=r"cat has 0 \(0 train, 0 validation, 0 test\).*--classes dog$"):
        check_classes(LEAST, ("cat", "dog"), {("dog", source) for source in sources}, split)
    with pytest.raises(UserError, match=r"""--classes '"Bark, a dog.s"'$"""):
        check_classes(LEAST, ("cat", "Bark, a dog(s"), {("Bark, a dog(s", source) for source in sources}, split)


@pytest.mark.parametrize("text, message", [("trian=2", "did you mean 'train'"), ("train=many", "train=2"),
                                           ("train", "expected split=number")])  # fmt: skip
def test_mistyped_numbers(text, message):
    with pytest.raises(UserError, match=message):
        parse_least(text)
