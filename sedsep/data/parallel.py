"""Work over many indices in several processes; results arrive with their index, errors in the parent."""

import multiprocessing
import queue as queues

from sedsep.errors import UserError


def over(function, count: int, workers: int):
    """Yield ``(index, result)`` for ``index`` in ``range(count)``, in any order.

    Args:
        function: takes a range of indices, not empty, and yields ``(index, result)``. Each process gets its own copy
            of it (a cache inside it stays warm) and every ``workers``-th index.

    Raises:
        UserError: what ``function`` raised, or a process died (killed, or out of memory).
    """
    if workers <= 1 or count <= 1:
        yield from function(range(count)) if count else ()
        return
    context = multiprocessing.get_context("spawn")
    results = context.Queue(maxsize=64 * workers)
    processes = [
        context.Process(target=_work, args=(function, range(first, count, workers), results), daemon=True)
        for first in range(min(workers, count))
    ]
    try:
        for process in processes:
            process.start()
        received = 0
        while received < count:
            try:
                index, result = results.get(timeout=1.0)
            except queues.Empty:
                if any(process.exitcode not in (None, 0) for process in processes):
                    raise UserError("a worker process died (out of memory?); try again with fewer --workers") from None
                continue
            if index is None:
                raise result
            received += 1
            yield index, result
        for process in processes:
            process.join()
    finally:
        for process in processes:
            if process.is_alive():
                process.terminate()


def _work(function, indices, results):
    try:
        for indexed in function(indices):
            results.put(indexed)
    except (UserError, OSError, AssertionError, ValueError, MemoryError) as error:
        results.put((None, error))
