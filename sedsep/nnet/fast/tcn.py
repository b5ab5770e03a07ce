"""A TCN block, and blocks in a row, as one differentiable operation each: the fast path on CPU."""

import torch
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from sedsep.nnet.fast import block as fused_block
from sedsep.nnet.fast import block_kernels as kernels
from sedsep.nnet.fast.block import Block, Passed
from sedsep.nnet.fast.crew import Crew, arrays
from sedsep.nnet.fast.memory import empty

N_PARAMETERS = len(Block._fields) - 1


def split(parameters, dilations) -> list:
    """The parameters of all blocks, one after the other -> a Block for each."""
    firsts = range(0, len(parameters), N_PARAMETERS)
    return [Block(*parameters[i : i + N_PARAMETERS], dilation) for i, dilation in zip(firsts, dilations)]


class FusedBlock(Function):
    """``x (B, L, channels)``, dilation, parameters of a Block -> ``(B, L, outputs)``."""

    @staticmethod
    def forward(ctx, x, dilation, *parameters):
        """The passes of the block, and its last step for each clip."""
        x, (block,) = x.contiguous(), split(parameters, [dilation])
        out = empty(x, *x.shape[:2], len(block.w2))
        with Crew(x.shape[1], fused_block.PIECE) as crew:
            passed = fused_block.forward(block, x, out, crew)
            for out_, (_, norm2) in zip(out, passed.norms):
                shift, rate = fused_block.last_step(block, norm2)
                torch.add(shift, out_, alpha=rate, out=out_)
        ctx.save_for_backward(x, passed.a, passed.p, *parameters)
        ctx.norms, ctx.dilation = passed.norms, dilation
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_out):
        """Those of the block."""
        x, a, p, *parameters = ctx.saved_tensors
        (block,), grad_x = split(parameters, [ctx.dilation]), torch.zeros_like(x)
        passed = Passed(a, p, ctx.norms)
        with Crew(x.shape[1], fused_block.PIECE) as crew:
            grads = fused_block.backward(block, x, passed, grad_out.contiguous(), grad_x, crew)
        return grad_x, None, *grads


def advance(block: Block, stream: torch.Tensor, total: torch.Tensor, crew: Crew) -> tuple:
    """The stream ``(B, L, channels)`` after a block, and what its passes leave; adds to ``total (B, L, skip)``."""
    out = empty(stream, *stream.shape[:2], len(block.w2))
    passed = fused_block.forward(block, stream, out, crew)
    after = empty(stream, *stream.shape[:2], len(block.w2) - total.shape[2])
    for clip, (_, norm2) in zip(zip(out, stream, after, total), passed.norms):
        shift, rate = fused_block.last_step(block, norm2)
        (shift,) = arrays(shift)
        crew.run(kernels.advance, shift, shift.dtype.type(rate), *arrays(*clip))
    return after, passed


class FusedTCN(Function):
    """Residual stream ``x (B, L, channels)`` and sum of skips ``(B, L, skip)`` through blocks: both after them.

    Args:
        total: the sum of skips so far, or None.
        dilations: of the blocks. skip: channels of their skip outputs, which may be 0.
        residual: whether the last block has a residual output; if not, there is no stream after it (None).
        keeps: whether a gradient may be asked for; without it the memory of a block serves the next.
        parameters: of all Blocks, one after the other. Rows of ``w2``: first the residual's, then the skip's.
    """

    @staticmethod
    def forward(ctx, x, total, dilations, skip, residual, keeps, *parameters):
        """The last step of a block adds to the stream and to the sum."""
        stream, result, streams, passes = x.contiguous(), empty(x, *x.shape[:2], skip), [], []
        with Crew(x.shape[1], fused_block.PIECE) as crew:
            result.zero_() if total is None else result.copy_(total)
            for block in split(parameters, dilations):
                after, passed = advance(block, stream, result, crew)
                if keeps:
                    streams.append(stream)
                    passes.append(passed)
                stream = after
                del after, passed  # where nothing is kept, their memory is the next block's
        ctx.save_for_backward(*parameters, *streams, *(x for passed in passes for x in passed[:2]))
        ctx.norms, ctx.dilations, ctx.skip, ctx.residual = [p.norms for p in passes], dilations, skip, residual
        ctx.set_materialize_grads(False)
        return stream if residual else None, result

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_stream, grad_total):
        """One tensor has the gradients of stream and sum side by side, and every block adds to that of the stream."""
        n_blocks, saved = len(ctx.dilations), ctx.saved_tensors
        n_parameters = n_blocks * N_PARAMETERS
        blocks, streams = split(saved[:n_parameters], ctx.dilations), saved[n_parameters:][:n_blocks]
        activations = saved[n_parameters + n_blocks :]
        n_clips, n_frames, channels = streams[0].shape
        grads = []
        with Crew(n_frames, fused_block.PIECE) as crew:
            both = empty(streams[0], n_clips, n_frames, channels + ctx.skip)
            for grad, half in zip((grad_stream, grad_total), both.split([channels, ctx.skip], 2)):
                half.zero_() if grad is None else half.copy_(grad)
            for i in reversed(range(n_blocks)):
                is_wide = ctx.residual or i < n_blocks - 1
                grad_out = both if is_wide else both[:, :, channels:].contiguous()
                passed = Passed(*activations[2 * i : 2 * i + 2], ctx.norms[i])
                grads = [*fused_block.backward(blocks[i], streams[i], passed, grad_out, both, crew), *grads]
        return both[:, :, :channels], grad_total if ctx.needs_input_grad[1] else None, None, None, None, None, *grads
