"""The median filter against scipy's, and against its definition where scipy's is wrong."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from sedsep.errors import UserError
from sedsep.scores.median import median_filter


@settings(max_examples=60, deadline=None)
@given(n_frames=st.integers(1, 40), size=st.integers(1, 25), seed=st.integers(0, 999))
def test_equals_scipy(n_frames, size, seed):
    scores = np.random.default_rng(seed).random((n_frames, 3)).round(1)
    # scipy sees enough mirrored frames by itself not to meet its fault with windows many times the clip
    mirrored = np.pad(scores, ((100, 100), (0, 0)), "symmetric")
    expected = ndimage.median_filter(mirrored, (size, 1), mode="reflect")[100:-100]
    assert (median_filter(scores, size) == expected).all()
    if size <= n_frames:
        assert (median_filter(scores, size) == ndimage.median_filter(scores, (size, 1), mode="reflect")).all()


def test_lengths_per_class_and_leading_axes():
    scores = np.random.default_rng(0).random((2, 5, 30, 3))
    filtered = median_filter(scores, [1, 4, 7])
    assert (filtered[..., 0] == scores[..., 0]).all()
    assert (filtered[1, 2, :, 1] == ndimage.median_filter(scores[1, 2, :, 1], 4)).all()
    assert (filtered[0, 4, :, 2] == ndimage.median_filter(scores[0, 4, :, 2], 7)).all()


def test_thresholding_commutes():
    scores = np.random.default_rng(1).random((50, 2))
    for size in (3, 4, 7):
        for threshold in (0.2, 0.5, 0.9):
            decided = ndimage.median_filter((scores > threshold).astype(int), (size, 1))
            assert ((median_filter(scores, size) > threshold) == decided).all()


def test_refuses_no_length():
    with pytest.raises(UserError, match="at least 1 frame, not 0"):
        median_filter(np.zeros((5, 2)), [3, 0])
