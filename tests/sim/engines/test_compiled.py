# amaranth: UnusedElaboratable=no
"""The compiled engine: its traces are those of Amaranth's simulator, field for field."""

import random

import numpy as np
import pytest
from amaranth.hdl import Module, unsigned
from amaranth.lib.wiring import In, Out
from attention import NAMES, head, pipeline
from helpers.bench import raises
from helpers.cases import CASES
from helpers.engines import BOARDS, ENGINES, Board, agree, schedules, streams
from sdpaflow.graph import Dataflow
from sdpaflow.numerics import UQ, Add, Narrow
from sdpaflow.units import Unit, tokens
from sdpaflow_sim.attention.heads import Workload
from sdpaflow_sim.checking import check
from sdpaflow_sim.engines.compiled import engine
from sdpaflow_sim.engines.stalls import Stall
from sdpaflow_sim.engines.tokens import from_words
from sdpaflow_sim.errors import DeadlockError, FramingError, InputError, LimitError
from sdpaflow_sim.streams import stream_of


@pytest.mark.parametrize("board", range(2))
@pytest.mark.slow
def test_units_under_random_stalls(board):
    """Every unit there is: bits, times, counts of clamped tokens, and the contract watched."""
    names = BOARDS[board]
    sources, counts = streams(names)
    dut = Board(names)
    for seed in range(2):
        stalls = schedules(random.Random(seed), [*sources, *counts])
        trace = agree(dut, sources, counts, stalls=stalls, limit=5000)
        assert {port: len(tokens) for port, tokens in trace.outputs.items()} == counts
    again = agree(dut, sources, counts, stalls=stalls, abandoned=(sources, 9), limit=5000)
    assert again == trace
    kind, message = agree(dut, sources, counts, stalls=stalls, limit=trace.cycles // 2)
    assert kind is LimitError
    assert "not finished after" in message


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.slow
def test_pipelines_under_random_stalls(name):
    """In beats, with scores that saturate where they can; and every stream inside watched."""
    dut = pipeline(name, d=2, lanes=1, dv=4, row_max=7, segments=16, digits=2)
    q, k, v = head(d=2, dv=4, n_q=5, n_k=7)
    workload = Workload(dut.config, [(q * 20, k, v), (q, k[:4], v[:4])], [[1, 7, 3, 7, 2], [4] * 5])
    for seed in range(3):
        stalls = schedules(random.Random(seed), "qkvo") if seed else {}
        names = [edge.name for edge in dut.edges]
        trace = agree(dut, workload.sources(), {"o": workload.outputs}, stalls=stalls, levels=names)
        assert len(trace.fill) == trace.cycles
        assert trace.fill == [sum(levels) for levels in zip(*trace.levels.values(), strict=True)]
        assert {name: max(levels) for name, levels in trace.levels.items()} == trace.peaks
    outputs, clamped = workload.expected(dut)
    assert (workload.decode(trace.outputs["o"]) == outputs).all()
    assert trace.saturations == clamped
    assert (name not in {"naive", "reordered"}) or any(clamped.values())


@pytest.mark.slow
def test_a_row_that_is_too_short_is_diagnosed_alike():
    """The cycle from which nothing moves, and the same circle of units."""
    dut = pipeline("naive", 2, 1, row_max=7, depths={"row": 3}, segments=16, digits=4)
    workload = Workload(dut.config, [head(2, n_q=2, n_k=7)])
    for stalls in ({}, {"o": Stall("001"), "v": Stall("random:0.6", 3)}):
        kind, message = agree(
            dut, workload.sources(), {"o": workload.outputs}, stalls=stalls, limit=9999
        )
        assert kind is DeadlockError
        assert "waits for room in FIFO row, which is full with 3 words" in message


class Summed(Dataflow):
    """Two streams added, then narrowed: ends of groups may differ, and sums be clamped."""

    def __init__(self):
        super().__init__()
        a = self.input(UQ(8), 1)
        b = self.input(UQ(8), 1)
        both = self.map(Add(UQ(8), UQ(8)), a, b)
        short = self.map(Narrow(both.shape, UQ(6)), both)
        self.output(o=short)


def test_streams_that_disagree_are_named_alike():
    """In the same cycle, by the same unit."""
    one, other = [1, 2, 1 << 8 | 3], [1, 1 << 8 | 2, 1 << 8 | 3]
    for stalls in ({}, {"b": Stall("0001")}):
        kind, message = agree(Summed(), {"a": one, "b": other}, {"o": 3}, stalls=stalls)
        assert kind is FramingError
        assert "inputs of both disagree on where a group ends" in message


class Offset(Unit):
    """Adds a constant in 8 bits; each sum that wraps raises a flag of its own, and each odd one."""

    def __init__(self, by):
        self.by = by
        ports = {"i": In(tokens(unsigned(8), 0)), "o": Out(tokens(unsigned(8), 0))}
        super().__init__(ports, flags=["wrapped", "odd", "saturated"])

    def elaborate(self, platform):
        m = Module()
        total = self.i.payload.data + self.by
        fire = self.i.valid & self.i.ready
        m.d.comb += [
            self.o.valid.eq(self.i.valid),
            self.i.ready.eq(self.o.ready),
            self.o.payload.data.eq(total),
            self.events["wrapped"].eq(fire & (total > 255)),
            self.events["odd"].eq(fire & total[0]),
        ]
        self.remember(m)
        return m


def test_flags_of_ones_own_are_counted():
    """Each under its name, by unit; those that nothing raised are there too."""
    for stalls in ({}, {"o": Stall("random:0.5")}):
        trace = agree(Offset(200), {"i": range(1, 101)}, {"o": 100}, stalls=stalls)
        assert trace.flags == {
            "wrapped": {"unit": 45},
            "odd": {"unit": 50},
            "saturated": {"unit": 0},
        }
        assert trace.saturations == {"unit": 0}


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"stalls": {"x": Stall("01")}}, InputError, "Stalls are for ports a, b, o, not 'x'"),
        ({"stalls": "x=01"}, InputError, "Stalls are for ports a, b, o, not 'x'"),
        ({"stalls": {"a": "x"}}, InputError,
         "Stalls must be written as a pattern of 0 and 1 with at least one 1, or as random:P with "
         "0 <= P < 1, not 'x'"),
        ({"stalls": {"a": 5}}, TypeError, "The stall of a must be a Stall or its text, not 5"),
        ({"stalls": 5}, TypeError,
         "Stalls must be a text such as '1101' or a dict of Stall by port, not 5"),
        ({"limit": 0}, InputError, "limit must be at least 1 cycle, not 0"),
        ({"limit": "9"}, TypeError, "limit must be an int, of cycles, not '9'"),
        ({"limit": True}, TypeError, "limit must be an int, of cycles, not True"),
        ({"levels": ["nope"]}, InputError, "There is no FIFO 'nope', only a, b, both, short"),
        ({"levels": "both"}, TypeError, "levels must be a list of names of FIFOs, not 'both'"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("simulate", ENGINES)
def test_options_that_are_none_are_refused(simulate, options, kind, message):
    """By both engines, in the same words, before anything is run or built."""
    with raises(kind, message):
        simulate(Summed(), {"a": [1], "b": [1]}, {"o": 1}, **options)


def test_stalls_may_be_texts():
    """One for all ports, or one for each. Half the rate is a cycle more for each token."""
    sources, counts = {"a": [1] * 9, "b": [2] * 9}, {"o": 9}
    plain = agree(Summed(), sources, counts, stalls={port: Stall("01") for port in "abo"})
    assert agree(Summed(), sources, counts, stalls="01") == plain
    assert agree(Summed(), sources, counts, stalls=dict.fromkeys("abo", "01")) == plain
    assert plain.cycles == agree(Summed(), sources, counts).cycles + counts["o"]


def test_what_no_count_ends_ends_at_the_limit():
    """Tokens that nobody expects are not kept, but looked at."""
    trace = agree(Summed(), {"a": [200] * 9, "b": [100] * 9}, None, limit=30)
    assert trace.outputs == {"o": []}
    assert trace.saturations == {"short": 9}


def test_many_tokens_and_many_cycles(monkeypatch):
    """Beyond a slice and a batch, with stalls that have to go on where they were."""
    monkeypatch.setattr(engine, "SLICE", 1 << 9)
    a, b = ([rng.randrange(256) for _ in range(700)] for rng in map(random.Random, (1, 2)))
    stalls = {"a": Stall("random:0.3", 5), "b": Stall("1011011"), "o": Stall("random:0.2", 1 << 40)}
    options = {"stalls": stalls, "watch": False, "levels": ["short", "a"]}
    trace = agree(Summed(), {"a": a, "b": b}, {"o": 700}, **options)
    assert trace.cycles > engine.SLICE
    assert list(trace.levels) == ["short", "a"]
    assert [max(levels) for levels in trace.levels.values()] == [2, 2]


def test_the_fill_is_recorded_up_to_a_bound(monkeypatch):
    """The same bound in both."""
    for module in ("cycle", "compiled.engine"):
        monkeypatch.setattr(f"sdpaflow_sim.engines.{module}.FILL", 5)
    options = {"stalls": {"a": Stall("01")}, "levels": ["both"]}
    trace = agree(Summed(), {"a": [1] * 9, "b": [1] * 9}, {"o": 9}, **options)
    assert len(trace.fill) == len(trace.levels["both"]) == 5


def test_check_takes_an_engine():
    """Any graph, by either engine."""
    inputs = {port: stream_of(UQ(8), [[1, 2], [200]], rank=1) for port in "ab"}
    results = [check(Summed(), inputs, engine=name) for name in ("amaranth", "verilator")]
    assert results[0][1] == results[1][1]
    assert results[1][1].saturations == {"short": 1}


def test_a_job_is_fed_by_reference():
    """However many queries there are, the keys are packed once."""
    dut = pipeline("memory-free")
    workload = Workload(dut.config, [head(n_q=500, n_k=8)])
    for port in "kv":
        (rows,) = workload.sources()[port].parts()
        assert rows.tokens.shape == (8, 3)
        assert rows.lengths.tolist() == [8] * 500
        tokens = list(workload.sources()[port])
        assert len(tokens) == 4000
        marked = [bits >> rows.close & 1 for bits in tokens]
        assert np.flatnonzero(marked).tolist() == list(range(7, 4000, 8))
        plain = [bits & ~(1 << rows.close) for bits in tokens[:8]]
        assert plain == from_words(rows.tokens)


def test_a_design_with_too_many_ports_is_refused():
    """The loop has a bit for each."""
    names = list(CASES) * 2
    sources, counts = streams(names)
    with raises(
        ValueError, f"A design may have up to 64 streams, not {len(sources) + len(counts)}"
    ):
        engine.simulate(Board(names), sources, counts)
