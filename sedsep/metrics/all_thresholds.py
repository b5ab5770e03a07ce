"""Events of all thresholds at once: the runs of a track of scores, each with the thresholds at which it exists.

Source: Ebbers, Serizel and Haeb-Umbach, "Threshold-independent evaluation of sound event detection scores" (ICASSP
2022) for counting at every threshold; the runs are the nodes of the track's max-tree, so there are at most as many
as frames, whatever the number of thresholds.

A *level* is the rank of a score among the distinct scores of its class, lowest first; at level ``k`` the frames
whose rank is at least ``k`` are active (threshold just below the ``k``-th score, strict ``>``). A run is detected
at the levels ``ended < k <= born``: it is ``born`` at its lowest score and has ``ended`` once a neighbour is
active.
"""

import numpy as np

from sedsep.compiled import compiled

# Kinds of change other than a cross-trigger, whose kind is the index of the class that is triggered.
FOUND, SUPERFLUOUS = -2, -1


@compiled()
def runs_of_clip(ranks, times, stack_rank, stack_first, onset, offset, born, ended):
    """Runs of one clip's track, written into the last four arrays; returns how many.

    Args:
        ranks: ``(L',)`` levels. times: ``(L' + 1,)`` boundaries in microseconds. stack_*: scratch, ``(L',)``.
    """
    depth = n = 0
    for frame in range(len(ranks) + 1):
        rank = ranks[frame] if frame < len(ranks) else -1
        first = frame
        # The stack holds the runs that are still open, ever higher; a lower score closes those above it.
        while depth and stack_rank[depth - 1] > rank:
            depth -= 1
            first = stack_first[depth]
            before = stack_rank[depth - 1] if depth else -1
            if times[frame] > times[first]:
                onset[n], offset[n] = times[first], times[frame]
                born[n], ended[n] = stack_rank[depth], max(before, rank)
                n += 1
        if rank >= 0 and (depth == 0 or stack_rank[depth - 1] < rank):
            stack_rank[depth], stack_first[depth] = rank, first
            depth += 1
    return n


@compiled()
def changes_of_class(
    label, ranks, n_levels, frame_of_clip, times, time_of_clip, durations,
    reference_of_clip, reference_label, reference_onset, reference_offset,
    dtc, gtc, cttc, kind, clip_of, level_of, amount,
):  # fmt: skip
    """How one class's counts change from level to level in each clip, written into the last four arrays.

    Runs that grow from level to level without changing a count leave no entry.

    Args:
        label: the class. ranks: levels of all its frames, below n_levels.
        frame_of_clip, time_of_clip, reference_of_clip: ``(n_clips + 1,)`` where each clip's frames, boundaries and
            references begin. times, durations: microseconds.
        reference_*: references sorted by clip, label, onset; microseconds.
        dtc, gtc, cttc: shares; cttc above 1 for no cross-triggers.
        kind: FOUND, SUPERFLUOUS, or the class that is cross-triggered. clip_of, level_of: where the count changes,
            on reaching the level from above, by ``amount``. Their length is :func:`most_changes`.

    Returns:
        Number of entries.
    """
    longest = 1
    for clip in range(len(durations)):
        longest = max(longest, frame_of_clip[clip + 1] - frame_of_clip[clip])
    onset, offset = np.empty(longest, np.int64), np.empty(longest, np.int64)
    born, ended = np.empty(longest, np.int64), np.empty(longest, np.int64)
    stack_rank, stack_first = np.empty(longest, np.int64), np.empty(longest, np.int64)
    relevant, covered = np.empty(longest, np.bool_), np.empty(longest, np.int64)
    change = np.zeros(n_levels, np.int64)
    at = 0
    for clip in range(len(durations)):
        n = runs_of_clip(
            ranks[frame_of_clip[clip] : frame_of_clip[clip + 1]],
            times[time_of_clip[clip] : time_of_clip[clip + 1]],
            stack_rank, stack_first, onset, offset, born, ended,
        )  # fmt: skip
        first, last = reference_of_clip[clip], reference_of_clip[clip + 1]
        relevant[:n] = False
        g = first
        while g < last:
            other, begin = reference_label[g], g
            while g < last and reference_label[g] == other:
                g += 1
            if other == label:
                cover(onset[:n], offset[:n], reference_onset[begin:g], reference_offset[begin:g], covered)
                for run in range(n):
                    relevant[run] = covered[run] > 0 and enough(covered[run], dtc, offset[run] - onset[run])
                for reference in range(begin, g):
                    count_reference(
                        onset[:n], offset[:n], born, ended, relevant,
                        reference_onset[reference], reference_offset[reference], gtc, change,
                    )  # fmt: skip
                at = collect(FOUND, clip, n, born, ended, change, kind, clip_of, level_of, amount, at)
        for run in range(n):
            if not relevant[run] and onset[run] < durations[clip]:
                step(change, born[run], ended[run])
        at = collect(SUPERFLUOUS, clip, n, born, ended, change, kind, clip_of, level_of, amount, at)
        g = first
        while g < last and cttc <= 1:
            other, begin = reference_label[g], g
            while g < last and reference_label[g] == other:
                g += 1
            if other != label:
                cover(onset[:n], offset[:n], reference_onset[begin:g], reference_offset[begin:g], covered)
                for run in range(n):
                    touches = not relevant[run] and covered[run] > 0
                    if touches and enough(covered[run], cttc, offset[run] - onset[run]):
                        step(change, born[run], ended[run])
                at = collect(other, clip, n, born, ended, change, kind, clip_of, level_of, amount, at)
    return at


