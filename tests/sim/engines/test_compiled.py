# amaranth: UnusedElaboratable=no
"""The compiled engine: its traces are those of Amaranth's simulator, field for field."""

import random

import numpy as np
import pytest
from amaranth.hdl import Cat, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import connect, flipped
from attention import NAMES, head, pipeline
from helpers.bench import raises
from helpers.cases import CASES
from sdpaflow.graph import Dataflow
from sdpaflow.numerics import UQ, Add, Narrow
from sdpaflow_sim.attention.heads import Workload
from sdpaflow_sim.checking import check, stream_of
from sdpaflow_sim.engines import amaranth
from sdpaflow_sim.engines.compiled import build, engine
from sdpaflow_sim.engines.stalls import Stall
from sdpaflow_sim.engines.tokens import from_words
from sdpaflow_sim.errors import DeadlockError, FramingError, LimitError, SimulationError

ENGINES = [amaranth.simulate, engine.simulate]


@pytest.fixture(autouse=True)
def _compiled_quickly(monkeypatch):
    """Most of the time here goes into compiling models that run for few cycles."""
    monkeypatch.setattr(build, "FAST", "-O0")
    monkeypatch.setattr(build, "SLOW", "-O0")


class Board(wiring.Component):
    """Many units side by side, so that one build is enough for all of them."""

    def __init__(self, names):
        self.units = {f"u{number}_": CASES[name].unit() for number, name in enumerate(names)}
        members = {
            prefix + port: member
            for prefix, unit in self.units.items()
            for port, member in unit.signature.members.items()
        }
        super().__init__(members)
        self.events = {
            flag: Cat(unit.events[flag] for unit in self.units.values() if flag in unit.events)
            for flag in ("saturated", "misframed")
        }
        self.events = {flag: cause.any() for flag, cause in self.events.items()}

    def elaborate(self, platform):
        m = Module()
        for prefix, unit in self.units.items():
            m.submodules[prefix] = unit
            for port, member in unit.signature.members.items():
                mine, own = getattr(self, prefix + port), getattr(unit, port)
                if member.is_port:
                    m.d.comb += mine.eq(own)
                elif member.flow == wiring.In:
                    connect(m, flipped(mine), own)
                else:
                    connect(m, own, flipped(mine))
        return m


def streams(names):
    """Tokens and counts of the cases on a board, and all its ports."""
    sources, counts = {}, {}
    for number, name in enumerate(names):
        case = CASES[name]
        sources |= {f"u{number}_{port}": p.tokens for port, p in case.inputs.items()}
        counts |= {f"u{number}_{port}": len(p.tokens) for port, p in case.outputs.items()}
    return sources, counts


def schedules(rng, ports):
    """A pattern or a chance for each port."""
    specs = ["1", "1101", "0001", "01", *[f"random:{chance}" for chance in (0.2, 0.5, 0.8)]]
    return {port: Stall(rng.choice(specs), rng.randrange(1 << 40)) for port in ports}


def agree(dut, sources, counts, **options):
    """Run on both engines; the trace, which is the same, or the error, likewise."""
    results = []
    for simulate in ENGINES:
        try:
            results.append(simulate(dut, sources, counts, **options))
        except SimulationError as error:
            results.append((type(error), str(error)))
    one, other = results
    assert other == one
    return one


@pytest.mark.parametrize("board", range(2))
def test_units_under_random_stalls(board):
    """Every unit there is: bits, times, counts of clamped tokens, and the contract watched."""
    names = list(CASES)[board::2]
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
def test_pipelines_under_random_stalls(name):
    """In beats, with scores that saturate where they can; and every stream inside watched."""
    dut = pipeline(name, lanes=2, dv=6, row_max=7)
    q, k, v = head(dv=6, n_q=5, n_k=7)
    workload = Workload(dut.config, [(q * 6, k, v), (q, k[:4], v[:4])], [[1, 7, 3, 7, 2], [4] * 5])
    for seed in range(4):
        stalls = schedules(random.Random(seed), "qkvo") if seed else {}
        trace = agree(dut, workload.sources(), {"o": workload.outputs}, stalls=stalls)
        assert len(trace.fill) == trace.cycles
    outputs, clamped = workload.expected(dut)
    assert (workload.decode(trace.outputs["o"]) == outputs).all()
    assert trace.saturations == clamped
    assert (name not in {"naive", "reordered"}) or any(clamped.values())


def test_a_row_that_is_too_short_is_diagnosed_alike():
    """The cycle from which nothing moves, and the same circle of units."""
    dut = pipeline("naive", lanes=2, dv=6, row_max=7, depths={"row": 3})
    workload = Workload(dut.config, [head(dv=6, n_q=2, n_k=7)])
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


def test_what_no_count_ends_ends_at_the_limit():
    """Tokens that nobody expects are not kept, but looked at."""
    trace = agree(Summed(), {"a": [200] * 9, "b": [100] * 9}, None, limit=30)
    assert trace.outputs == {"o": []}
    assert trace.saturations == {"short": 9}


def test_many_tokens_and_many_cycles():
    """Beyond a slice and a batch, with stalls that have to go on where they were."""
    a, b = ([rng.randrange(256) for _ in range(12_000)] for rng in map(random.Random, (1, 2)))
    stalls = {"a": Stall("random:0.3", 5), "b": Stall("1011011"), "o": Stall("random:0.2", 1 << 40)}
    trace = agree(Summed(), {"a": a, "b": b}, {"o": 12_000}, stalls=stalls, watch=False)
    assert trace.cycles > engine.SLICE


def test_the_fill_is_recorded_up_to_a_bound(monkeypatch):
    """The same bound in both."""
    for module in ("bench", "verilator_engine"):
        monkeypatch.setattr(f"sdpaflow_sim.{module}.FILL", 5)
    trace = agree(Summed(), {"a": [1] * 9, "b": [1] * 9}, {"o": 9}, stalls={"a": Stall("01")})
    assert len(trace.fill) == 5


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
