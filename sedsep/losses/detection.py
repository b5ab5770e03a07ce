"""Detection losses: cross-entropy of the labelled clips, consistency of student and teacher, domains.

Source: mean-teacher baselines of DCASE task 4. A loss over no clip at all is a zero that is still connected to the
scores, so that every process of a distributed run uses the same parameters.
"""

from typing import Literal

import torch
import torch.nn.functional as F

from sedsep import ranks


def masked_mean(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean of values ``(B, ...)`` where the mask holds, 0 where it holds nowhere; a rank's part of the batch's mean.

    Args:
        mask: ``(B,)`` for whole clips, or ``(B, L')`` for frames; any shape that leads the shape of the values.

    >>> masked_mean(torch.tensor([[1.0, 3.0], [9.0, 9.0]]), torch.tensor([True, False]))
    tensor(2.)
    """
    weight = mask.to(values.dtype).reshape(*mask.shape, *[1] * (values.ndim - mask.ndim)).expand_as(values)
    return (values * weight).sum() / ranks.total(weight.sum()).clamp(min=1)


def bce(scores: torch.Tensor, labels: torch.Tensor, mask: torch.Tensor, frames: torch.Tensor | None = None):
    """Binary cross-entropy of strong ``(B, L', C)`` or weak ``(B, C)`` scores in [0, 1], labelled clips only.

    Args:
        labels: of the shape of the scores; soft ones are welcome. mask: ``(B,)``, which clips are labelled.
        frames: ``(B, L')`` mask of the frames that lie inside the clips, for strong scores; all by default.

    Returns:
        The mean over clips, frames and classes that count, in float32 even under autocast.
    """
    assert scores.shape == labels.shape, (scores.shape, labels.shape)
    assert mask.shape == scores.shape[:1], (scores.shape, mask.shape)
    with torch.autocast(scores.device.type, enabled=False):
        values = F.binary_cross_entropy(scores.float(), labels.float(), reduction="none")
        return masked_mean(values, mask if frames is None else mask.unsqueeze(1) & frames)


def consistency(
    student: torch.Tensor,
    teacher: torch.Tensor,
    kind: Literal["mse", "bce"] = "mse",
    frames: torch.Tensor | None = None,
) -> torch.Tensor:
    """Distance of the student's scores to the teacher's, which get no gradient; strong or weak, over all clips.

    Args:
        student, teacher: ``(B, L', C)`` or ``(B, C)``. frames: as in :func:`bce`.
    """
    assert student.shape == teacher.shape, (student.shape, teacher.shape)
    distance = {"mse": F.mse_loss, "bce": F.binary_cross_entropy}[kind]
    with torch.autocast(student.device.type, enabled=False):
        values = distance(student.float(), teacher.detach().float(), reduction="none")
        everything = torch.ones(len(values), dtype=torch.bool, device=values.device)
        return masked_mean(values, everything if frames is None else frames)


def domain_bce(logits: torch.Tensor, is_synthetic: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of a domain classifier, whose label is 1 for synthetic clips and 0 for all others.

    Args:
        logits: ``(k B,)``, k neighbours for each clip. is_synthetic: ``(B,)``.
    """
    labels = is_synthetic.repeat_interleave(len(logits) // len(is_synthetic))
    with torch.autocast(logits.device.type, enabled=False):
        values = F.binary_cross_entropy_with_logits(logits.float(), labels.float(), reduction="none")
        return masked_mean(values, torch.ones_like(labels))
