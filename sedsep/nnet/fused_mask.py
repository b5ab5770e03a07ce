"""Masks and decoder of Conv-TasNet in one differentiable operation: the fast path on CPU.

The scores of the masks are the widest tensor of the network (N n_filters channels per frame). Here they live in
pieces of a clip that stay in cache; only the masks are kept, for the gradient.
"""

import torch
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from sedsep.nnet.fused_norm import empty

PIECE = 256  # frames: two megabytes at 4 sources of 512 filters

# Each takes a gradient and the mask that the activation gave, (l, N, n_filters), and returns the score's gradient.
ACTIVATION_BACKWARD = {
    "sigmoid": torch.ops.aten.sigmoid_backward,
    "relu": lambda grad, mask: torch.ops.aten.threshold_backward(grad, mask, 0),
    "softmax": lambda grad, mask: torch.ops.aten._softmax_backward_data(grad, mask, 1, mask.dtype),
    "linear": lambda grad, mask: grad,
}


def activate(score: torch.Tensor, activation: str) -> torch.Tensor:
    """Scores ``(l, N, n_filters)`` -> masks, in the memory of the scores where that is possible."""
    if activation == "softmax":
        return score.copy_(torch.softmax(score, dim=1))
    return {"sigmoid": torch.sigmoid_, "relu": torch.relu_, "linear": lambda s: s}[activation](score)


class MaskDecode(Function):
    """``(activate(hidden @ weight' + bias) * (frames @ encoder')) @ decoder``: decoded frames ``(B, L, N, kernel)``.

    Shapes: hidden ``(B, L, S)``, weight ``(N n_filters, S)``, bias ``(N n_filters,)``, frames of the mixture
    ``(B, L, kernel)``, encoder and decoder ``(n_filters, kernel)``; activation is a name.
    """

    @staticmethod
    def forward(ctx, hidden, weight, bias, frames, encoder, decoder, activation):
        """Piece by piece over the frames of all clips."""
        n_filters, kernel = encoder.shape
        flat, frames_flat = hidden.flatten(0, 1), frames.flatten(0, 1)  # (B, L, S) -> (B L, S)
        masks = empty(hidden, len(flat), len(weight) // n_filters, n_filters)
        out = hidden.new_empty(len(flat), masks.shape[1], kernel)
        scratch = hidden.new_empty(PIECE, *masks.shape[1:])
        for h, x, mask, o in zip(*(t.split(PIECE) for t in (flat, frames_flat, masks, out))):
            torch.addmm(bias, h, weight.t(), out=mask.view(len(h), -1))
            activate(mask, activation)
            masked = torch.mul(mask, (x @ encoder.t()).unsqueeze(1), out=scratch[: len(h)])
            torch.mm(masked.flatten(0, 1), decoder, out=o.view(-1, kernel))
        ctx.save_for_backward(hidden, weight, frames, encoder, decoder, masks)
        ctx.activation = activation
        return out.view(*hidden.shape[:2], *out.shape[1:])

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_out):
        """Piece by piece; the latent frames are encoded again."""
        hidden, weight, frames, encoder, decoder, masks = ctx.saved_tensors
        kernel = encoder.shape[1]
        grad_hidden, grad_frames = torch.empty_like(hidden), torch.empty_like(frames)
        grad_weight, grad_encoder, grad_decoder = (torch.zeros_like(t) for t in (weight, encoder, decoder))
        grad_bias = weight.new_zeros(len(weight))
        scratch = hidden.new_empty(PIECE, *masks.shape[1:])
        tensors = (hidden, frames, grad_out, grad_hidden, grad_frames)
        columns = ([t.flatten(0, 1).split(PIECE) for t in tensors], masks.split(PIECE))
        for h, x, g, grad_h, grad_x, mask in zip(*columns[0], columns[1]):
            latent = (x @ encoder.t()).unsqueeze(1)  # (l, 1, n_filters)
            g = g.reshape(-1, kernel)  # (l, N, kernel) -> (l N, kernel)
            work = scratch[: len(h)]
            grad_decoder.addmm_(torch.mul(mask, latent, out=work).flatten(0, 1).t(), g)
            grad_masked = torch.mm(g, decoder.t()).view_as(mask)
            grad_latent = torch.mul(grad_masked, mask, out=work).sum(1)
            grad_encoder.addmm_(grad_latent.t(), x)
            torch.mm(grad_latent, encoder, out=grad_x)
            grad_score = ACTIVATION_BACKWARD[ctx.activation](grad_masked.mul_(latent), mask).flatten(1)
            torch.mm(grad_score, weight, out=grad_h)
            grad_weight.addmm_(grad_score.t(), h)
            grad_bias += grad_score.sum(0)
        return grad_hidden, grad_weight, grad_bias, grad_frames, grad_encoder, grad_decoder, None
