import pytest

from sedsep.data.sampler import StreamSampler
from sedsep.errors import UserError

SIZES, SHARES = {"strong": 100, "weak": 30, "unlabelled": 90}, {"strong": 3, "weak": 4, "unlabelled": 6}


def test_shares_are_exact_and_no_clip_comes_twice():
    sampler = StreamSampler(SIZES, SHARES, seed=1)
    batches = list(sampler)
    assert len(batches) == len(sampler) == 7  # the weak stream is spent first
    for batch in batches:
        assert [name for name, _, _ in batch] == ["strong"] * 3 + ["weak"] * 4 + ["unlabelled"] * 6
    keys = [key for batch in batches for key in batch]
    assert len(set(keys)) == len(keys)


def test_published_epoch_length():
    assert len(StreamSampler({"s": 10000, "w": 1420, "u": 14412}, {"s": 12, "w": 12, "u": 24})) == 118


def test_order_is_a_function_of_seed_and_epoch():
    one, other = StreamSampler(SIZES, SHARES, seed=1), StreamSampler(SIZES, SHARES, seed=1)
    first = list(one)
    one.set_epoch(3)
    other.set_epoch(3)
    assert list(one) == list(other) != first
    assert list(StreamSampler(SIZES, SHARES, seed=2)) != first


def test_without_shuffling_every_clip_comes_once():
    batches = list(StreamSampler({"valid": 10}, {"valid": 4}, shuffle=False))
    assert [[index for _, _, index in batch] for batch in batches] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_shorter_epochs():
    assert len(list(StreamSampler(SIZES, SHARES, batches=2))) == 2


def test_too_few_clips():
    with pytest.raises(UserError, match="weak stream has 30 clips, fewer than its 31"):
        StreamSampler(SIZES, {"weak": 31})
