"""Dropout that is drawn for the whole batch, however many processes share it: each keeps the rows of its clips."""

import torch
import torch.nn.functional as F
from torch import nn

from sedsep import ranks


class Dropout(nn.Dropout):
    """``(k B, ...)`` -> the same shape. Alone it is ``nn.Dropout`` itself."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.contiguous()  # numbers are drawn in the order of the memory, which must not depend on the ranks
        if not (self.training and ranks.shared()):
            return super().forward(x)
        return x * ranks.own(F.dropout(x.new_ones(ranks.whole_shape(x)), self.p))
