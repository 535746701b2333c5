"""The fill of FIFOs over time, from a run small enough to look at."""

from sdpaflow_sim.attention.heads import Workload
from sdpaflow_sim.attention.inputs import split_heads
from sdpaflow_sim.engines.amaranth import simulate
from sdpaflow_sim.study.points import Point

__all__ = ["KEYS", "QUERIES", "fills"]

KEYS = 64
"""Length of the rows that are looked at."""

QUERIES = 5
"""How many of them."""


def fills(pipeline: str, seed: int = 0, arguments: tuple[str, ...] = ()) -> dict[str, list[int]]:
    """Words in FIFOs, cycle by cycle, at d = 1.

    Parameters
    ----------
    pipeline : :class:`str`
        As for :class:`Point`.
    seed : :class:`int`
        Of the data.
    arguments : tuple of :class:`str`
        As for :class:`Point`.

    Returns
    -------
    dict of list of :class:`int`
        By name of the long FIFO. Where there is none, under the empty name: words in the fullest
        FIFO of each cycle.
    """
    point = Point(pipeline, 1, 1, KEYS, seed, "amaranth", arguments)
    dut = point.build()
    q, k, v = point.data()
    workload = Workload(dut.config, split_heads(q[:QUERIES], k, v))
    names = [edge.name for edge in dut.edges]
    trace = simulate(dut, workload.sources(), {"o": workload.outputs}, watch=False, levels=names)
    long = {edge.name: trace.levels[edge.name] for edge in dut.edges if edge.is_long}
    return long or {"": [max(words) for words in zip(*trace.levels.values(), strict=True)]}
