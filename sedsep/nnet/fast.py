"""Tools of the fast path on CPU: where it applies, memory, and compiled kernels that share a clip among threads.

A kernel is a function ``kernel(part, first, last, ...)`` that numba compiles. It works on the frames ``first`` to
``last - 1`` of a clip in pieces that stay in cache: a matrix product (numba's ``np.dot`` calls OpenBLAS) and what
comes before and after it in one go. What it sums over frames it adds to row ``part`` of an array.
"""

import contextlib
import functools
import math
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import scipy.linalg.cython_blas  # noqa: F401 - the OpenBLAS that np.dot calls, loaded before its threads are counted
import torch
from threadpoolctl import ThreadpoolController

SHARE = 2  # parts per thread: a thread that the system delays leaves some of its own to the others
SPARE = 1.25  # a kept block may be so many times larger than what is asked for

kernel = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})


def fusable(x: torch.Tensor) -> bool:
    """Whether the fused operations take ``x``: on CPU, in plain float32 or float64, and not while compiling."""
    plain = x.dtype in (torch.float32, torch.float64) and not torch.is_autocast_enabled("cpu")
    return x.device.type == "cpu" and plain and not torch.compiler.is_compiling()


class Memory:
    """The memory of arrays that are gone, kept for the next ones.

    New memory comes from the system page by page, which takes longer than to fill it. What is kept is never more
    than what was in use at a time.
    """

    def __init__(self):
        self.kept, self.used, self.most, self._lock = [], 0, 0, threading.RLock()

    def empty(self, shape: tuple, dtype: str) -> np.ndarray:
        """An uninitialised array."""
        size = math.prod(shape) * np.dtype(dtype).itemsize
        with self._lock:
            fits = [block for block in self.kept if size <= block.nbytes <= SPARE * size]
            block = min(fits, key=lambda block: block.nbytes, default=None)
            if block is None:
                block = np.empty(size, np.uint8)
            self.kept = [other for other in self.kept if other is not block]
            self.used += block.nbytes
            self.most = max(self.most, self.used)
        array = block[:size].view(dtype).reshape(shape)
        weakref.finalize(array, self._take_back, block).atexit = False
        return array

    def _take_back(self, block: np.ndarray) -> None:
        with self._lock:
            self.used -= block.nbytes
            self.kept = [*self.kept, block]
            while sum(block.nbytes for block in self.kept) > self.most - self.used:
                self.kept = self.kept[1:]


@functools.cache
def _memory() -> Memory:
    return Memory()


def empty(like: torch.Tensor, *shape: int) -> torch.Tensor:
    """Uninitialised CPU tensor with the dtype of ``like``.

    Its memory is numpy's, which asks the kernel for huge pages where torch does not, and is used again.
    """
    return torch.from_numpy(_memory().empty(shape, str(like.dtype).removeprefix("torch.")))


def arrays(*tensors: torch.Tensor) -> list:
    """Contiguous arrays with the tensors' values, in their memory where they are contiguous."""
    return [x.detach().contiguous().numpy() for x in tensors]


def pieces(n_frames: int, size: int) -> list:
    """``(first, last)`` of the pieces of a clip, last exclusive.

    >>> pieces(2500, 1000)
    [(0, 1000), (1000, 2000), (2000, 2500)]
    """
    return [(i, min(i + size, n_frames)) for i in range(0, n_frames, size)]


@functools.cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()


class Crew(contextlib.ExitStack):
    """As many threads as torch has, which share the frames of a clip; a context manager.

    While it is entered, OpenBLAS and torch work in the thread that asks, and leave the others to the crew.

    Attributes:
        parts: ``(first, last)`` of the parts of a clip, whole pieces but for the end. They follow from the number of
            threads, and so does the last bit of what is summed over frames.
    """

    def __init__(self, n_frames: int, piece: int):
        super().__init__()
        self.n_threads, n_pieces = torch.get_num_threads(), -(-n_frames // piece)
        self.piece, self.pool = piece, None
        self.parts = pieces(n_frames, piece * -(-n_pieces // min(SHARE * self.n_threads, n_pieces)))

    def __enter__(self):
        self.enter_context(_libraries().limit(limits=1))
        if min(self.n_threads, len(self.parts)) > 1:
            self.pool = self.enter_context(ThreadPoolExecutor(self.n_threads))
        return self

    def run(self, function, *arguments) -> None:
        """Call ``function(part, first, last, piece, *arguments)`` for every part."""
        calls = [(part, first, last, self.piece, *arguments) for part, (first, last) in enumerate(self.parts)]
        if self.pool is None:
            for call in calls:
                function(*call)
            return
        for result in [self.pool.submit(function, *call) for call in calls]:
            result.result()
