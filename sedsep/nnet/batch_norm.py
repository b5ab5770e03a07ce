"""BatchNorm2d over the whole batch, however many processes share it.

Source: Ioffe & Szegedy 2015; synchronised as torch's SyncBatchNorm, which knows only GPUs. Alone it is
``nn.BatchNorm2d`` itself.
"""

import torch
from torch import nn

from sedsep import ranks


class BatchNorm2d(nn.BatchNorm2d):
    """``(B, channels, L, F)`` -> the same shape; in training, mean and variance are those of the whole batch."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not (self.training and ranks.shared()):
            return super().forward(x)
        axes = (0, 2, 3)
        n_values = ranks.whole_shape(x)[0] * x.shape[2] * x.shape[3]
        mean = ranks.total(x.sum(axes)) / n_values
        centred = x - mean[:, None, None]
        variance = ranks.total(centred.square().sum(axes)) / n_values
        with torch.no_grad():
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * (n_values / (n_values - 1)), self.momentum)
        scale = self.weight * (variance + self.eps).rsqrt()
        return centred * scale[:, None, None] + self.bias[:, None, None]
