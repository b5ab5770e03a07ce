"""Last PReLU, masks and decoder of Conv-TasNet in one differentiable operation: the fast path on CPU.

The scores of the masks are the widest tensor of the network (N n_filters channels per frame). Here they live in
pieces of a clip that stay in cache, and nothing of that width is kept for the gradient.
"""

from torch.autograd import Function
from torch.autograd.function import once_differentiable

from sedsep.nnet.fast import mask_kernels as kernels
from sedsep.nnet.fast.crew import Crew, arrays
from sedsep.nnet.fast.memory import empty

PIECE = 256  # frames: two megabytes at 4 sources of 512 filters


class MaskDecode(Function):
    """``(activation(PReLU(hidden) @ weight' + bias) * (frames @ encoder')) @ decoder``: ``(B, L, N, kernel)``.

    Shapes: hidden ``(B, L, S)``, slope of the PReLU ``(1,)``, weight ``(N n_filters, S)``, bias ``(N n_filters,)``,
    frames of the mixture ``(B, L, kernel)``, encoder and decoder ``(n_filters, kernel)``; activation is a name.
    """

    @staticmethod
    def forward(ctx, hidden, slope, weight, bias, frames, encoder, decoder, activation):
        """Piece by piece over the frames of all clips."""
        n_filters, kernel = encoder.shape
        hidden, frames = hidden.contiguous(), frames.contiguous()
        out = empty(hidden, *hidden.shape[:2], len(weight) // n_filters, kernel)
        inputs = hidden.flatten(0, 1), slope, weight.t(), bias, frames.flatten(0, 1), encoder.t(), decoder
        with Crew(len(inputs[0]), PIECE) as crew:
            code = kernels.ACTIVATIONS[activation]
            crew.run(kernels.decode, *arrays(*inputs), code, *arrays(out.flatten(0, 1)))
        ctx.save_for_backward(hidden, slope, weight, bias, frames, encoder, decoder)
        ctx.activation = activation
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_out):
        """Piece by piece; masks and latent frames are computed again, which is as fast as to fetch them from memory."""
        hidden, slope, weight, bias, frames, encoder, decoder = ctx.saved_tensors
        flat_hidden, flat_frames, flat_grad = (x.flatten(0, 1) for x in (hidden, frames, grad_out))
        grad_hidden, grad_frames = empty(hidden, *hidden.shape), empty(frames, *frames.shape)
        inputs = flat_hidden, slope, weight, weight.t(), bias, flat_frames, encoder, encoder.t(), decoder.t()
        with Crew(len(flat_hidden), PIECE) as crew:
            to_weight, to_encoder, to_decoder = (
                empty(x, len(crew.parts), *x.shape) for x in (weight, encoder, decoder)
            )
            to_bias, to_slopes = (x.new_zeros(len(crew.parts), x.shape[-1]) for x in (bias, hidden))
            grads = (grad_hidden.flatten(0, 1), to_slopes, to_weight, to_bias)
            grads += (grad_frames.flatten(0, 1), to_encoder, to_decoder)
            code = kernels.ACTIVATIONS[ctx.activation]
            crew.run(kernels.backward, *arrays(*inputs), code, *arrays(flat_grad, *grads))
            of_weight, of_bias, of_encoder, of_decoder = (
                x.sum(0) for x in (to_weight, to_bias, to_encoder, to_decoder)
            )
        of_slope = to_slopes.sum().reshape(1)
        return grad_hidden, of_slope, of_weight, of_bias, grad_frames, of_encoder, of_decoder, None
