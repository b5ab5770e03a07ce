"""Crew: every frame once, threads that are there, libraries that keep to one."""

import threading

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info

from sedsep.nnet.fast.crew import Crew, kernel, pieces


@pytest.mark.parametrize("n_frames", [1, 9, 10, 11, 25])
def test_pieces_cover_the_clip_once(n_frames):
    covered = [frame for first, last in pieces(n_frames, 10) for frame in range(first, last)]
    assert covered == list(range(n_frames))


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
