"""Tools of the fast path: where it applies, its memory, its threads."""

import threading

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info

from sedsep.nnet.fast.crew import Crew, Memory, empty, fusable, kernel, pieces


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


@kernel
def add_frames(part, first, last, size, x, sums):
    """Adds to each part's sum its frames, piece by piece."""
    for i in range(first, last, size):
        sums[part] += x[i : min(i + size, last)].sum()


@pytest.mark.parametrize("n_threads", [1, 2, 3])
@pytest.mark.parametrize("n_frames", [0, 1, 4, 5, 23, 100])
def test_a_crew_takes_every_frame_once(n_frames, n_threads, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: n_threads)
    x = np.arange(1.0, n_frames + 1)
    with Crew(n_frames, 4) as crew:
        assert [first for first, _ in crew.parts] == [0, *(last for _, last in crew.parts)][: len(crew.parts)]
        assert all((last - first) % 4 == 0 for first, last in crew.parts[:-1])
        assert len(crew.parts) <= 2 * n_threads
        sums = np.zeros(len(crew.parts))
        crew.run(add_frames, x, sums)
    assert sums.sum() == x.sum() and (sums > 0).all()


def test_the_members_of_a_crew_are_threads_and_their_errors_arrive(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    meeting = threading.Barrier(2, timeout=20)  # passes only if both are there

    def meet(part, first, last, size):
        if part < 2:
            meeting.wait()
        if part == 3:
            raise ValueError("part 3")

    with Crew(8, 2) as crew, pytest.raises(ValueError, match="part 3"):
        crew.run(meet)


def test_libraries_keep_to_one_thread_beside_a_crew_and_get_theirs_back():
    before = [library["num_threads"] for library in threadpool_info()]
    with Crew(8, 2):
        assert {library["num_threads"] for library in threadpool_info()} == {1}
    assert [library["num_threads"] for library in threadpool_info()] == before


def test_short_clips_have_smaller_pieces_where_threads_are_many(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 32)
    assert Crew(2000, 512).piece == 64 and len(Crew(2000, 512).parts) == 32
    assert Crew(8000, 512).piece == 250 and Crew(100_000, 512).piece == 512


def test_crews_of_several_threads_leave_the_libraries_as_they_were():
    before = [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]
    inside, may_leave = threading.Event(), threading.Event()

    def work():
        with Crew(8, 2):
            inside.set()
            may_leave.wait(20)

    other = threading.Thread(target=work)
    other.start()
    inside.wait(20)
    threading.Timer(0.1, may_leave.set).start()
    with Crew(8, 2):  # waits for the other: what it found was not that one's limit
        assert not other.is_alive() or may_leave.is_set()
    other.join()
    assert [x["num_threads"] for x in threadpool_info() if x["user_api"] == "blas"] == before
