"""Tools of the fast path on CPU: where it applies, memory, and threads that share a clip.

They run kernels: compiled functions ``kernel(part, first, last, size, ...)``, which work on the frames ``first`` to
``last - 1`` of a clip in pieces of ``size`` frames that stay in cache: a matrix product (numba's ``np.dot`` calls the
BLAS of scipy) and what comes before and after it in one go. Sums over frames go to row ``part`` of an array.
"""

import contextlib
import functools
import math
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import scipy.linalg.cython_blas  # noqa: F401 - the BLAS that np.dot calls, loaded before its threads are counted
import torch
from threadpoolctl import ThreadpoolController

from sedsep.compiled import compiled

SHARE = 2  # parts per thread: a thread that the system delays leaves some of its own to the others
SPARE = 1.25  # a kept block may be so many times larger than what is asked for

LEAST = 64  # frames of a piece where threads are many and a clip is short

kernel = compiled(error_model="numpy", fused=True)


def fusable(x: torch.Tensor) -> bool:
    """Whether the fused operations take ``x``: on CPU, in plain float32 or float64, and not while compiling."""
    plain = x.dtype in (torch.float32, torch.float64) and not torch.is_autocast_enabled("cpu")
    return x.device.type == "cpu" and plain and not torch.compiler.is_compiling()


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


@functools.cache
def _one_at_a_time() -> threading.RLock:
    return threading.RLock()


class Crew(contextlib.ExitStack):
    """As many threads as torch has, which share the frames of a clip; a context manager.

    While it is entered, BLAS and OpenMP (torch's) work in the thread that asks, and leave the others to the crew;
    what one thread changes about BLAS holds for all, so a crew waits for that of another thread.

    Attributes:
        parts: ``(first, last)`` of the parts of a clip, whole pieces but for the end. They follow from the number of
            threads, and so does the last bit of what is summed over frames.
    """

    def __init__(self, n_frames: int, piece: int):
        super().__init__()
        self.n_threads, self.pool = torch.get_num_threads(), None
        self.piece = min(piece, max(LEAST, -(-n_frames // self.n_threads)))
        n_pieces = -(-n_frames // self.piece)
        n_parts = max(1, min(SHARE * self.n_threads, n_pieces))
        self.parts = pieces(n_frames, self.piece * max(1, -(-n_pieces // n_parts)))

    def __enter__(self):
        with contextlib.ExitStack() as stack:  # which undoes what is done if the rest fails
            stack.enter_context(_one_at_a_time())
            stack.enter_context(_libraries().limit(limits=1))
            if min(self.n_threads, len(self.parts)) > 1:
                self.pool = stack.enter_context(ThreadPoolExecutor(self.n_threads))
            self.push(stack.pop_all())
        return self

    def run(self, function, *arguments) -> None:
        """Call ``function(part, first, last, size, *arguments)`` for every part."""
        calls = [(part, first, last, self.piece, *arguments) for part, (first, last) in enumerate(self.parts)]
        if self.pool is None:
            for call in calls:
                function(*call)
            return
        for result in [self.pool.submit(function, *call) for call in calls]:
            result.result()
