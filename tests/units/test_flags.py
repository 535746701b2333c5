"""Flags stick in hardware; in simulation ``saturated`` counts and ``misframed`` is an error."""

import pytest
from amaranth.hdl import unsigned
from helpers.bench import observe, raises
from helpers.functions import Horner, Mix
from helpers.streams import tokens
from sdpaflow.graph import Dataflow
from sdpaflow.numerics import SQ, UQ, Add, Divide, Narrow, Sum
from sdpaflow.units import Fork, Map, MemReduce, Reduce, Repeat, Replay, Scan
from sdpaflow_sim.engines.amaranth import simulate
from sdpaflow_sim.engines.stalls import Stall
from sdpaflow_sim.errors import FramingError

BYTE = unsigned(8)
GROUPS = [[1, 2], [3], [6, 6, 2], [7, 1, 7], [1]]  # sums of 3 bits: 14 and 15 are clamped

SATURATING = {  # unit, its sources, results, and how often something is clamped
    "Map": (lambda: Map(Narrow(UQ(4), UQ(3))), {"i": range(16)}, 16, 8),
    "Map in a loop": (
        lambda: Map(Divide(UQ(3), UQ(3), UQ(2))),
        {"i0": [1, 2, 3, 4, 5, 6, 7, 7], "i1": [1, 1, 1, 1, 1, 1, 0, 3]},
        8,
        4,
    ),
    "Reduce": (lambda: Reduce(Sum(UQ(3), 0)), {"i": tokens(UQ(3), 1, GROUPS)}, 5, 4),
    "Scan": (lambda: Scan(Sum(UQ(3), 0)), {"i": tokens(UQ(3), 1, GROUPS)}, 10, 4),
    "MemReduce": (
        lambda: MemReduce(Sum(UQ(3), 0), 2),
        {"i": tokens(UQ(3), 2, [[[1, 5], [2, 3]], [[7, 0], [0, 7], [1, 1]], [[1], [2]]])},
        5,
        3,
    ),
}


def saturating():
    return pytest.mark.parametrize(
        ("unit", "sources", "results", "count"), SATURATING.values(), ids=SATURATING
    )


@pytest.mark.parametrize("stalls", [{}, {"o": Stall("0001")}], ids=["no stalls", "slow sink"])
@saturating()
def test_each_clamped_token_counts_once(unit, sources, results, count, stalls):
    """However long it waits."""
    trace = simulate(unit(), sources, {"o": results}, stalls=stalls)
    assert trace.saturations == {"unit": count}


def test_saturated_rises_with_the_clamped_result():
    """In the cycle in which that is offered, not before."""
    unit = Map(Narrow(UQ(4), UQ(3)))
    signals = [unit.o.valid, unit.o.payload.data.as_value(), unit.saturated]
    seen = observe(unit, {"i": [3, 7, 8, 1]}, signals, 5)
    assert seen[1:] == [(1, 3, 0), (1, 7, 0), (1, 7, 1), (1, 1, 1)]


@saturating()
def test_saturated_sticks_until_reset(unit, sources, results, count):
    unit = unit()
    seen = observe(unit, {n: list(s) for n, s in sources.items()}, [unit.saturated], 120, reset=110)
    flags = [flag for (flag,) in seen]
    rise = flags.index(1)
    assert flags == [0] * rise + [1] * (111 - rise) + [0] * 9


def test_what_cannot_saturate_has_no_flag():
    for unit in (Map(Add(UQ(3), UQ(3))), Reduce(Horner()), Scan(Horner()), MemReduce(Horner(), 2)):
        unit._MustUse__silence = True
        assert not hasattr(unit, "saturated")


def pair(first, second):
    """Two groups of groups of rank 2, for a companion."""
    return tokens(BYTE, 2, [first, second])


