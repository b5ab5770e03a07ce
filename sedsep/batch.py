"""Batch: the only thing that rooms hand each other. Named tensors, explicit masks, no meaning by position."""

from dataclasses import dataclass, fields, replace

import numpy as np
import torch


@dataclass
class Example:
    """One clip as a data set draws it; absent parts are None.

    Shapes: mixture ``(T,)``, sources ``(N, T)`` (stems that add up to the mixture, zeros in unused slots),
    strong ``(L', C)``, weak ``(C,)``; ``n_samples`` counts the samples before padding; events are the exact
    ``(onset, offset, label)`` in seconds behind ``strong``, for metrics. For target sound extraction: ``target``
    ``(T,)`` is the sound of class ``target_class`` in the mixture, ``enrolment`` ``(T',)`` another one of its class.
    ``other_view`` ``(T,)`` is the clip heard another way: events and timing are the mixture's, all else is drawn anew;
    labels and stems are those of the mixture.
    """

    id: str
    mixture: np.ndarray
    n_samples: int
    sources: np.ndarray = None
    strong: np.ndarray = None
    weak: np.ndarray = None
    is_synthetic: bool = False
    events: tuple = None
    target: np.ndarray = None
    target_class: int = None
    enrolment: np.ndarray = None
    other_view: np.ndarray = None


@dataclass
class Batch:
    """Clips of one step. A mask says for which clips the tensor of the same name is a label and not a filler.

    Shapes: mixture ``(B, T)``, n_samples ``(B,)``, sources ``(B, N, T)`` or None, strong ``(B, L', C)`` or None,
    weak ``(B, C)`` or None, has_strong, has_weak, has_sources, is_synthetic ``(B,)`` bool; events: per clip the
    tuple of ``(onset, offset, label)`` or None; target ``(B, T)``, target_class ``(B,)`` and enrolment ``(B, T')``
    with n_enrolment ``(B,)`` samples before the padding, or None where there are none; other_view ``(B, T)``, the
    same clips heard another way, or None: a clip that has no other view among others stands there as it is.
    """

    ids: list
    events: list
    mixture: torch.Tensor
    n_samples: torch.Tensor
    has_strong: torch.Tensor
    has_weak: torch.Tensor
    has_sources: torch.Tensor
    is_synthetic: torch.Tensor
    strong: torch.Tensor = None
    weak: torch.Tensor = None
    sources: torch.Tensor = None
    target: torch.Tensor = None
    target_class: torch.Tensor = None
    enrolment: torch.Tensor = None
    n_enrolment: torch.Tensor = None
    other_view: torch.Tensor = None

    def __len__(self):
        return len(self.ids)

    def to(self, device) -> "Batch":
        """The same batch with every tensor on ``device``."""
        moved = {f.name: getattr(self, f.name) for f in fields(self)}
        return replace(self, **{k: v.to(device) for k, v in moved.items() if torch.is_tensor(v)})


def collate(examples: list) -> Batch:
    """Stack examples of equal length into a Batch; labels that a clip lacks become zeros under a false mask."""

    def stack(name):
        values = [getattr(e, name) for e in examples]
        known = next((v for v in values if v is not None), None)
        if known is None:
            return None
        return torch.from_numpy(np.stack([np.zeros_like(known) if v is None else v for v in values]))

    def mask(name):
        return torch.tensor([getattr(e, name) is not None for e in examples])

    return Batch(
        ids=[e.id for e in examples],
        events=[e.events for e in examples],
        mixture=stack("mixture"),
        n_samples=torch.tensor([e.n_samples for e in examples]),
        has_strong=mask("strong"),
        has_weak=mask("weak"),
        has_sources=mask("sources"),
        is_synthetic=torch.tensor([e.is_synthetic for e in examples]),
        strong=stack("strong"),
        weak=stack("weak"),
        sources=stack("sources"),
        other_view=_other_view(examples),
        **_targets(examples, stack),
    )


def _other_view(examples):
    """``(B, T)`` or None; a silent filler, as labels have, would be a wrong view."""
    if all(e.other_view is None for e in examples):
        return None
    return torch.from_numpy(np.stack([e.mixture if e.other_view is None else e.other_view for e in examples]))


def _targets(examples, stack) -> dict:
    """The tensors of target sound extraction; enrolments are padded with zeros to the longest."""
    if examples[0].target is None:
        return {}
    tensors = {"target": stack("target"), "target_class": torch.tensor([e.target_class for e in examples])}
    if examples[0].enrolment is not None:
        enrolments = [torch.from_numpy(e.enrolment) for e in examples]
        tensors["enrolment"] = torch.nn.utils.rnn.pad_sequence(enrolments, batch_first=True)
        tensors["n_enrolment"] = torch.tensor([len(e) for e in enrolments])
    return tensors
