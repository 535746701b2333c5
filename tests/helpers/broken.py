"""Units that break the contract of streams on purpose, and a graph whose row may be too short."""

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib.wiring import In, Out, connect, flipped
from helpers.functions import Horner
from helpers.streams import tokens
from sdpaflow.graph import Dataflow
from sdpaflow.units import Repeat, Unit
from sdpaflow.units import tokens as token_stream

__all__ = ["BYTE", "ROWS", "STREAM", "Changes", "Joined", "Rows", "TakesBack", "WaitsForReady"]

BYTE = unsigned(8)
STREAM = token_stream(BYTE, 1)

ROWS = tokens(BYTE, 1, [[1, 2, 3, 4, 5, 6], [7, 8, 9], [10]])


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
