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
    late : :class:`bool`
        With a depth of 2, choose between both registers behind them instead of before the second:
        nothing wide then waits for the output's ready, but what comes behind has a gate less.
        For outputs that go into registers at once.

    Members
    -------
    i : :py:`In(...)`
        Tokens.
    o : :py:`Out(...)`
        The same tokens.
    level : :py:`Out(range(depth + 1))`
        Tokens held.
    """

    def __init__(self, shape, rank, depth=2, *, late=False):
        if not isinstance(depth, int):
            raise TypeError(f"Depth must be an int, not {depth!r}")
        if depth < 1:
            raise ValueError(f"Depth must be at least 1, not {depth}")
        self.depth = depth
        self.late = late
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
        if self.depth == 1:
            self._register(m)
        elif self.depth == 2:
            self._registers(m)
        else:
            self._memory(m)
        return m

    # Wide registers are enabled by a register where they can be: what comes is kept, whether it
    # will be wanted or not.

    def _register(self, m):
        m.d.comb += [self.i.ready.eq(~self.o.valid), self.level.eq(self.o.valid)]

        with m.If(~self.o.valid):
            m.d.sync += [self.o.valid.eq(self.i.valid), self.o.payload.eq(self.i.payload)]
        with m.Elif(self.o.ready):
            m.d.sync += self.o.valid.eq(0)

    def _registers(self, m):
        held = Signal()  # behind the token on offer
        room = Signal(init=1)  # not held; that has many loads, this is for the other unit
        fire = self.i.valid & self.i.ready
        takes = ~self.o.valid | self.o.ready

        m.d.comb += [self.i.ready.eq(room), self.level.eq(self.o.valid + ~room)]
        m.d.sync += [held.eq((held | fire) & ~takes), room.eq(~(held | fire) | takes)]
        with m.If(takes):
            m.d.sync += self.o.valid.eq(held | fire)
        if self.late:
            self._choose(m, fire)
            return
        payload = Signal.like(self.i.payload)
        with m.If(takes):
            m.d.sync += self.o.payload.eq(Mux(held, payload, self.i.payload))
        with m.If(~held):
            m.d.sync += payload.eq(self.i.payload)

    def _choose(self, m, fire):
        payloads = [Signal.like(self.i.payload, name=f"payload_{n}") for n in range(2)]
        full = Signal(2)
        at = Signal()  # which is on offer
        get = self.o.valid & self.o.ready

        m.d.comb += self.o.payload.eq(Mux(at, *reversed(payloads)))
        m.d.sync += at.eq(at ^ get)
        for n, payload in enumerate(payloads):
            put = fire & ((at ^ self.o.valid) == n)
            m.d.sync += full[n].eq(put | (full[n] & ~(get & (at == n))))
            with m.If(~full[n]):
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
