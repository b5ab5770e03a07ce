"""Memory of the fast path on CPU: that of tensors which are gone serves the next ones."""

import functools
import math
import threading
import weakref

import numpy as np
import torch

SPARE = 1.25  # a kept block may be so many times larger than what is asked for


class Memory:
    """The memory of tensors that are gone, kept for the next ones.

    New memory comes from the system page by page, which takes longer than to fill it. Used and kept together are
    never more than what was once in use at a time.
    """

    def __init__(self):
        self.kept, self.used, self.most, self._lock = [], 0, 0, threading.RLock()

    def empty(self, shape: tuple, dtype: str) -> torch.Tensor:
        """An uninitialised tensor, dtype by numpy's name.

        The memory is numpy's, which asks the kernel for huge pages where torch does not.
        """
        size = math.prod(shape) * np.dtype(dtype).itemsize
        with self._lock:
            block = self._kept(size)
            self.used += size if block is None else block.nbytes
            self.most = max(self.most, self.used)
            self._trim()
        if block is None:
            block = np.empty(size, np.uint8)
        array = block[:size].view(dtype).reshape(shape)
        weakref.finalize(array, self._take_back, block).atexit = False
        return torch.from_numpy(array)  # its storage holds the array, whatever views there are

    def _kept(self, size: int) -> np.ndarray | None:
        fits = [block for block in self.kept if size <= block.nbytes <= SPARE * size]
        found = min(fits, key=lambda block: block.nbytes, default=None)
        self.kept = [block for block in self.kept if block is not found]
        return found

    def _take_back(self, block: np.ndarray) -> None:
        with self._lock:
            self.used -= block.nbytes
            self.kept = [*self.kept, block]
            self._trim()

    def _trim(self) -> None:
        while self.kept and self.used + sum(block.nbytes for block in self.kept) > self.most:
            self.kept = self.kept[1:]  # the oldest


@functools.cache
def _memory() -> Memory:
    return Memory()


def empty(like: torch.Tensor, *shape: int) -> torch.Tensor:
    """Uninitialised CPU tensor with the dtype of ``like``, in memory that is used again."""
    return _memory().empty(shape, str(like.dtype).removeprefix("torch."))