def most_changes(frame_of_clip, reference_of_clip, reference_label) -> int:
    """Most entries that :func:`changes_of_class` can write: per run two, and two for each class of its clip."""
    begins = np.ones(len(reference_label), bool)
    begins[1:] = np.diff(reference_label) != 0
    begins[reference_of_clip[:-1][np.diff(reference_of_clip) > 0]] = True
    n_labels = np.diff(np.concatenate([[0], np.cumsum(begins)])[reference_of_clip])
    return int((2 * np.diff(frame_of_clip) * (2 + n_labels)).sum())


@compiled()
def cover(onset, offset, other_onset, other_offset, covered):
    """Total overlap of each run with the references of a class."""
    for run in range(len(onset)):
        covered[run] = 0
        for g in range(len(other_onset)):
            covered[run] += overlap(onset[run], offset[run], other_onset[g], other_offset[g])


@compiled()
def count_reference(onset, offset, born, ended, relevant, reference_onset, reference_offset, gtc, change):
    """Where one reference becomes found or lost, as its covered part changes level by level from above."""
    level, part = np.empty(2 * len(onset), np.int64), np.empty(2 * len(onset), np.int64)
    n = 0
    for run in range(len(onset)):
        if relevant[run]:
            covered = overlap(onset[run], offset[run], reference_onset, reference_offset)
            if covered > 0:
                level[n], part[n] = born[run], covered
                level[n + 1], part[n + 1] = ended[run], -covered
                n += 2
    order = np.argsort(-level[:n])
    covered, was, i = 0, False, 0
    while i < n and level[order[i]] >= 0:
        now = level[order[i]]
        while i < n and level[order[i]] == now:
            covered += part[order[i]]
            i += 1
        is_found = covered > 0 and enough(covered, gtc, reference_offset - reference_onset)
        if is_found != was:
            change[now] += 1 if is_found else -1
            was = is_found


@compiled()
def collect(what, clip, n, born, ended, change, kind, clip_of, level_of, amount, at):
    """Move the changes at the runs' levels into the entries, and clear them."""
    for run in range(n):
        for level in (born[run], ended[run]):
            if level >= 0 and change[level] != 0:
                kind[at], clip_of[at], level_of[at], amount[at] = what, clip, level, change[level]
                change[level] = 0
                at += 1
    return at


@compiled(inline="always")
def overlap(onset, offset, other_onset, other_offset):
    """Length of the intersection of two intervals, 0 where they are apart."""
    return max(min(offset, other_offset) - max(onset, other_onset), 0)


@compiled(inline="always")
def enough(covered, share, length):
    """Whether whole microseconds ``covered`` are a ``share`` of ``length``, the product's rounding aside."""
    return covered >= share * length - 1e-3


@compiled(inline="always")
def step(change, born, ended):
    """Count one run from level ``born`` down to just above ``ended``."""
    change[born] += 1
    if ended >= 0:
        change[ended] -= 1
