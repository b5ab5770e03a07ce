"""Masks and decoder of Conv-TasNet in one differentiable operation: the fast path on CPU.

The scores of the masks are the widest tensor of the network (N n_filters channels per frame). Here they live in
pieces of a clip that stay in cache, and nothing of that width is kept for the gradient.
"""

import torch
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from sedsep.nnet.fast import empty, linear, pieces

PIECE = 1024  # frames: eight megabytes at 4 sources of 512 filters

aten = torch.ops.aten

# Each takes a gradient and the mask that the activation gave, (l, N, n_filters), and turns the first into the score's.
ACTIVATION_BACKWARD = {
    "sigmoid": lambda grad, mask: aten.sigmoid_backward.grad_input(grad, mask, grad_input=grad),
    "relu": lambda grad, mask: aten.threshold_backward.grad_input(grad, mask, 0, grad_input=grad),
    "softmax": lambda grad, mask: grad.copy_(aten._softmax_backward_data(grad, mask, 1, mask.dtype)),
    "linear": lambda grad, mask: grad,
}


def masks_of(hidden: torch.Tensor, weight, bias, n_filters: int, activation: str) -> torch.Tensor:
    """Hidden frames ``(l, S)`` -> masks ``(l, N, n_filters)``."""
    if activation == "sigmoid":
        return linear(hidden, weight, bias, "sigmoid").unflatten(1, (-1, n_filters))
    score = linear(hidden, weight, bias).unflatten(1, (-1, n_filters))
    if activation == "softmax":
        return torch.softmax(score, dim=1)
    return score.relu_() if activation == "relu" else score


class MaskDecode(Function):
    """``(activation(hidden @ weight' + bias) * (frames @ encoder')) @ decoder``: ``(B, L, N, kernel)``.

    Shapes: hidden ``(B, L, S)``, weight ``(N n_filters, S)``, bias ``(N n_filters,)``, frames of the mixture
    ``(B, L, kernel)``, encoder and decoder ``(n_filters, kernel)``; activation is a name.
    """

    @staticmethod
    def forward(ctx, hidden, weight, bias, frames, encoder, decoder, activation):
        """Piece by piece over the frames of all clips."""
        n_filters, kernel = encoder.shape
        n_sources, n_frames = len(weight) // n_filters, frames.shape[0] * frames.shape[1]
        hidden_flat, frames_flat = hidden.flatten(0, 1), frames.flatten(0, 1)  # (B, L, S) -> (B L, S)
        out = empty(hidden, n_frames, n_sources, kernel)
        decoder_t = decoder.t().contiguous()
        for i, j in pieces(n_frames, PIECE):
            mask = masks_of(hidden_flat[i:j], weight, bias, n_filters, activation)
            masked = mask.mul_(linear(frames_flat[i:j], encoder).unsqueeze(1))
            out[i:j] = linear(masked.flatten(0, 1), decoder_t).view(j - i, n_sources, kernel)
        ctx.save_for_backward(hidden, weight, bias, frames, encoder, decoder)
        ctx.activation = activation
        return out.view(*hidden.shape[:2], n_sources, kernel)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_out):
        """Piece by piece; masks and latent frames are computed again, which is as fast as to fetch them from memory."""
        hidden, weight, bias, frames, encoder, decoder = ctx.saved_tensors
        (n_filters, kernel), activation_backward = encoder.shape, ACTIVATION_BACKWARD[ctx.activation]
        flat = [x.flatten(0, 1) for x in (hidden, frames, grad_out)]  # (B, L, ...) -> (B L, ...)
        grad_hidden, grad_frames = (empty(x, *x.shape) for x in flat[:2])
        # Long sides of a product go last, hence some transposed gradients.
        grad_weight, grad_encoder, grad_decoder = (torch.zeros_like(x.t()) for x in (weight, encoder, decoder))
        grad_bias = weight.new_zeros(len(weight))
        weight_t, encoder_t, decoder_t = (x.t().contiguous() for x in (weight, encoder, decoder))
        # Memory for the widest tensors: to ask for it anew for every piece would take as long as to fill it.
        wide = empty(hidden, 2, min(PIECE, len(flat[0])), len(weight) // n_filters, n_filters)
        for i, j in pieces(len(flat[0]), PIECE):
            hidden_piece, frames_piece, grad_piece = (x[i:j] for x in flat)
            mask = masks_of(hidden_piece, weight, bias, n_filters, ctx.activation)  # (l, N, n_filters)
            latent = linear(frames_piece, encoder).unsqueeze(1)  # (l, 1, n_filters)
            grad_piece = grad_piece.reshape(-1, kernel)  # (l, N, kernel) -> (l N, kernel)
            masked, grad_masked = wide[:, : j - i]
            torch.mul(mask, latent, out=masked)
            grad_decoder.addmm_(grad_piece.t(), masked.flatten(0, 1))
            torch.mm(grad_piece, decoder_t, out=grad_masked.view(-1, n_filters))
            grad_latent = torch.mul(grad_masked, mask, out=masked).sum(1)
            grad_encoder.addmm_(frames_piece.t(), grad_latent)
            grad_frames[i:j] = linear(grad_latent, encoder_t)
            grad_score = activation_backward(grad_masked.mul_(latent), mask).flatten(1)
            grad_hidden[i:j] = linear(grad_score, weight_t)
            grad_weight.addmm_(hidden_piece.t(), grad_score)
            grad_bias += grad_score.sum(0)
        grads = grad_hidden.view_as(hidden), grad_weight.t(), grad_bias, grad_frames.view_as(frames)
        return (*grads, grad_encoder.t(), grad_decoder.t(), None)
