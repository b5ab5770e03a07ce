"""Crew: threads that share the frames of a clip, for the fast path on CPU.

They run kernels: compiled functions ``kernel(part, first, last, size, ...)``, which work on the frames ``first`` to
``last - 1`` of a clip in pieces of ``size`` frames that stay in cache: a matrix product (numba's ``np.dot`` calls the
BLAS of scipy) and what comes before and after it in one go. Sums over frames go to row ``part`` of an array.
"""

import contextlib
import functools
import threading
from concurrent.futures import ThreadPoolExecutor

import scipy.linalg.cython_blas  # noqa: F401 - the BLAS that np.dot calls, loaded before its threads are counted
import torch
from threadpoolctl import ThreadpoolController

from sedsep.compiled import compiled

SHARE = 2  # parts per thread: a thread that the system delays leaves some of its own to the others
LEAST = 64  # frames of a piece where threads are many and a clip is short

kernel = compiled(error_model="numpy", fused=True)


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
