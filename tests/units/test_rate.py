# amaranth: UnusedElaboratable=no
"""One token per cycle with no bubble between groups, and the latency that each unit declares.

Sources never starve and sinks are always ready, so N tokens accepted in N consecutive cycles show
in the cycles of the results.
"""

import random

import pytest
from amaranth.hdl import unsigned
from amaranth.lib import data
from helpers.bench import observe
from helpers.cases import CASES, Case, Port, run
from helpers.functions import Horner, Mix
from helpers.streams import tokens
from sdpaflow.numerics import SQ, UQ, Divide, RescaledSum, Serial
from sdpaflow.numerics.raw import width
from sdpaflow.units import Fifo, Fork, Map, MemReduce, Reduce, Repeat, Replay, Scan
from sdpaflow_sim.engines.amaranth import simulate
from sdpaflow_sim.engines.stalls import Stall

BYTE = unsigned(8)
BYTE_NUMBER = UQ(8, 0)
LATENCIES = {  # in cycles
    "Map of one argument": 2,
    "Map of two": 2,
    "Map of three": 2,
    "Map of pairs": 2,
    "Map in four stages": 5,
    "Map in eight stages": 8,
    "Scan of rank 1": 1,
    "Scan of rank 2": 1,
    "Scan of rank 3": 1,
    "Scan of a running maximum": 1,
    "Scan of a running maximum ahead": 3,
    "Repeat of rank 1": 0,
    "Repeat of rank 2": 0,
    "Repeat of rank 3": 0,
    "Replay of rank 2 in 1 words": 0,
    "Replay of rank 2 in 3 words": 0,
    "Replay of rank 2 in 4 words": 0,
    "Replay of rank 3 in 3 words": 0,
    "Fork of rank 0": 0,
    "Fork of rank 2": 0,
    "Fork to three": 0,
    "Fifo of depth 2": 1,
    "Fifo of depth 3": 1,
    "Fifo of depth 4": 3,
    "Fifo of depth 7": 3,
    "Fifo that chooses late": 1,
}


@pytest.mark.parametrize("name", LATENCIES)
def test_a_token_out_for_each_token_in(name):
    """In consecutive cycles, each as late as the unit says: N tokens take N + latency cycles."""
    trace = run(CASES[name])
    for times in trace.times.values():
        assert times == [LATENCIES[name] + n for n in range(len(times))]
    assert trace.cycles == len(times) + LATENCIES[name]
    assert CASES[name].unit().latency == LATENCIES[name]


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_reduce_gives_each_result_a_cycle_after_its_last_token(rank):
    """Groups of one included, so that results may leave in every cycle."""
    case = CASES[f"Reduce of rank {rank}"]
    ends = [n for n, token in enumerate(case.inputs["i"].tokens) if token >> 8 & 1]
    assert run(case).times["o"] == [end + 1 for end in ends]
    assert case.unit().latency == 1


@pytest.mark.parametrize(
    "name", ["Reduce in two cycles, of rank 1", "Reduce of vectors in two cycles"]
)
def test_a_fold_of_two_cycles_takes_a_token_in_each(name):
    """Results follow their last tokens by four cycles, and each other by four at least."""
    case = CASES[name]
    port = case.inputs["i"]
    waited, wanted = 0, []
    for n, token in enumerate(port.tokens):
        if token >> width(port.shape) & 1:
            late = max(n + waited + 4, wanted[-1] + 4 if wanted else 0)
            waited = late - n - 4
            wanted.append(late)
    assert waited  # some groups are of one token
    assert run(case).times["o"] == wanted
    assert case.unit().latency == 4


def test_a_fold_of_two_cycles_does_not_wait_after_groups_of_four():
    layout = data.StructLayout({"x": BYTE_NUMBER, "down": UQ(3, 0), "shift": UQ(5, 0)})
    fn = RescaledSum(layout, "x", 8)
    groups = [[(n, 0, 1)] * 4 for n in range(10)]
    case = Case(
        lambda: Reduce(fn),
        {"i": Port(layout, 1, groups)},
        {"o": Port(fn.state, 0, [4 * 128 * n for n in range(10)])},
    )
    assert run(case).times["o"] == [4 * n + 7 for n in range(10)]


@pytest.mark.parametrize(
    ("lengths", "groups"), [([4, 4, 4], 3), ([1, 1, 1, 1], 1), ([1, 1, 1], 3), ([3, 3], 2)]
)
def test_mem_reduce_in_two_cycles_takes_a_token_in_every_cycle(lengths, groups):
    """Also of groups and of rows of one token."""
    layout = data.StructLayout({"x": BYTE_NUMBER, "down": UQ(3, 0), "shift": UQ(5, 0)})
    fn, rows, at = RescaledSum(layout, "x", 8), [], 0
    for length in lengths:
        rows.append([[((at := at + 1) % 256, 0, 1) for _ in range(length)] for _ in range(groups)])
    results = [
        [128 * sum(number for number, *_ in column) for column in zip(*row, strict=True)]
        for row in rows
    ]
    case = Case(
        lambda: MemReduce(fn, 4),
        {"i": Port(layout, 2, rows)},
        {"o": Port(fn.state, 1, results)},
    )
    wanted, end = [], 0
    for length in lengths:
        end += length * groups
        wanted += range(end + 3, end + 3 + length)
    assert run(case).times["o"] == wanted


def table(lengths, groups=3, seed=1):
    """A MemReduce of a row for each length, of so many groups of that length."""
    rng = random.Random(seed)
    rows = [[[rng.randrange(256) for _ in range(n)] for _ in range(groups)] for n in lengths]
    results = [[Horner.of(column) for column in zip(*row, strict=True)] for row in rows]
    return Case(
        lambda: MemReduce(Horner(), 4),
        {"i": Port(BYTE, 2, rows)},
        {"o": Port(Horner.state, 1, results)},
    )


