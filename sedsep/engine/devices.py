"""Devices: which one computes."""

import torch

from sedsep.errors import UserError


def device_named(name: str) -> str:
    """The device "cpu", "cuda" or "cuda:N"; "auto" is a GPU where there is one.

    Raises:
        UserError: it cannot be used here.

    >>> device_named("cpu")
    'cpu'
    """
    device = ("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"device {device!r} cannot be used here ({reason}); see sedsep doctor") from None
    return device
