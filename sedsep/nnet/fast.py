"""Tools of the fast path on CPU: memory, pieces that stay in cache, and matrix products with their activation."""

import numpy as np
import torch
import torch.nn.functional as F

PIECE = 2048  # frames: four megabytes at 512 channels


def fusable(x: torch.Tensor) -> bool:
    """Whether the fused operations take ``x``: on CPU, in plain float32 or float64, and not while compiling."""
    plain = x.dtype in (torch.float32, torch.float64) and not torch.is_autocast_enabled("cpu")
    return x.device.type == "cpu" and plain and not torch.compiler.is_compiling()


def empty(like: torch.Tensor, *shape: int) -> torch.Tensor:
    """Uninitialised CPU tensor with the dtype of ``like``, in numpy's memory.

    Numpy asks the kernel for huge pages and torch does not; to fault small ones in costs more than the arithmetic.
    """
    return torch.from_numpy(np.empty(shape, str(like.dtype).removeprefix("torch.")))


def pieces(n_frames: int, size: int | None = None) -> list:
    """``(first, last)`` of the pieces of a clip, last exclusive.

    >>> pieces(2500, 1000)
    [(0, 1000), (1000, 2000), (2000, 2500)]
    """
    size = size or PIECE
    return [(i, min(i + size, n_frames)) for i in range(0, n_frames, size)]


def linear(x: torch.Tensor, weight: torch.Tensor, bias=None, activation: str = "none", slope: float = 0.0):
    """``activation(x @ weight' + bias)`` of ``x (l, n_in)`` and ``weight (n_out, n_in)``, without a graph.

    Where torch has oneDNN it computes bias and activation ("none", "leaky_relu", "sigmoid") with the product,
    which saves two passes over the result.
    """
    if x.dtype == torch.float32 and torch.backends.mkldnn.is_available():
        scalars = [slope] if activation == "leaky_relu" else []
        return torch.ops.mkldnn._linear_pointwise(x, weight, bias, activation, scalars, "")
    product = F.linear(x, weight, bias)
    if activation == "leaky_relu":
        return F.leaky_relu_(product, slope)
    return product.sigmoid_() if activation == "sigmoid" else product
