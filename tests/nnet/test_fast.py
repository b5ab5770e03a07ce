"""Tools of the fast path: where it applies, its memory, its products."""

import pytest
import torch
import torch.nn.functional as F

from sedsep.nnet.fast import empty, fusable, linear, pieces


def test_only_plain_cpu_tensors_are_fused():
    x = torch.zeros(1)
    assert fusable(x) and fusable(x.double()) and not fusable(x.bfloat16()) and not fusable(x.to("meta"))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert not fusable(x)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_memory_is_of_the_shape_and_dtype_asked_for(dtype):
    x = empty(torch.zeros(1, dtype=dtype), 2, 3)
    assert x.dtype == dtype and x.shape == (2, 3) and x.is_contiguous()


@pytest.mark.parametrize("n_frames", [1, 9, 10, 11, 25])
def test_pieces_cover_the_clip_once(n_frames):
    covered = [frame for first, last in pieces(n_frames, 10) for frame in range(first, last)]
    assert covered == list(range(n_frames))


@pytest.mark.parametrize("onednn", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("bias", [True, False])
def test_linear_is_the_plain_product(dtype, bias, onednn, monkeypatch):
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: onednn)
    x, weight = torch.randn(7, 5, dtype=dtype), torch.randn(3, 5, dtype=dtype)
    shift = torch.randn(3, dtype=dtype) if bias else None
    product = F.linear(x, weight, shift)
    torch.testing.assert_close(linear(x, weight, shift), product)
    torch.testing.assert_close(linear(x, weight, shift, "sigmoid"), product.sigmoid())
    torch.testing.assert_close(linear(x, weight, shift, "leaky_relu", 0.3), F.leaky_relu(product, 0.3))
