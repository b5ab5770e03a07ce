"""Detection losses: means over the clips that count, empty masks, soft labels, the teacher's stop."""

import pytest
import torch
import torch.nn.functional as F

from sedsep.losses.detection import bce, consistency, masked_mean


def test_strong_is_the_mean_over_the_selected_clips():
    scores, labels = torch.rand(48, 156, 10), (torch.rand(48, 156, 10) > 0.9).float()
    mask = torch.arange(48) < 12
    expected = F.binary_cross_entropy(scores[:12], labels[:12])  # 12 x 156 x 10 values
    torch.testing.assert_close(bce(scores, labels, mask), expected)


def test_selection_does_not_depend_on_position():
    scores, labels, mask = torch.rand(6, 10), torch.rand(6, 10), torch.tensor([1, 0, 0, 1, 0, 1]).bool()
    order = torch.randperm(6)
    expected = F.binary_cross_entropy(scores[mask], labels[mask])
    torch.testing.assert_close(bce(scores[order], labels[order], mask[order]), expected)


def test_unselected_clips_get_no_gradient():
    scores = torch.rand(4, 5, 3, requires_grad=True)
    bce(scores, torch.ones(4, 5, 3), torch.tensor([True, False, True, False])).backward()
    assert scores.grad.any((1, 2)).tolist() == [True, False, True, False]


def test_an_empty_mask_gives_a_connected_zero():
    scores = torch.rand(4, 5, 3, requires_grad=True)
    loss = bce(scores, torch.zeros(4, 5, 3), torch.zeros(4, dtype=torch.bool))
    loss.backward()
    assert loss.item() == 0 and scores.grad is not None and not scores.grad.any()


def test_frames_beyond_the_clip_do_not_count():
    scores, labels = torch.rand(2, 6, 3), torch.rand(2, 6, 3)
    frames = torch.arange(6) < torch.tensor([[6], [2]])
    kept = torch.cat([scores[0], scores[1, :2]]), torch.cat([labels[0], labels[1, :2]])
    torch.testing.assert_close(bce(scores, labels, torch.ones(2).bool(), frames), F.binary_cross_entropy(*kept))
    torch.testing.assert_close(consistency(scores, labels, frames=frames), F.mse_loss(*kept))
    only_second = bce(scores, labels, torch.tensor([False, True]), frames)
    torch.testing.assert_close(only_second, F.binary_cross_entropy(scores[1, :2], labels[1, :2]))


@pytest.mark.parametrize("kind, plain", [("mse", F.mse_loss), ("bce", F.binary_cross_entropy)])
@pytest.mark.parametrize("shape", [(3, 5, 2), (3, 2)])
def test_consistency_moves_the_student_alone(kind, plain, shape):
    student, teacher = (torch.rand(shape, requires_grad=True) for _ in range(2))
    loss = consistency(student, teacher, kind)
    loss.backward()
    torch.testing.assert_close(loss, plain(student, teacher))
    assert student.grad.any() and teacher.grad is None


def test_gradcheck():
    scores, labels = torch.rand(3, 4, 2).double() * 0.8 + 0.1, torch.rand(3, 4, 2).double()
    mask = torch.tensor([True, False, True])
    values = lambda s: masked_mean(F.binary_cross_entropy(s, labels, reduction="none"), mask)  # noqa: E731
    assert torch.autograd.gradcheck(values, scores.requires_grad_())


def test_runs_in_float32_under_autocast():
    scores = torch.rand(2, 3).bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert bce(scores, scores, torch.ones(2).bool()).dtype == torch.float32
        assert consistency(scores, scores, "bce").dtype == torch.float32


@pytest.mark.parametrize("score", [0.0, 1.0])
def test_certain_and_wrong_is_finite(score):
    scores = torch.full((1, 2), score, requires_grad=True)
    loss = bce(scores, 1 - scores.detach(), torch.ones(1).bool())
    loss.backward()
    assert loss.item() == pytest.approx(100) and scores.grad.isfinite().all()


def test_shapes_must_agree():
    with pytest.raises(AssertionError):
        bce(torch.rand(2, 5, 3), torch.rand(2, 4, 3), torch.ones(2).bool())
