"""The pooling by ranks (GWRP) with a radix sort in place of torch's: the fast path on CPU, in float32."""

import torch
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from sedsep.nnet.fast.conditions import fusable
from sedsep.nnet.fast.crew import Crew, arrays
from sedsep.nnet.fast.memory import empty
from sedsep.nnet.fast.rank_kernels import rank_means
from sedsep.nnet.map_poolings import RankMap, rank_weights

PIECE = 4  # rows


class RankMean(Function):
    """Rows ``(rows, n)`` -> the mean of each, with ``weights (n,)`` by rank; among equals the first ranks higher."""

    @staticmethod
    def forward(ctx, rows, weights):
        """Sort row by row; each value's weight is kept, for it is the gradient."""
        rows = rows.contiguous()
        shares, means = empty(rows, *rows.shape), rows.new_empty(len(rows))
        (values,) = arrays(rows)
        with Crew(len(rows), PIECE) as crew:
            crew.run(rank_means, values, values.view("uint32"), *arrays(weights, means, shares))
        ctx.save_for_backward(shares)
        return means

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        """The weights, as large as the gradient of each mean."""
        (shares,) = ctx.saved_tensors
        return shares * grad.unsqueeze(1), None


class FastRankMap(RankMap):
    """The pooling by ranks in one operation."""

    def pool(self, cells):
        """As the plain one."""
        if not fusable(cells) or cells.dtype != torch.float32:
            return super().pool(cells)
        weights = rank_weights(cells.shape[2], self.decay).float()
        return RankMean.apply(cells.flatten(0, 1), weights).unflatten(0, cells.shape[:2])
