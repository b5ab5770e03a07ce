"""Shares of a batch: whole, in order, and unparted groups; alone, everything stays as it is."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some

from sedsep import ranks
from sedsep.errors import UserError
from sedsep.ranks import Share


@given(some.integers(1, 60), some.integers(1, 3), some.integers(1, 12))
def test_shares_cover_the_batch_in_order(whole, together, count):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranks, "count", lambda: count)
        shares = []
        for rank in range(count):
            patch.setattr(ranks, "index", lambda rank=rank: rank)
            if whole // together < count:
                with pytest.raises(UserError):
                    ranks.share(whole, together)
                return
            shares.append(ranks.share(whole, together))
    assert [s.first for s in shares] == [0, *(s.stop for s in shares[:-1])] and shares[-1].stop == whole
    assert all(s.first % together == 0 and s.stop - s.first >= together for s in shares)
    sizes = [(s.stop - s.first) // together for s in shares]
    assert max(sizes) - min(sizes) <= 1


def test_alone_everything_stays_as_it_is():
    x = torch.arange(6.0).reshape(3, 2)
    with ranks.sharing(Share(0, 3, 3)):
        assert not ranks.shared()
        assert ranks.total(x) is x and ranks.whole(x) is x and ranks.own(x) is x and ranks.whole_shape(x) == (3, 2)
    ranks.add_up([x])
    assert ranks.any_of(True) and not ranks.any_of(False) and ranks.gathered(5) == [5]
    assert ranks.from_first(lambda: 7) == 7 and (ranks.count(), ranks.index()) == (1, 0)
    ranks.agree("nothing", 1)


def test_own_rows_of_several_rows_per_clip(monkeypatch):
    monkeypatch.setattr(ranks, "count", lambda: 2)
    with ranks.sharing(Share(2, 3, 4)):
        assert ranks.own(torch.arange(8)).tolist() == [4, 5]
        assert ranks.whole_shape(torch.zeros(2, 7)) == (8, 7)


def test_another_state_on_another_node_is_named(monkeypatch):
    monkeypatch.setattr(ranks, "gathered", lambda value: [("n1", 3), ("n2", 0)])
    with pytest.raises(UserError, match="exp/last.pt is 0 on n2 but 3 on n1; it must lie on a shared disk"):
        ranks.agree("exp/last.pt", 3)
