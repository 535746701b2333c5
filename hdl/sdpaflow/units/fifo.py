"""Queue, the only thing that joins two units."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import memory
from amaranth.lib.wiring import In, Out

from sdpaflow.numerics.raw import width
from sdpaflow.units.unit import Unit, token, tokens

__all__ = ["Fifo"]


class Fifo(Unit):
    """Pass tokens on in order, holding up to ``depth`` of them.

    One token per cycle when ``depth`` ≥ 2; a depth of 1 halves the rate. The output and the input's
    ready depend on registers alone, so a combinational path never crosses a Fifo in either
    direction. A token accepted in one cycle is offered in the next; from depth 3 on, where the
    tokens are in a memory with a registered read port, it is offered one cycle later.

    Parameters
    ----------
    shape : :ref:`shape-like <lang-shapelike>`
        Shape of the data.
    rank : :class:`int`
        Rank of both streams.
    depth : :class:`int`
        Tokens it can hold, at least 1.

    Members
    -------
    i : :py:`In(...)`
        Tokens.
    o : :py:`Out(...)`
        The same tokens.
    level : :py:`Out(range(depth + 1))`
        Tokens held.
    """

    def __init__(self, shape, rank, depth=2):
        if not isinstance(depth, int):
            raise TypeError(f"Depth must be an int, not {depth!r}")
        if depth < 1:
            raise ValueError(f"Depth must be at least 1, not {depth}")
        self.depth = depth
        self.words = depth
        self.bits = depth * width(token(shape, rank))
        self.latency = self.latency_of(depth)
        super().__init__({
            "i": In(tokens(shape, rank)),
            "o": Out(tokens(shape, rank)),
            "level": Out(range(depth + 1)),
        })

    @staticmethod
    def latency_of(depth):
        """Cycles from a token accepted to the same token offered, through an empty Fifo."""
        return 1 if depth <= 2 else 2

    def elaborate(self, platform):
        m = Module()
        if self.depth <= 2:
            self._registers(m)
        else:
            self._memory(m)
        return m

    def _registers(self, m):
        payload = Signal.like(self.i.payload)
        held = Signal()  # in `payload`, behind the token on offer

        m.d.comb += self.i.ready.eq(~held if self.depth == 2 else ~self.o.valid)
        m.d.comb += self.level.eq(self.o.valid + held)

        with m.If(~self.o.valid | self.o.ready):
            m.d.sync += self.o.valid.eq(held | (self.i.valid & self.i.ready))
            m.d.sync += self.o.payload.eq(Mux(held, payload, self.i.payload))
            m.d.sync += held.eq(0)
        if self.depth == 2:
            with m.Elif(self.i.valid & self.i.ready):
                m.d.sync += held.eq(1)
            # Enabled by a register alone: what comes is kept, whether it will be wanted or not.
            with m.If(~held):
                m.d.sync += payload.eq(self.i.payload)

    def _memory(self, m):
        m.submodules.storage = storage = memory.Memory(
            shape=self.i.payload.shape(), depth=self.depth, init=[]
        )
        write = storage.write_port()
        read = storage.read_port()
        put = self.i.valid & self.i.ready
        get = self.o.valid & self.o.ready
        head = Signal(range(self.depth))  # where the token on offer is stored
        written = Signal()  # a put in the last cycle, readable from now on
        readable = Signal(range(self.depth + 1))

        def after(address):
            return Mux(address == self.depth - 1, 0, address + 1)

        m.d.comb += self.i.ready.eq(self.level != self.depth)
        m.d.comb += self.o.valid.eq(readable != 0)
        m.d.comb += self.o.payload.eq(read.data)
        m.d.comb += write.data.eq(self.i.payload)
        m.d.comb += write.en.eq(put)
        m.d.comb += read.en.eq(1)
        m.d.comb += read.addr.eq(Mux(get, after(head), head))

        m.d.sync += written.eq(put)
        m.d.sync += head.eq(read.addr)
        m.d.sync += self.level.eq(self.level + put - get)
        m.d.sync += readable.eq(readable + written - get)
        with m.If(put):
            m.d.sync += write.addr.eq(after(write.addr))
