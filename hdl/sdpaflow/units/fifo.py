"""Queue, the only thing that joins two units."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import memory
from amaranth.lib.wiring import In, Out

from sdpaflow.numerics.raw import width
from sdpaflow.units.streams import ShapeLike, Stream
from sdpaflow.units.unit import TokenStream, Unit, token, tokens

__all__ = ["Fifo"]

REGISTERS = 3
"""Greatest depth without a memory: there a token is on its way for as many cycles."""


class Fifo(Unit):
    """Pass tokens on in order, holding up to ``depth`` of them.

    One token per cycle when ``depth`` ≥ 2; a depth of 1 halves the rate. The output and the input's
    ready depend on registers alone, so a combinational path never crosses a Fifo in either
    direction. A token accepted in one cycle is offered in the next; from depth 4 on, where the
    tokens are in a memory and go from there into a register, it is offered two cycles later.

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
        nothing wide then waits for the output's ready, and what is offered is a gate later.
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

    i: TokenStream
    o: TokenStream
    level: Signal

    def __init__(self, shape: ShapeLike, rank: int, depth: int = 2, *, late: bool = False):
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
    def latency_of(depth: int) -> int:
        """Cycles from a token accepted to the same token offered, through an empty Fifo."""
        return 1 if depth <= REGISTERS else 3

    def model(self, i: Stream) -> Stream:
        return i

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if self.depth == 1:
            self._register(m)
        elif self.depth == 2 and not self.late:
            self._registers(m)
        elif self.depth <= REGISTERS:
            self._ring(m)
        else:
            self._memory(m)
        return m

    # Wide registers are enabled by a register where they can be: what comes is kept, whether it
    # will be wanted or not.

    def _register(self, m: Module) -> None:
        m.d.comb += [self.i.ready.eq(~self.o.valid), self.level.eq(self.o.valid)]

        with m.If(~self.o.valid):
            m.d.sync += [self.o.valid.eq(self.i.valid), self.o.payload.eq(self.i.payload)]
        with m.Elif(self.o.ready):
            m.d.sync += self.o.valid.eq(0)

    def _registers(self, m: Module) -> None:
        payload = Signal.like(self.i.payload)
        held = Signal()  # in `payload`, behind the token on offer
        room = Signal(init=1)  # not held; that has many loads, this is for the other unit
        takes = ~self.o.valid | self.o.ready
        some = held | (self.i.valid & self.i.ready)

        m.d.comb += [self.i.ready.eq(room), self.level.eq(self.o.valid + held)]

        m.d.sync += [held.eq(some & ~takes), room.eq(~some | takes)]
        with m.If(takes):
            m.d.sync += self.o.valid.eq(some)
            m.d.sync += self.o.payload.eq(Mux(held, payload, self.i.payload))
        with m.If(~held):
            m.d.sync += payload.eq(self.i.payload)

    def _ring(self, m: Module) -> None:
        payloads = [Signal.like(self.i.payload, name=f"payload_{n}") for n in range(self.depth)]
        full = Signal(self.depth)
        first = Signal(self.depth, init=1)  # one bit: which is on offer
        free = Signal(self.depth, init=1)  # and which is filled next
        room = Signal(init=1)
        put = self.i.valid & room
        get = self.o.valid & self.o.ready
        level = (self.level + put - get)[: len(self.level)]

        m.d.comb += self.i.ready.eq(room)
        # What no bit asks for is the first: with two of them, one bit has to reach all of the data.
        chosen, *others = map(Value.cast, payloads)
        for n, payload in enumerate(others, 1):
            chosen = Mux(first[n], payload, chosen)
        m.d.comb += Value.cast(self.o.payload).eq(chosen)

        m.d.sync += [self.level.eq(level), room.eq(level != self.depth)]
        m.d.sync += self.o.valid.eq(level != 0)
        with m.If(put):
            m.d.sync += free.eq(free.rotate_left(1))
        with m.If(get):
            m.d.sync += first.eq(first.rotate_left(1))
        m.d.sync += full.eq((full & ~Mux(get, first, 0)) | Mux(put, free, 0))
        for n, payload in enumerate(payloads):
            with m.If(~full[n]):
                m.d.sync += payload.eq(self.i.payload)

    def _memory(self, m: Module) -> None:
        m.submodules.storage = storage = memory.Memory(
            shape=self.i.payload.shape(), depth=self.depth, init=[]
        )
        write = storage.write_port()
        read = storage.read_port()
        put = self.i.valid & self.i.ready
        moves = ~self.o.valid | self.o.ready  # to the output, if there is one to be read
        get = Signal()
        taken = self.o.valid & self.o.ready
        room = Signal(init=1)
        head = Signal(range(self.depth))  # where the next to move is stored
        written = Signal()  # a put in the last cycle, readable from now on
        readable = Signal(range(self.depth + 1))
        some = Signal()  # are readable
        level = (self.level + put - taken)[: len(self.level)]

        def after(address: Value) -> Value:
            return Mux(address == self.depth - 1, 0, address + 1)

        m.d.comb += [self.i.ready.eq(room), get.eq(some & moves)]
        m.d.comb += write.data.eq(self.i.payload)
        m.d.comb += write.en.eq(put)
        m.d.comb += read.en.eq(1)
        m.d.comb += read.addr.eq(Mux(get, after(head), head))

        m.d.sync += written.eq(put)
        m.d.sync += head.eq(read.addr)
        m.d.sync += self.level.eq(level)
        m.d.sync += room.eq(level != self.depth)
        m.d.sync += readable.eq(readable + written - get)
        m.d.sync += some.eq(written | (some & ~(get & ~readable[1:].any())))
        with m.If(moves):
            m.d.sync += [self.o.valid.eq(some), self.o.payload.eq(read.data)]
        with m.If(put):
            m.d.sync += write.addr.eq(after(write.addr))
