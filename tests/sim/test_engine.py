"""The engine: what it measures, and that it finds what is wrong. Broken units are made on purpose."""

import pytest
from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import data
from amaranth.lib.wiring import In, Out, connect, flipped
from helpers.bench import raises
from helpers.functions import Horner, Mix
from helpers.streams import tokens
from sdpaflow.graph import Dataflow, dataflow
from sdpaflow.numerics import UQ, Narrow
from sdpaflow.units import Fifo, Fork, Map, Reduce, Repeat, Unit
from sdpaflow.units import tokens as token_stream
from sdpaflow_sim.amaranth_engine import PATIENCE, simulate, streams_of
from sdpaflow_sim.engine import (
    ContractError,
    DeadlockError,
    LimitError,
    SimulationError,
    Trace,
)
from sdpaflow_sim.stalls import Stall

BYTE = unsigned(8)
STREAM = token_stream(BYTE, 1)


class TakesBack(Unit):
    """Offers in every other cycle only, accepted or not."""

    def __init__(self):
        super().__init__({"i": In(STREAM), "o": Out(STREAM)})

    def elaborate(self, platform):
        m = Module()
        odd = Signal()
        m.d.sync += odd.eq(~odd)
        m.d.comb += self.o.valid.eq(self.i.valid & odd)
        m.d.comb += self.o.payload.eq(self.i.payload)
        m.d.comb += self.i.ready.eq(self.o.ready & odd)
        return m


class Changes(Unit):
    """Counts cycles while a token waits."""

    def __init__(self):
        super().__init__({"i": In(STREAM), "o": Out(STREAM)})

    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.o.payload.data.eq(self.o.payload.data + 1)
        m.d.comb += self.o.valid.eq(self.i.valid)
        m.d.comb += self.i.ready.eq(self.o.ready)
        return m


class WaitsForReady(Unit):
    """A join that offers its result only when asked to."""

    def __init__(self):
        super().__init__({"i0": In(STREAM), "i1": In(STREAM), "o": Out(STREAM)})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.o.valid.eq(self.i0.valid & self.i1.valid & self.o.ready)
        m.d.comb += self.o.payload.eq(self.i0.payload)
        m.d.comb += [self.i0.ready.eq(self.o.valid), self.i1.ready.eq(self.o.valid)]
        return m


class Joined(Unit):
    """A join, and a Repeat over what it gives, which asks for that only when it is offered."""

    def __init__(self, join):
        self.join = join
        self.repeat = Repeat(BYTE, BYTE)
        super().__init__({
            "i0": In(STREAM),
            "i1": In(STREAM),
            "x": In(token_stream(BYTE, 0)),
            "o": Out(self.repeat.signature.members["o"].signature),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules += [self.join, self.repeat]
        connect(m, flipped(self.i0), self.join.i0)
        connect(m, flipped(self.i1), self.join.i1)
        connect(m, self.join.o, self.repeat.over)
        connect(m, flipped(self.x), self.repeat.i)
        connect(m, self.repeat.o, flipped(self.o))
        return m


class Rows(Dataflow):
    """Each row's sum, repeated over the row: the row waits for its sum."""

    def __init__(self, depth):
        super().__init__()
        x = self.input(BYTE, 1)
        to_sum, row = self.fork(x)
        row_sum = self.reduce(Horner(), to_sum)
        waiting = row.fifo(depth)
        both = self.repeat(row_sum, over=waiting)
        self.output(o=both)


ROWS = tokens(BYTE, 1, [[1, 2, 3, 4, 5, 6], [7, 8, 9], [10]])


def test_a_token_taken_back_is_found():
    """Valid must stay until ready."""
    with raises(ContractError, "cycle 2: o took back a token it had offered"):
        simulate(TakesBack(), {"i": [1, 2]}, {"o": 2}, stalls={"o": Stall("100")})


def test_a_token_changed_is_found():
    """Payload must stay until ready. Without a stall it is taken at once, and nothing is wrong."""
    with raises(ContractError, "cycle 2: o changed a token it had offered"):
        simulate(Changes(), {"i": [1, 2]}, {"o": 2}, stalls={"o": Stall("100")})
    assert simulate(Changes(), {"i": [1, 2]}, {"o": 2}).outputs == {"o": [0, 1]}


def test_a_broken_fifo_inside_a_graph_is_named(monkeypatch):
    """Every edge is watched, on both sides of its FIFO; at the ports only, when told so."""

    class Leaky(Fifo):
        def elaborate(self, platform):
            m = super().elaborate(platform)
            tick = Signal(2)
            m.d.sync += tick.eq(tick + 1)
            if self.depth == 9:
                with m.If(tick == 3):
                    m.d.sync += self.o.payload.data.eq(0)
            return m

    rows = tokens(BYTE, 1, [[1, 2], [3, 4]])
    assert simulate(Rows(9), {"x": rows}, {"o": 4}).cycles == 9
    monkeypatch.setattr(dataflow, "Fifo", Leaky)
    Leaky._registers = lambda self, m: Fifo._registers(self, m)
    Leaky._memory = lambda self, m: spoiled(self, m)
    with raises(ContractError, "cycle 5: waiting, out of its FIFO changed a token it had offered"):
        simulate(Rows(9), {"x": rows}, {"o": 4})
    simulate(Rows(9), {"x": rows}, {"o": 4}, watch=False)


def spoiled(fifo, m):
    """A memory whose output is inverted every fourth cycle."""


@pytest.mark.parametrize("stalls", [{}, {"o": Stall("1000")}], ids=["no stalls", "slow sink"])
def test_a_join_whose_valid_waits_for_ready_is_stuck(stalls):
    """Before a unit that waits for valid, as it may. A Map in the join's place is not stuck."""
    sources = {"i0": ROWS, "i1": ROWS, "x": [1, 2, 3]}
    trace = simulate(Joined(Map(Mix(2), 1)), sources, {"o": len(ROWS)}, stalls=stalls)
    assert len(trace.outputs["o"]) == len(ROWS)
    with raises(
        DeadlockError,
        "nothing moves after cycle 0: the unit offers nothing and accepts nothing",
    ):
        simulate(Joined(WaitsForReady()), sources, {"o": len(ROWS)}, stalls=stalls)
