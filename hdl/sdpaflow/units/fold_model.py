"""Folds on whole streams: what Reduce, MemReduce and Scan compute, group by group."""

import numpy as np

from sdpaflow.numerics import raw
from sdpaflow.numerics.operator import Fold, Interleaved
from sdpaflow.units.streams import Raw, group_lengths, starts

__all__ = ["last_states", "step_by_step"]


def last_states(fn: Fold, data: Raw, ends: np.ndarray) -> tuple[Raw, dict[str, int]]:
    """State after each group, and how many tokens were clamped.

    Parameters
    ----------
    fn : :class:`Fold`
        The recurrence.
    data
        Raw tokens of all groups, one group after another.
    ends : numpy.ndarray
        Bools: which tokens are the last of their group.
    """
    state = fn.model_groups(data, starts(ends)) if len(ends) else None
    if state is not None:
        return state, {"saturated": 0} if fn.saturates else {}
    states, _, counts = step_by_step(fn, data, ends)
    last = np.flatnonzero(ends)
    newer = raw.take(states, last)
    if not isinstance(fn, Interleaved):
        return newer, counts
    # The other partial result is that of the token before, where the group has one.
    older = raw.take(states, np.maximum(last - 1, 0))
    alone = last == starts(ends)
    raw.put(older, alone, raw.zeros(fn.state, int(np.sum(alone))))
    merged, over = fn.model_merge(newer, older)
    if over is not None:
        counts = {"saturated": counts["saturated"] + int(over.sum())}
    return merged, counts


def step_by_step(fn: Fold, data: Raw, ends: np.ndarray) -> tuple[Raw, Raw, dict[str, int]]:
    """State and emitted token after each token, all groups in step; and how many were clamped."""
    first_of, lengths = starts(ends), group_lengths(ends)
    states = raw.zeros(fn.state, len(ends))
    emitted = raw.zeros(fn.shape, len(ends))
    clamped = 0
    for step in range(lengths.max(initial=0)):
        index = first_of[lengths > step] + step
        first = step < fn.ways
        old = raw.take(states, index - (0 if first else fn.ways))
        token = raw.take(data, index)
        new, over = fn.model(first, old, token)
        raw.put(states, index, new)
        raw.put(emitted, index, fn.model_emit(first, old, new, token))
        clamped += 0 if over is None else int(over.sum())
    return states, emitted, {"saturated": clamped} if fn.saturates else {}