@pytest.mark.parametrize("groups", [1, 2, 3])
@pytest.mark.parametrize(
    "lengths", [[4, 4, 4, 4], [1, 1, 1, 1], [3, 3, 3], [1, 2, 3, 4], [1, 4, 4]]
)
def test_mem_reduce_takes_a_token_in_every_cycle(lengths, groups):
    """While results leave, the next row is already folded: also rows of one group.

    The first result follows the row's last token by one cycle, the others follow in a row.
    """
    wanted, end = [], 0
    for length in lengths:
        end += length * groups
        wanted += range(end, end + length)
    assert run(table(lengths, groups)).times["o"] == wanted


def test_mem_reduce_waits_when_groups_become_shorter():
    """A group cannot end before the results of longer ones have left: here for 4 − 2 cycles."""
    assert run(table([4, 2, 2], 2)).times["o"] == [8, 9, 10, 11, 14, 15, 18, 19]
    assert run(table([4, 1], 1)).times["o"] == [4, 5, 6, 7, 8]


@pytest.mark.parametrize("lanes", [2, 5, 12])
def test_map_of_lanes_in_turn_takes_a_token_each_interval(lanes):
    """And declares it: a cycle per lane, and one to take the vector."""
    fn = Serial(Divide(UQ(4, 4), UQ(2, 2), UQ(4, 3), 2), lanes)
    sources = {"i0": list(range(20)), "i1": [5] * 20}
    trace = simulate(Map(fn), sources, {"o": 20})
    assert trace.times["o"] == [8 + lanes + n * (lanes + 1) for n in range(20)]
    assert (fn.latency, fn.interval) == (8 + lanes, lanes + 1)


def test_a_fifo_of_depth_1_halves_the_rate():
    """Depth 2 is the least that keeps one token per cycle."""
    trace = run(CASES["Fifo of depth 1"])
    assert trace.times["o"] == [1 + 2 * n for n in range(len(trace.times["o"]))]
    assert [Fifo.latency_of(depth) for depth in (1, 2, 3, 4, 100)] == [1, 1, 1, 3, 3]


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 7])
def test_a_fifo_holds_as_many_tokens_as_its_depth(depth):
    """Its level counts them; nothing is lost when they leave."""
    unit = Fifo(BYTE, 0, depth)
    stream = list(range(20))
    levels = observe(unit, {"i": stream}, [unit.level, unit.i.ready], 20, ready=False)
    assert [level for level, _ in levels] == [min(cycle, depth) for cycle in range(20)]
    assert [ready for _, ready in levels] == [cycle < depth for cycle in range(20)]
    stalls = {"o": Stall("0" * 20 + "1" * 100)}
    assert simulate(Fifo(BYTE, 0, depth), {"i": stream}, {"o": 20}, stalls=stalls).outputs == {
        "o": stream
    }


@pytest.mark.parametrize(
    ("fn", "holds"),
    [
        (Mix(1), 2),
        (Divide(UQ(4, 4), UQ(2, 2), UQ(4, 3), 2), 8),
        *(
            (Serial(Divide(UQ(4, 4), UQ(2, 2), UQ(4, 3), 2), n), 2 + 7 // (n + 1))
            for n in (2, 3, 7, 8)
        ),
    ],
    ids=str,
)
def test_a_stalled_map_holds_a_token_in_every_set_of_registers(fn, holds):
    """Of lanes in turn: what is being fed, what is on offer, and those that are all between."""
    unit = Map(fn)
    sources = {name: list(range(20)) for name in unit.names}
    seen = observe(unit, sources, [getattr(unit, unit.names[0]).ready], 80, ready=False)
    assert sum(ready for (ready,) in seen) == holds == unit.words


def test_a_stalled_pipeline_closes_its_gaps():
    """Each stage advances while any behind it is free: what came with gaps leaves without."""
    stalls = {"i": Stall("10000"), "o": Stall("0" * 20 + "1" * 40)}
    trace = simulate(Map(Mix(1)), {"i": range(4)}, {"o": 4}, stalls=stalls)
    assert trace.times["o"][:2] == [20, 21]


def test_intermediate_memory_is_what_a_unit_can_hold():
    """In words and in the bits of their data, as declared."""
    # Three steps of four bits each, between the operands and the rounding.
    division = Divide(UQ(4, 4), UQ(2, 2), UQ(4, 3), 3)
    stages = 4 * (4 + 5 + 9 + 1) + (8 + 1 + 1)
    units = {
        Map(Mix(2), 1): (2, (10 + 11) + 8),
        Map(division): (6, stages + 7),
        Map(Serial(division, 4)): (3, stages + (4 * 8 + 4) + 4 * 7),
        Reduce(Horner(), 2): (1, 16),
        Scan(Horner(), 2): (2, 16 + 16),
        MemReduce(Horner(), 5): (5, 5 * 16),
        Replay(BYTE, SQ(4, 4), 5): (5, 5 * 8),
        Repeat(BYTE, SQ(4, 4)): (0, 0),
        Fork(BYTE, 1): (0, 0),
        Fifo(SQ(4, 4), 2, 7): (7, 7 * (8 + 2)),
    }
    for unit, memory in units.items():
        assert (unit.words, unit.bits) == memory


def test_tokens_carry_last_above_their_data():
    """The innermost group's bit lowest."""
    assert tokens(BYTE, 2, [[[1, 2], [3]]]) == [1, 2 | 0x100, 3 | 0x300]
