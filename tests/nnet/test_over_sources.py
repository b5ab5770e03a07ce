"""Scores of sources -> scores of the clip."""

import pytest
import torch

from sedsep.nnet.over_sources import OVER_SOURCES


def test_what_each_does():
    scores = torch.tensor([[[0.5, 0.0], [0.6, 0.2], [0.0, 0.1]]])
    expected = {"max": [0.6, 0.2], "sum": [1.0, 0.3], "noisy_or": [1 - 0.5 * 0.4, 1 - 0.8 * 0.9]}
    assert set(expected) == set(OVER_SOURCES)
    for how, values in expected.items():
        torch.testing.assert_close(OVER_SOURCES[how](scores), torch.tensor([values]))


@pytest.mark.parametrize("how", OVER_SOURCES)
def test_scores_stay_scores_in_any_order_and_with_silent_sources(how):
    scores = torch.rand(4, 5, 7, 3)
    found = OVER_SOURCES[how](scores)
    assert found.shape == (4, 7, 3) and found.min() >= 0 and found.max() <= 1
    torch.testing.assert_close(OVER_SOURCES[how](scores.flip(1)), found)
    more = torch.cat([scores, torch.zeros(4, 2, 7, 3)], 1)
    torch.testing.assert_close(OVER_SOURCES[how](more), found)
    one = scores[:, :1]
    torch.testing.assert_close(OVER_SOURCES[how](one), one[:, 0])