ROW = [[1, 2, 3], [4, 5, 6]]
MISFRAMED = {  # unit, sources that disagree, the cycle in which they do
    "Map": (
        lambda: Map(Mix(2), 1),
        {"i0": tokens(BYTE, 1, [[1, 2, 3]]), "i1": tokens(BYTE, 1, [[1, 2], [3]])},
        1,
    ),
    "Map, second of three": (
        lambda: Map(Mix(3), 2),
        {
            "i0": tokens(BYTE, 2, [[[1, 2], [3]]]),
            "i1": tokens(BYTE, 2, [[[1, 2]], [[3]]]),
            "i2": tokens(BYTE, 2, [[[1, 2], [3]]]),
        },
        1,
    ),
    "Map, third of three": (
        lambda: Map(Mix(3), 2),
        {
            "i0": tokens(BYTE, 2, [[[1, 2], [3]]]),
            "i1": tokens(BYTE, 2, [[[1, 2], [3]]]),
            "i2": tokens(BYTE, 2, [[[1, 2]], [[3]]]),
        },
        1,
    ),
    "Repeat": (
        lambda: Repeat(BYTE, BYTE, 2),
        {"i": tokens(BYTE, 1, [[1], [2, 3]]), "over": pair([[1, 2], [3]], [[4]])},
        1,
    ),
    "Replay of a group that is too short": (
        lambda: Replay(BYTE, BYTE, 4),
        {"i": tokens(BYTE, 1, [[1, 2], [3, 4]]), "over": pair(ROW, ROW)},
        1,
    ),
    "Replay of a group that is too long": (
        lambda: Replay(BYTE, BYTE, 4),
        {"i": tokens(BYTE, 1, [[1, 2, 3, 4]]), "over": pair(ROW, ROW)},
        2,
    ),
    "Replay over a later group that is shorter": (
        lambda: Replay(BYTE, BYTE, 4),
        {"i": tokens(BYTE, 1, [[1, 2, 3]]), "over": pair([[1, 2, 3], [4, 5]], ROW)},
        4,
    ),
    "Replay over a later group that is longer": (
        lambda: Replay(BYTE, BYTE, 4),
        {"i": tokens(BYTE, 1, [[1, 2]]), "over": pair([[1, 2], [3, 4, 5]], ROW)},
        3,
    ),
    "Replay of a group longer than the memory": (
        lambda: Replay(BYTE, BYTE, 2),
        {"i": tokens(BYTE, 1, [[1, 2, 3]]), "over": pair(ROW, ROW)},
        1,
    ),
    "Replay whose rows end apart": (
        lambda: Replay(BYTE, BYTE, 2, 3),
        {
            "i": tokens(BYTE, 2, [[[1, 2], [3, 4]]]),
            "over": tokens(BYTE, 3, [[[[1, 2], [3, 4]]], [[[5, 6]]]]),
        },
        3,
    ),
    "MemReduce of a later group that is shorter": (
        lambda: MemReduce(Horner(), 4),
        {"i": pair([[1, 2, 3], [4, 5]], ROW)},
        4,
    ),
    "MemReduce of a later group that is longer": (
        lambda: MemReduce(Horner(), 4),
        {"i": pair([[1, 2], [3, 4, 5]], ROW)},
        3,
    ),
    "MemReduce of a group longer than the memory": (
        lambda: MemReduce(Horner(), 2),
        {"i": pair(ROW, ROW)},
        1,
    ),
}


@pytest.mark.parametrize(("unit", "sources", "cycle"), MISFRAMED.values(), ids=MISFRAMED)
def test_misframed_stops_a_simulation(unit, sources, cycle):
    """In the cycle in which the inputs first disagree."""
    outputs = {"o": 100}
    with raises(FramingError, f"cycle {cycle}: inputs of unit disagree on where a group ends"):
        simulate(unit(), sources, outputs)


@pytest.mark.parametrize(("unit", "sources", "cycle"), MISFRAMED.values(), ids=MISFRAMED)
def test_misframed_sticks_until_reset(unit, sources, cycle):
    unit = unit()
    seen = observe(unit, sources, [unit.misframed, unit.events["misframed"]], 40, reset=35)
    assert [flag for flag, _ in seen] == [0] * (cycle + 1) + [1] * (35 - cycle) + [0] * 4
    assert [event for _, event in seen].index(1) == cycle


def test_a_framing_error_names_the_unit_of_a_graph():
    """As the graph calls it."""

    class Graph(Dataflow):
        def __init__(self):
            super().__init__()
            q = self.input(BYTE, 1)
            k = self.input(BYTE, 2)
            q_over_k = self.repeat(q, over=k)
            self.output(o=q_over_k)

    sources = {"q": tokens(BYTE, 1, [[1], [2, 3]]), "k": pair([[1, 2], [3]], [[4]])}
    with raises(FramingError, "cycle 2: inputs of q_over_k disagree on where a group ends"):
        simulate(Graph(), sources, {"o": 4})


def test_what_cannot_be_misframed_has_no_flag():
    """One input, or streams without groups around what is joined."""
    units = [
        Map(Mix(2), 0),
        Map(Mix(1), 2),
        Map(Mix(2), 2, paired=True),
        Repeat(BYTE, BYTE, 1),
        Reduce(Horner(), 2),
        Scan(Horner(), 2),
        Fork(BYTE, 2),
    ]
    for unit in units:
        unit._MustUse__silence = True
        assert not hasattr(unit, "misframed")


def test_flags_of_a_signed_sum_rise_at_both_ends():
    for group in ([3, 1], [-4, -1]):
        trace = simulate(Reduce(Sum(SQ(3), 0)), {"i": tokens(SQ(3), 1, [group])}, {"o": 1})
        assert trace.saturations == {"unit": 1}
