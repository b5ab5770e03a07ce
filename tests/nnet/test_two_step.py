"""Two-step attention: the authors' attentions and outputs, every layer heard; the paper's sigmoid; any clip length."""

import pytest
import torch

from sedsep.nnet.two_step import AttentionStep, TwoStep
from tests.nnet.weak_2021 import CLOSE, every_layer_is_heard, load, released, weights


@torch.no_grad()
def test_steps_are_the_authors():
    golden = released("two_step")
    rows = golden["classes"]
    bands, time = AttentionStep(64), AttentionStep(311)
    for step, axis in ((bands, "mel"), (time, "time")):
        load(step, weights(golden, f"weight/dsa.fc_{axis}_", {"^prob": "classes", "^att": "attention"}))

    def bands_agree(maps=golden["class_map"]):
        attention, pooled = bands(maps)
        torch.testing.assert_close(attention, golden["frequency_attention"], **CLOSE)
        torch.testing.assert_close(pooled, golden["frequency_pooled"][:, rows], **CLOSE)

    def time_agrees(frames=golden["frequency_pooled"]):
        attention, pooled = time(frames)
        torch.testing.assert_close(attention, golden["time_attention"], rtol=1e-4, atol=1e-7)
        torch.testing.assert_close(pooled.clamp(0, 1), golden["output"], **CLOSE)

    for step, agrees in ((bands, bands_agree), (time, time_agrees)):
        if step is bands:
            every_layer_is_heard(step, agrees)
            continue
        agrees()
        for layer in (step.classes.weight, step.classes.bias, step.attention.weight, step.attention.bias):
            kept = layer.clone()  # a bias of the attention that is the same everywhere is none: permute it
            layer.copy_(kept.roll(1, 0))
            with pytest.raises(AssertionError):
                agrees()
            layer.copy_(kept)
        agrees()
    for wrong in (golden["class_map"].flip(2), golden["class_map"].flip(3)):
        with pytest.raises(AssertionError):
            bands_agree(wrong)
    with pytest.raises(AssertionError):
        time_agrees(golden["frequency_pooled"].flip(2))
    for step, agrees in ((bands, bands_agree), (time, time_agrees)):
        step.sigmoid = "attention"
        with pytest.raises(AssertionError):
            agrees()


def test_the_papers_equations():
    """Eqs. 4 and 5: the sigmoid inside the softmax, classes linear."""
    torch.manual_seed(0)
    step, z = AttentionStep(6, sigmoid="attention"), torch.randn(2, 3, 6)
    weight = torch.sigmoid(step.attention(z)).exp()
    weight = weight / weight.sum(-1, keepdim=True)
    attention, pooled = step(z)
    torch.testing.assert_close(attention, weight)
    torch.testing.assert_close(pooled, (weight * step.classes(z)).sum(-1))
    with pytest.raises(AssertionError):
        torch.testing.assert_close(AttentionStep(6)(z).pooled, pooled)


@pytest.mark.parametrize("n", [1, 4, 5, 8, 13])
def test_any_length(n):
    """Pieces of the trained size, zeros behind the last; what they give is attended to as one axis."""
    torch.manual_seed(0)
    step, x = AttentionStep(4), torch.randn(2, n)
    attention, pooled = step(x)
    assert attention.shape == x.shape and torch.allclose(attention.sum(1), torch.ones(2))
    logits, classes = [], []
    for first in range(0, n, 4):
        piece = torch.zeros(2, 4)
        piece[:, : x[:, first : first + 4].shape[1]] = x[:, first : first + 4]
        logits.append(step.attention(piece)), classes.append(torch.sigmoid(step.classes(piece)))
    weight = torch.cat(logits, 1)[:, :n].softmax(1)
    torch.testing.assert_close(attention, weight)
    torch.testing.assert_close(pooled, (weight * torch.cat(classes, 1)[:, :n]).sum(1))


@pytest.mark.parametrize("sigmoid", ["classes", "attention"])
@pytest.mark.parametrize("strong", ["attention", "bands"])
def test_scores_lie_in_0_to_1_and_the_frame_with_most_attention_has_the_clips(sigmoid, strong):
    torch.manual_seed(0)
    pooling = TwoStep(5, 3, 6, n_frames=7, sigmoid=sigmoid, strong=strong)
    detection = pooling(10 * torch.randn(2, 5, 9, 6))
    assert detection.strong.shape == (2, 9, 3) and detection.weak.shape == (2, 3)
    assert detection.embedding.shape == (2, 9, 5)
    for scores in (detection.strong, detection.weak):
        assert (scores >= 0).all() and (scores <= 1).all()
    if strong == "attention":
        torch.testing.assert_close(detection.strong.amax(1), detection.weak)


def test_gradient_reaches_every_parameter():
    torch.manual_seed(0)
    pooling = TwoStep(5, 3, 6, n_frames=9)
    pooling(torch.randn(2, 5, 9, 6)).weak.sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in pooling.parameters())
