"""Work over indices: any number of processes, errors in the parent.

The functions come from importable modules: spawned processes cannot import a test file by name.
"""

import os
from functools import partial

import pytest

from sedsep.data.parallel import over
from sedsep.errors import UserError
from sedsep.files import read_text


def test_every_index_arrives_once():
    pairs = partial(map, (1).__rdivmod__)  # i -> (i, 0)
    assert sorted(over(pairs, 5, 1)) == sorted(over(pairs, 5, 2)) == [(i, 0) for i in range(5)]
    assert list(over(pairs, 0, 2)) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_errors_arrive_in_the_parent(workers):
    with pytest.raises(UserError, match="/nowhere/list.tsv"):
        list(over(partial(map, partial(read_text, "/nowhere/list.tsv")), 5, workers))


def test_a_killed_worker_is_noticed():
    with pytest.raises(UserError, match="a worker process died"):
        list(over(partial(map, os._exit), 4, 2))
