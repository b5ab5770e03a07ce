"""Memory of the fast path: used again, never twice at a time, never more than was in use."""

import pytest
import torch

from sedsep.nnet.fast import accelerate
from sedsep.nnet.fast.memory import Memory, empty
from sedsep.nnet.tcn import TCN


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_memory_is_of_the_shape_and_dtype_asked_for(dtype):
    x = empty(torch.zeros(1, dtype=dtype), 2, 3)
    assert x.dtype == dtype and x.shape == (2, 3) and x.is_contiguous()


def test_memory_that_is_free_is_used_again_and_memory_in_use_is_not():
    memory = Memory()
    first, second = (memory.empty((100, 10), "float32").fill_(value) for value in (1, 2))
    assert (first == 1).all() and (second == 2).all() and memory.kept == []
    address = first.data_ptr()
    del first
    assert len(memory.kept) == 1
    again = memory.empty((90, 10), "float32")
    assert again.data_ptr() == address and memory.kept == [] and (second == 2).all()


def test_memory_lives_as_long_as_any_view_of_it():
    memory = Memory()
    tensor = memory.empty((10, 10), "float64").fill_(3)
    row, array = tensor[4], tensor.numpy()[5]
    del tensor
    memory.empty((10, 10), "float64").fill_(7)
    assert (row == 3).all() and (array == 3).all()


def test_used_and_kept_memory_is_no_more_than_was_in_use_at_a_time():
    memory = Memory()
    for size, count in [(1000, 10), (700, 13), (100, 50), (1000, 10), (20000, 1), (10, 3)]:
        tensors = [memory.empty((size,), "uint8") for _ in range(count)]
        assert memory.used >= size * count
        assert memory.used + sum(block.nbytes for block in memory.kept) <= max(memory.most, memory.used)
        del tensors
        assert memory.used == 0 and sum(block.nbytes for block in memory.kept) <= memory.most
    assert memory.most == 20000


def test_without_gradients_more_blocks_take_no_more_memory(monkeypatch):
    peaks = []
    for n_blocks in (3, 8):
        memory = Memory()
        monkeypatch.setattr("sedsep.nnet.fast.memory._memory", lambda memory=memory: memory)
        with torch.no_grad():
            accelerate(TCN(4, 6, 3, n_blocks=n_blocks, n_repeats=1))(torch.randn(2, 50, 4))
        peaks.append(memory.most)
    assert peaks[0] == peaks[1] > 0
