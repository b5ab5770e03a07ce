"""Ranks: one training run in several processes, each of which holds its share of every batch.

A batch is one list of clips over all processes. What each computes on its share must add up, over the ranks, to what
one process would have computed on the whole: a mean divides by the ``total`` of clips, what looks across clips
(batch norm, mixup) sees the ``whole`` batch, and what is drawn for every clip is drawn for the whole batch, of which
a rank keeps its ``own`` rows. Outside :func:`sharing` (one process, validation, decoding) all of these leave their
argument as it is.

Source: synchronous data parallelism as in torch.distributed; the sums are exact, not means of means.
"""

import contextlib
import os
from contextvars import ContextVar
from typing import NamedTuple

import torch
from torch import distributed
from torch.distributed.nn import functional as differentiable

from sedsep.errors import Stopped, UserError


class Share(NamedTuple):
    """The clips ``first`` to ``stop`` (excluded) of a batch of ``whole`` clips."""

    first: int
    stop: int
    whole: int


HELD = ContextVar("share of the batch that is being computed", default=None)


def count() -> int:
    """Processes of this run."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def index() -> int:
    """Number of this process, from 0; the first one alone writes files and speaks."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def share(whole: int, together: int = 1) -> Share:
    """This process's share of a batch.

    Args:
        whole: clips in the batch. together: neighbouring clips that must not part, such as the pairs of MixIT.

    Raises:
        UserError: there are more processes than such groups.
    """
    groups, ranks, rank = whole // together, count(), index()
    if groups < ranks:
        raise UserError(
            f"a batch of {whole} clips cannot be shared by {ranks} processes; "
            f"use --ngpu {max(groups, 1)} or fewer, or enlarge the batch"
        )
    first = groups * rank // ranks * together
    return Share(first, whole if rank + 1 == ranks else groups * (rank + 1) // ranks * together, whole)


@contextlib.contextmanager
def sharing(held: Share | None):
    """Within this block, ``held`` is the part of the batch that this process computes; None is all of it."""
    token = HELD.set(held if count() > 1 else None)
    try:
        yield
    finally:
        HELD.reset(token)


def shared() -> bool:
    """Whether this process computes on a part of a batch."""
    return HELD.get() is not None


def total(x: torch.Tensor) -> torch.Tensor:
    """Sum of ``x`` over the ranks, with its gradient."""
    return differentiable.all_reduce(x) if shared() else x


def whole(x: torch.Tensor) -> torch.Tensor:
    """The rows of all ranks, in the order of the batch; without a gradient.

    Args:
        x: ``(k B, ...)``, k rows for each clip of the share.
    """
    held = HELD.get()
    if held is None:
        return x
    rows, number = _rows(held, len(x))
    dtype = torch.uint8 if x.dtype == torch.bool else x.dtype  # masks cannot be added up
    everything = torch.zeros(number, *x.shape[1:], dtype=dtype, device=x.device)
    everything[rows] = x.detach().to(dtype)
    distributed.all_reduce(everything)  # a sum with zeros is a copy, and shares may differ in size
    return everything.to(x.dtype)


def own(everything: torch.Tensor) -> torch.Tensor:
    """This rank's rows of a tensor that has the rows of the whole batch."""
    held = HELD.get()
    if held is None:
        return everything
    k = len(everything) // held.whole
    return everything[k * held.first : k * held.stop]


def whole_shape(x: torch.Tensor) -> tuple:
    """The shape that ``x`` would have with the rows of the whole batch."""
    held = HELD.get()
    return tuple(x.shape) if held is None else (_rows(held, len(x))[1], *x.shape[1:])


def first_row(x: torch.Tensor) -> int:
    """The place of the first row of ``x`` among the rows of the whole batch."""
    held = HELD.get()
    return 0 if held is None else _rows(held, len(x))[0].start


def _rows(held, n_rows):
    k = n_rows // (held.stop - held.first)
    return slice(k * held.first, k * held.stop), k * held.whole


def add_up(tensors: list) -> None:
    """Replace tensors of one type, such as gradients, by their sums over the ranks."""
    if count() == 1 or not tensors:
        return
    flat = torch.cat([tensor.flatten() for tensor in tensors])
    distributed.all_reduce(flat)
    for tensor, summed in zip(tensors, flat.split([tensor.numel() for tensor in tensors])):
        tensor.copy_(summed.view_as(tensor))


def any_of(flag: bool) -> bool:
    """Whether ``flag`` holds on any rank."""
    if count() == 1:
        return flag
    return any(gathered(flag))


def gathered(value) -> list:
    """The plain values of all ranks."""
    if count() == 1:
        return [value]
    values = [None] * count()
    distributed.all_gather_object(values, value)
    return values


def from_first(function):
    """What ``function()`` returns on the first rank, on every rank; what it raises there is raised on every rank."""
    if count() == 1:
        return function()
    box = [None, None]
    if index() == 0:
        try:
            box[0] = function()
        except (Exception, Stopped) as error:  # noqa: BLE001 - whatever it is: the other ranks wait for a word
            box[1] = error
    distributed.broadcast_object_list(box)
    if box[1] is not None:
        raise box[1]
    return box[0]


def agree(what, value) -> None:
    """Make sure that every rank has the same value of ``what``, such as the state in a directory that they share.

    Raises:
        UserError: they do not; names the nodes.
    """
    first, *others = gathered((os.uname().nodename, value))
    for node, other in others:
        if other != first[1]:
            raise UserError(f"{what} is {other} on {node} but {first[1]} on {first[0]}; it must lie on a shared disk")
