"""Poolings: the clip's score from those of its frames, and that each is chosen by its kind."""

import pytest
import torch

from sedsep.config import build
from sedsep.nnet.poolings import POOLINGS


@pytest.mark.parametrize("kind", POOLINGS)
def test_weak_lies_between_the_frames_scores_and_gets_a_gradient(kind):
    pooling, embedding = build(POOLINGS, {"kind": kind}, {"width": 6, "n_classes": 3}), torch.randn(2, 9, 6)
    strong, weak, kept = pooling(embedding.requires_grad_())
    assert strong.shape == (2, 9, 3) and weak.shape == (2, 3) and kept is embedding
    assert (weak <= strong.amax(1) + 1e-6).all() and (weak >= strong.amin(1) - 1e-6).all()
    weak.sum().backward()
    assert embedding.grad.any() and all(p.grad is not None for p in pooling.parameters())


def test_each_is_what_it_says():
    torch.manual_seed(0)
    embedding, found = torch.randn(1, 4, 5), {}
    for kind in POOLINGS:
        torch.manual_seed(1)
        found[kind] = build(POOLINGS, {"kind": kind}, {"width": 5, "n_classes": 2})(embedding)
    strong = found["mean"].strong
    torch.testing.assert_close(found["mean"].weak, strong.mean(1))
    torch.testing.assert_close(found["max"].weak, strong.amax(1))
    torch.testing.assert_close(found["linear_softmax"].weak, (strong * strong).sum(1) / strong.sum(1))
    assert not torch.allclose(found["attention"].weak, strong.mean(1))
