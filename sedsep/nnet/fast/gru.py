"""A bidirectional GRU whose two directions and clips run side by side: the fast path on CPU.

The inputs' part of all frames is one product, and so are the gradients of the weights; between them goes the
recurrence, frame by frame, in compiled kernels. The formulas are those of ``torch.nn.GRU``.
"""

import torch
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from sedsep.nnet.fast import detector_kernels as kernels
from sedsep.nnet.fast.crew import Crew, arrays
from sedsep.nnet.fast.memory import empty


def rows_of(n_clips: int) -> int:
    """Clips of a unit: both directions together have at least a unit for every thread where there are so many clips."""
    return -(-n_clips // max(1, min(n_clips, torch.get_num_threads() // 2)))


class Recurrence(Function):
    """``x (2, L, B, 3 H)``, weight ``(2, 3 H, H)``, bias ``(2, 3 H)`` of the states' part -> ``(2, L, B, H)``.

    Args:
        keeps: whether a gradient may be asked for.
    """

    @staticmethod
    def forward(ctx, x, weight, bias, keeps):
        """One pass over the frames."""
        _, n_frames, n_clips, three = x.shape
        h = empty(x, 2, n_frames, n_clips, three // 3)
        gates = empty(x, 2, n_frames if keeps else 1, n_clips, three // 3 * 4)
        rows = rows_of(n_clips)
        with Crew(2 * -(-n_clips // rows), 1) as crew:
            crew.run(kernels.recur, rows, *arrays(x, weight.transpose(1, 2), bias, h, gates))
        ctx.save_for_backward(h, gates, weight)
        return h

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_h):
        """One pass over the frames, and a product for the weights."""
        h, gates, weight = ctx.saved_tensors
        _, n_frames, n_clips, width = h.shape
        grad_x, grad_hidden = (empty(h, 2, n_frames, n_clips, 3 * width) for _ in range(2))
        rows = rows_of(n_clips)
        with Crew(2 * -(-n_clips // rows), 1) as crew:
            crew.run(kernels.recur_backward, rows, *arrays(h, gates, weight, grad_h, grad_x, grad_hidden))
        # The state before a frame is that of its neighbour; before the first there is none.
        pairs = (grad_hidden[0, 1:], h[0, :-1]), (grad_hidden[1, :-1], h[1, 1:])
        grad_weight = torch.stack([grad.flatten(0, 1).t() @ state.flatten(0, 1) for grad, state in pairs])
        return grad_x, grad_weight, grad_hidden.sum((1, 2)), None


def bidirectional(x: torch.Tensor, gru: torch.nn.GRU) -> tuple:
    """``x (B, L, D)`` through the layers of ``gru`` -> ``(B, L, 2 H)``, and the last states ``(2 layers, B, H)``."""
    x, lasts = x.transpose(0, 1).contiguous(), []  # (B, L, D) -> (L, B, D)
    for layer in range(gru.num_layers):
        names = [f"l{layer}{way}" for way in ("", "_reverse")]
        w_in, w_state, b_in, b_state = (
            torch.stack([getattr(gru, f"{kind}_{name}") for name in names])
            for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        given = torch.baddbmm(b_in[:, None], x.flatten(0, 1).expand(2, -1, -1), w_in.transpose(1, 2))
        keeps = torch.is_grad_enabled() and (given.requires_grad or w_state.requires_grad)
        h = Recurrence.apply(given.unflatten(1, x.shape[:2]), w_state, b_state, keeps)
        lasts += [h[0, -1], h[1, 0]]
        x = torch.cat(tuple(h), dim=2)  # (2, L, B, H) -> (L, B, 2 H)
    return x.transpose(0, 1), torch.stack(lasts)
