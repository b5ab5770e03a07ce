"""Maskers: the sizes of the paper, masks within limits, and batches that are their clips."""

import pytest
import torch

from sedsep.nnet.maskers import MASKERS
from sedsep.nnet.maskers.conv_tasnet import CountMasker, TextMasker
from sedsep.nnet.taps import taps

SMALL = dict(n_bands=8, n_sources=3, bottleneck=4, hidden=6, skip=5, n_blocks=2, n_repeats=2)


@pytest.mark.parametrize(
    "kind, keys, expected",
    [("text", {}, 602783), ("count", {}, 3121439), ("text", {"skip": 64}, 437983), ("text", {"skip": 0}, 314143)],
)
def test_parameter_counts(kind, keys, expected):
    masker = MASKERS[kind](n_bands=128, **keys)
    assert masker.n_sources == 5 and sum(p.numel() for p in masker.parameters()) == expected


@pytest.mark.parametrize("masker", [TextMasker, CountMasker])
@pytest.mark.parametrize("n_frames", [1, 63])
def test_sigmoid_masks_take_away(form, masker, n_frames):
    magnitudes = torch.rand(2, n_frames, 8)
    sources = form(masker(**SMALL))(magnitudes)
    assert sources.shape == (2, 3, n_frames, 8)
    assert (sources > 0).all() and (sources < magnitudes.unsqueeze(1)).all()
    silent = form(masker(**SMALL))(torch.zeros(1, 9, 8))
    assert torch.equal(silent, torch.zeros(1, 3, 9, 8))


def test_softmax_masks_share_out():
    magnitudes = torch.rand(2, 20, 8)
    torch.testing.assert_close(TextMasker(**SMALL, mask="softmax")(magnitudes).sum(1), magnitudes)


def test_masks_belong_to_their_sources_and_bands():
    torch.manual_seed(0)
    masker, magnitudes = TextMasker(**SMALL), torch.rand(2, 20, 8)
    with taps(masker, ["masks"]) as heard:
        sources = masker(magnitudes)
    score = heard["masks"]
    for source in range(3):
        expected = torch.sigmoid(score[:, :, 8 * source : 8 * source + 8]) * magnitudes
        torch.testing.assert_close(sources[:, source], expected)


def test_a_batch_is_its_clips(form):
    masker, magnitudes = form(TextMasker(**SMALL)), torch.rand(3, 30, 8)
    torch.testing.assert_close(masker(magnitudes), torch.cat([masker(clip[None]) for clip in magnitudes]))
