"""Work over indices: any number of processes, errors in the parent."""

import os

import pytest

from sedsep.data.parallel import over
from sedsep.errors import UserError


def square(index):
    return index**2


def fail_at_three(index):
    if index == 3:
        raise UserError("three is broken")
    return index


def die(index):
    os._exit(9)


def test_every_index_arrives_once():
    assert dict(over(square, 5, 1)) == dict(over(square, 5, 2)) == {i: i**2 for i in range(5)}
    assert list(over(square, 0, 2)) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_errors_arrive_in_the_parent(workers):
    with pytest.raises(UserError, match="three is broken"):
        list(over(fail_at_three, 5, workers))


def test_a_killed_worker_is_noticed():
    with pytest.raises(UserError, match="a worker process died"):
        list(over(die, 4, 2))
