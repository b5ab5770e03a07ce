"""Smoother: first-order low-pass filters over time, ``M(t) = (1 - s) M(t - 1) + s E(t)``.

Source: the smoothers of PCEN (Wang et al., ICASSP 2017; Cornell et al., DCASE 2020, eq. 3). Frames are taken in blocks,
in which the filter is one small matrix, so that it is fast on any device; over a clip's whole length the powers of
``1 - s`` would underflow.
"""

import math
from typing import Literal

import torch

Direction = Literal["causal", "zero_phase"]
Start = Literal["first", "zero", "one"]
BLOCK = 32  # frames


def coefficient(frames: float) -> float:
    """The ``s`` of a time constant in frames, 0.4 s being ``0.4 * sample_rate / hop`` of them.

    >>> round(coefficient(0.4 * 16000 / 255), 4), round(coefficient(0.06 * 16000 / 255), 4)
    (0.0391, 0.2327)
    """
    square = frames * frames
    return (math.sqrt(1 + 4 * square) - 1) / (2 * square)


def smooth(x: torch.Tensor, s: float, direction: Direction = "zero_phase", start: Start = "first") -> torch.Tensor:
    """Smooth ``(B, L, F)`` over L; the same shape, differentiable.

    Args:
        s: coefficient in (0, 1].
        direction: "causal", or "zero_phase": once forwards and once backwards.
        start: what stands for ``M(-1)``: the "first" value itself, so that the filter begins in its steady state;
            "zero", which makes a burst of ``1 / s`` frames; or "one", as in librosa. With zero phase it is the first
            value in each direction, as in scipy's ``filtfilt``.
    """
    if direction == "causal":
        before = {"first": x[:, 0], "zero": torch.zeros_like(x[:, 0]), "one": torch.ones_like(x[:, 0])}[start]
        return _forwards(x, s, before)
    once = _forwards(x, s, x[:, 0]).flip(1)
    return _forwards(once, s, once[:, 0]).flip(1)


def _forwards(x, s, before):
    """``x (B, L, F)`` filtered after the state ``before (B, F)``."""
    n_frames = x.shape[1]
    blocks = torch.nn.functional.pad(x, (0, 0, 0, -n_frames % BLOCK)).unflatten(1, (-1, BLOCK))  # (B, n, BLOCK, F)
    lag = torch.arange(BLOCK, device=x.device)
    decay = (1 - s) ** (lag.to(x.dtype) + 1)  # of the state before a block, at each of its frames
    response = s * torch.tril((1 - s) ** (lag[:, None] - lag).clamp(min=0).to(x.dtype))
    inside = response @ blocks
    states = [before]
    for end in inside[:, :-1, -1].unbind(1):
        states.append(end + decay[-1] * states[-1])
    carried = torch.stack(states, 1).unsqueeze(2) * decay.unsqueeze(1)  # (B, n, 1, F) (BLOCK, 1)
    return (inside + carried).flatten(1, 2)[:, :n_frames]
