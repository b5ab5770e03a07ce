"""Benchmarks of the poolings of weakly supervised detection, forward and backward, at the size of the paper.

That is 24 clips of 41 classes, 311 frames of 64 bands.

The peer of the pooling by ranks is torch.sort. That of two-step attention goes class by class, as a loop would.
"""

import torch

from sedsep.nnet.fast import accelerate
from sedsep.nnet.map_poolings import RankMap
from sedsep.nnet.two_step import TwoStep

N_CLIPS, N_CLASSES, N_FRAMES, N_BANDS, WIDTH = 24, 41, 311, 64, 8


def trained(pool, cells):
    """Forward and backward of a pooling ``(B, C, L F) -> (B, C)``."""
    leaf = cells.detach().requires_grad_()
    pool(leaf).sum().backward()
    return leaf.grad


def attended(pooling, maps, one_by_one: bool):
    """Forward and backward of both steps over maps ``(B, C, L, F)``."""
    leaf = maps.detach().requires_grad_()
    parts = leaf.split(1, dim=1) if one_by_one else (leaf,)
    weak = [pooling.time(pooling.bands(part).pooled).pooled for part in parts]
    torch.cat(weak, 1).sum().backward()
    return leaf.grad


def benchmarks():
    """Yield (name, ours, peer)."""
    torch.manual_seed(0)
    cells = torch.rand(N_CLIPS, N_CLASSES, N_FRAMES * N_BANDS)
    plain, fast = RankMap(WIDTH, N_CLASSES, N_BANDS), accelerate(RankMap(WIDTH, N_CLASSES, N_BANDS))
    size = f"{N_CLIPS} x {N_CLASSES} rows of {N_FRAMES * N_BANDS} cells"
    yield (
        f"GWRP, {size}, forward and backward; torch.sort",
        (lambda: trained(fast.pool, cells)),
        lambda: trained(plain.pool, cells),
    )
    pooling, maps = TwoStep(WIDTH, N_CLASSES, N_BANDS), cells.unflatten(2, (N_FRAMES, N_BANDS))
    yield (
        f"two-step attention, {size}, forward and backward; class by class",
        (lambda: attended(pooling, maps, False)),
        lambda: attended(pooling, maps, True),
    )
