"""Splits: disjoint by source, every split served where it can be, folds respected."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedsep.data.corpora.collections import Recording
from sedsep.data.splits import SPLITS, allowed_splits, parse_folds, quotas, split_sources
from sedsep.errors import UserError


@given(st.dictionaries(st.sampled_from("abcd"), st.lists(st.integers(0, 30).map(str), min_size=1), min_size=1))
@settings(max_examples=50, deadline=None)
def test_every_source_has_one_split_and_the_deal_is_repeatable(by_label):
    allowed = {source: SPLITS for sources in by_label.values() for source in sources}
    chosen = split_sources(by_label, allowed, seed=3)
    assert set(chosen) == set(allowed) and set(chosen.values()) <= set(SPLITS)
    shuffled = {label: sources[::-1] * 2 for label, sources in by_label.items()}
    assert split_sources(shuffled, allowed, seed=3) == chosen
    first = next(iter(by_label))
    if len(set(by_label[first])) >= 3:
        assert {chosen[source] for source in by_label[first]} == set(SPLITS)


def test_shares():
    sources = [str(i) for i in range(50)]
    chosen = split_sources({"Cat": sources}, dict.fromkeys(sources, SPLITS), seed=1)
    counts = {split: list(chosen.values()).count(split) for split in SPLITS}
    assert counts == {"train": 30, "validation": 10, "test": 10}
    assert split_sources({"Cat": sources}, dict.fromkeys(sources, SPLITS), seed=2) != chosen
    assert quotas(1, SPLITS)["train"] == 1 and sum(quotas(7, SPLITS).values()) == 7


def recording(source, fold="", split=""):
    return Recording(f"{source}{fold}{split}", ("Cat",), source, fold, split)


def test_folds_decide_and_a_source_in_two_of_them_stays_in_the_first():
    folds = parse_folds("train=1,2 validation=3 test=3")
    recordings = [recording("a", "1"), recording("b", "3"), recording("a", "3"), recording("c", "4"), recording("d")]
    allowed, left_out = allowed_splits(recordings, folds)
    assert allowed == {"a": ("train",), "b": ("validation", "test")}
    assert left_out[recordings[2]] == "its source a is already in train"
    assert left_out[recordings[3]] == "fold 4 is in no split" and "(none)" in left_out[recordings[4]]


def test_published_splits_are_kept_and_a_missing_validation_part_is_cut_from_train():
    whole = [recording("a", split="train"), recording("b", split="validation"), recording("c", split="test")]
    assert allowed_splits(whole)[0] == {"a": ("train",), "b": ("validation",), "c": ("test",)}
    assert allowed_splits([whole[0], whole[2]])[0] == {"a": ("train", "validation"), "c": ("test",)}


@pytest.mark.parametrize(
    "text, message",
    [
        ("trian=1", "unknown split 'trian' .did you mean 'train'"),
        ("train=", "expected split=fold"),
        ("train=1,2 test=2", "fold 2 is in train and in test"),
    ],
)
def test_mistyped_folds_are_refused(text, message):
    with pytest.raises(UserError, match=message):
        parse_folds(text)
