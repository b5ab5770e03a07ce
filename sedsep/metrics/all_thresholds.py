"""Events of all thresholds at once: the runs of a track of scores, each with the thresholds at which it exists.

Source: Ebbers, Serizel and Haeb-Umbach, "Threshold-independent evaluation of sound event detection scores" (ICASSP
2022) for counting at every threshold; the runs are the nodes of the track's max-tree, so there are at most as many
as frames, whatever the number of thresholds.

A *level* is the rank of a score among the distinct scores of its class, lowest first; at level ``k`` the frames
whose rank is at least ``k`` are active (threshold just below the ``k``-th score, strict ``>``). A run is detected
at the levels ``ended < k <= born``: it is ``born`` at its lowest score and has ``ended`` once a neighbour is active.
"""

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
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


@numba.njit(cache=True, nogil=True)
def count_class(
    label, ranks, frame_of_clip, times, time_of_clip, weights, durations,
    reference_of_clip, reference_label, reference_onset, reference_offset,
    criteria, trigger_weight, found, superfluous, triggers,
):  # fmt: skip
    """Changes of one class's counts from level to level, for S settings; added to the last three arrays.

    Args:
        label: the class. ranks: levels of all its frames. frame_of_clip, time_of_clip, reference_of_clip:
            ``(n_clips + 1,)`` where each clip's frames, boundaries and references begin. times: microseconds.
        weights: ``(n_clips,)`` how often a clip counts. durations: ``(n_clips,)`` microseconds.
        reference_*: references sorted by clip, label, onset; microseconds.
        criteria: ``(S, 3)`` dtc, gtc, cttc. trigger_weight: ``(C,)`` what one cross-trigger of a class counts.
        found, superfluous: ``(S, K)`` changes of true and false positives on reaching a level from above.
        triggers: ``(S, K)`` the same of weighted cross-triggers.
    """
    longest = 1
    for clip in range(len(weights)):
        longest = max(longest, frame_of_clip[clip + 1] - frame_of_clip[clip])
    onset, offset = np.empty(longest, np.int64), np.empty(longest, np.int64)
    born, ended = np.empty(longest, np.int64), np.empty(longest, np.int64)
    stack_rank, stack_first = np.empty(longest, np.int64), np.empty(longest, np.int64)
    relevant = np.empty(longest, np.bool_)
    level, change = np.empty(2 * longest, np.int64), np.empty(2 * longest, np.int64)
    for clip in range(len(weights)):
        weight = weights[clip]
        if weight == 0 or frame_of_clip[clip + 1] == frame_of_clip[clip]:
            continue
        n = runs_of_clip(
            ranks[frame_of_clip[clip] : frame_of_clip[clip + 1]],
            times[time_of_clip[clip] : time_of_clip[clip + 1]],
            stack_rank, stack_first, onset, offset, born, ended,
        )  # fmt: skip
        first, last = reference_of_clip[clip], reference_of_clip[clip + 1]
        for setting in range(len(criteria)):
            dtc, gtc, cttc = criteria[setting]
            for run in range(n):
                length = offset[run] - onset[run]
                covered = 0
                for g in range(first, last):
                    if reference_label[g] == label:
                        covered += overlap(onset[run], offset[run], reference_onset[g], reference_offset[g])
                relevant[run] = covered > 0 and enough(covered, dtc, length)
                if relevant[run]:
                    continue
                if onset[run] < durations[clip]:
                    step(superfluous, setting, born[run], ended[run], weight)
                g = first
                while g < last:
                    other, covered = reference_label[g], 0
                    while g < last and reference_label[g] == other:
                        covered += overlap(onset[run], offset[run], reference_onset[g], reference_offset[g])
                        g += 1
                    if other != label and covered > 0 and enough(covered, cttc, length):
                        step(triggers, setting, born[run], ended[run], weight * trigger_weight[other])
            for g in range(first, last):
                if reference_label[g] != label:
                    continue
                entries = 0
                for run in range(n):
                    if relevant[run]:
                        covered = overlap(onset[run], offset[run], reference_onset[g], reference_offset[g])
                        if covered > 0:
                            level[entries], change[entries] = born[run], covered
                            level[entries + 1], change[entries + 1] = ended[run], -covered
                            entries += 2
                length = reference_offset[g] - reference_onset[g]
                count_reference(level[:entries], change[:entries], gtc, length, weight, found, setting)


@numba.njit(cache=True, nogil=True)
def count_reference(level, change, gtc, length, weight, found, setting):
    """Where one reference becomes found or lost, as its covered part changes from level to level, highest first."""
    order = np.argsort(-level)
    covered, was, i = 0, False, 0
    while i < len(order) and level[order[i]] >= 0:
        now = level[order[i]]
        while i < len(order) and level[order[i]] == now:
            covered += change[order[i]]
            i += 1
        is_found = covered > 0 and enough(covered, gtc, length)
        if is_found != was:
            found[setting, now] += weight if is_found else -weight
            was = is_found


@numba.njit(cache=True, nogil=True, inline="always")
def overlap(onset, offset, other_onset, other_offset):
    """Length of the intersection of two intervals, 0 where they are apart."""
    return max(min(offset, other_offset) - max(onset, other_onset), 0)


@numba.njit(cache=True, nogil=True, inline="always")
def enough(covered, share, length):
    """Whether whole microseconds ``covered`` are at least a ``share`` of ``length``, the product's rounding aside."""
    return covered >= share * length - 1e-3


@numba.njit(cache=True, nogil=True, inline="always")
def step(changes, setting, born, ended, amount):
    """Count ``amount`` from level ``born`` down to just above ``ended``."""
    changes[setting, born] += amount
    if ended >= 0:
        changes[setting, ended] -= amount
