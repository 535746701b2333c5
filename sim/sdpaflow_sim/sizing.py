"""How deep FIFOs have to be, found by simulation."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sdpaflow.graph import Dataflow, Stream

from sdpaflow_sim.checking import check
from sdpaflow_sim.errors import DeadlockError

__all__ = ["Depths", "depths", "search"]

AROUND = 3
"""Depths on either side of a threshold that are tried too."""


@dataclass
class Depths:
    """A FIFO, and the least words it needs while all others have those that they are built with.

    Attributes
    ----------
    name : :class:`str`
        Of the FIFO.
    built : :class:`int`
        Words it is built with.
    completes : :class:`int`
        From so many words on, the run comes to its end.
    full_rate : :class:`int`
        From so many on, it takes no more cycles than as built.
    cycles : dict of :class:`int`
        What the run took, by every depth that was tried; None for a deadlock.
    """

    name: str
    built: int
    completes: int
    full_rate: int
    cycles: dict[int, int | None]


def depths(
    make: Callable[[], Dataflow],
    inputs: Mapping[str, Stream],
    *,
    names: Iterable[str] | None = None,
    progress: Callable[[int], object] | None = None,
    **options: Any,
) -> list[Depths]:
    """Least depths of the FIFOs of a graph, for given inputs, every output checked by bits.

    Parameters
    ----------
    make : callable
        Gives the :class:`Dataflow`, anew with each call.
    inputs : dict of :class:`Stream`
        By name of the input.
    names : iterable of :class:`str`
        FIFOs to look at; all, unless given.
    progress : callable
        Called with the number of FIFOs done, after each.
    **options
        For :func:`sdpaflow_sim.checking.check`.

    Returns
    -------
    list of :class:`Depths`
        In the order of the graph.

    Raises
    ------
    DeadlockError
        The graph is stuck as it is built.
    SimulationError
        A run went wrong in another way: bits that differ, the limit of cycles.
    """
    return search(make, lambda graph: check(graph, inputs, **options)[1], names, progress)


def search(
    make: Callable[[], Dataflow],
    run: Callable[[Dataflow], Any],
    names: Iterable[str] | None = None,
    progress: Callable[[int], object] | None = None,
) -> list[Depths]:
    """Least depths of the FIFOs of a graph, by runs of whatever kind.

    A threshold is found by bisection, which takes it that more words never do harm. They may: from
    3 words on a FIFO takes a cycle longer. So the depths where that changes, and those around each
    threshold, are tried too, and if they contradict it, every depth is.

    Parameters
    ----------
    make : callable
        Gives the :class:`Dataflow`, anew with each call.
    run : callable
        Takes it, and returns a :class:`Trace` or a :class:`Report`; raises :class:`DeadlockError`
        where it is stuck.
    names, progress
        As in :func:`depths`.

    Returns
    -------
    list of :class:`Depths`
    """
    built = {edge.name: edge.depth for edge in make().edges}
    wanted = set(built if names is None else names)
    if strangers := sorted(wanted - built.keys()):
        raise ValueError(f"There is no FIFO {strangers[0]!r}, only {', '.join(built)}")
    full = run(make()).cycles
    found = []
    for name, depth in built.items():
        if name in wanted:
            found.append(_of(name, depth, full, make, run))
            if progress:
                progress(len(found))
    return found


def _of(
    name: str,
    built: int,
    full: int,
    make: Callable[[], Dataflow],
    run: Callable[[Dataflow], Any],
) -> Depths:
    """Thresholds of one FIFO."""
    cycles: dict[int, int | None] = {built: full}

    def taken(depth: int) -> int | None:
        if depth not in cycles:
            try:
                cycles[depth] = run(make().resize({name: depth})).cycles
            except DeadlockError:
                cycles[depth] = None
        return cycles[depth]

    def completes(depth: int) -> bool:
        return taken(depth) is not None

    def keeps_rate(depth: int) -> bool:
        cycles = taken(depth)
        return cycles is not None and cycles <= full

    return Depths(name, built, _least(completes, built), _least(keeps_rate, built), cycles)


def _least(good: Callable[[int], bool], most: int) -> int:
    """The least depth from which on all that were tried are good; ``most`` is known to be."""
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if good(middle) else (middle, high)
    tried = {1, 2, 3, *range(high - AROUND, high + AROUND + 1)} & set(range(1, most + 1))
    if any(good(depth) != (depth >= high) for depth in sorted(tried)):
        tried = set(range(1, most + 1))
    bad = [depth for depth in tried if not good(depth)]
    return max(bad, default=0) + 1
