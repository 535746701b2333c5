"""A function of tokens."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib.wiring import In, Out

from sdpaflow.numerics.operator import Operator, Serial
from sdpaflow.numerics.raw import width
from sdpaflow.units.unit import Pair, Unit, tokens

__all__ = ["Map"]


class Map(Unit):
    """Apply an operator to every token; several inputs are joined token by token.

    One token per ``fn.interval`` cycles; the result follows after ``fn.latency`` cycles. Each stage
    has its own valid bit and advances when any stage behind it is free or the output is taken, so
    bubbles close up. Whether one is free is known from a register, so that a stall is but one gate
    away from what it stops. Registers of data are not reset, their valid bits are: a DSP block can
    be one of them.

    For a :class:`Serial` operator there is one pipeline for all lanes of a vector, between a shift
    register that feeds them one by one and one that collects the results. Its stages advance all
    together.

    The inputs must agree on ``last``; where they do not, ``misframed`` is raised and the first
    input's is used.

    Parameters
    ----------
    fn : :class:`Operator`
        The function.
    rank : :class:`int`
        Rank of all streams.
    paired : :class:`bool`
        Take the two arguments from one stream of pairs, as Repeat and Replay give them.

    Members
    -------
    i : :py:`In(...)`
        Tokens, or pairs. With several arguments from streams of their own: ``i0``, ``i1``, …
    o : :py:`Out(...)`
        Results.
    saturated : :py:`Out(1)`
        A result was clamped since reset. Only where the operator saturates.
    misframed : :py:`Out(1)`
        Inputs disagreed since reset. Only where there are several of rank ≥ 1.
    """

    def __init__(self, fn, rank=0, *, paired=False):
        if not isinstance(fn, Operator):
            raise TypeError(f"Function of a Map must be an Operator, not {fn!r}")
        shapes = [Pair(*fn.inputs)] if paired else list(fn.inputs)
        self.fn = fn
        self.rank = rank
        self.paired = paired
        self.names = ["i"] if len(shapes) == 1 else [f"i{n}" for n in range(len(shapes))]
        self.latency = fn.latency
        self.words, self.bits = self._memory()
        flags = ["saturated"] if fn.saturates else []
        flags += ["misframed"] if rank and len(shapes) > 1 else []
        ports = {name: In(tokens(s, rank)) for name, s in zip(self.names, shapes, strict=True)}
        super().__init__({**ports, "o": Out(tokens(fn.shape, rank))}, flags=flags)

    def _memory(self):
        """Tokens that the registers hold, and bits of their data."""
        serial = isinstance(self.fn, Serial)
        each = self.fn.fn if serial else self.fn
        stages, bits = each.stages(), width(self.fn.shape)
        values = [Signal(shape) for shape in each.inputs]
        for stage in stages[:-1]:
            values = _registers(stage(*values), "stage")
            bits += sum(len(Value.cast(value)) for value in values)
        if not serial:
            return len(stages), bits
        # One is fed, one is on offer; of others all lanes are between, and a bubble with them.
        bits += sum(map(width, self.fn.inputs))
        return 2 + (len(stages) - 1) // (self.fn.lanes + 1), bits

    def elaborate(self, platform):
        m = Module()
        inputs = [getattr(self, name) for name in self.names]
        data = [port.payload.data for port in inputs]
        arguments = [data[0].over, data[0].i] if self.paired else data
        valid = Signal()
        ready = Signal()

        m.d.comb += valid.eq(Cat(port.valid for port in inputs).all())
        for port in inputs:
            others = [other.valid for other in inputs if other is not port]
            m.d.comb += port.ready.eq(ready & Cat(others).all() if others else ready)

        last = inputs[0].payload.last
        if "misframed" in self.events:
            differ = Cat(port.payload.last != last for port in inputs[1:]).any()
            m.d.comb += self.events["misframed"].eq(valid & ready & differ)
        token = (valid, arguments, last)
        if isinstance(self.fn, Serial):
            self._serial(m, token, ready)
        else:
            self._pipeline(m, self.fn.stages(), token, ready)
        self.remember(m)
        return m

    def _pipeline(self, m, stages, token, ready):
        """Stages up to the output. A token is a valid bit, values and ``last``.

        Tokens with a bit ``last`` more than the output has are a vector's lanes: their results are
        shifted in, and on offer when they are complete. They advance all together.
        """
        valid, values, last = token
        serial = int(len(last) > self.rank)
        result = Signal(self.fn.shape, reset_less=True)
        kept = Signal(self.rank, name="result_last")
        count = len(stages) - 1
        here = [Signal(name=f"valid_{n}") for n in range(count)] + [self.o.valid]
        full = [Signal(name=f"full_{n}") for n in range(count)] + [self.o.valid]
        if serial:
            full = [self.o.valid] * len(stages)
        after = []  # valid bits of the next cycle
        m.d.comb += ready.eq(~full[0] | self.o.ready)
        for n, stage in enumerate(stages):
            advance = Signal(name=f"advance_{n}")
            results = stage(*values)
            m.d.comb += advance.eq(~full[n] | self.o.ready)
            if n < count:
                after.append(Mux(advance, valid, here[n]))
                values = _registers(results, f"stage_{n}")
                follows = Signal(len(last), name=f"last_{n}")
                with m.If(advance):
                    m.d.sync += [follows.eq(last), *_load(values, results)]
                valid, last = here[n], follows
        complete = last[0] if serial else 1
        fire = valid & advance
        after.append(Mux(advance, valid & complete, self.o.valid))
        m.d.sync += [bit.eq(new) for bit, new in zip(here, after, strict=True)]
        if not serial:
            m.d.sync += [bit.eq(Cat(after[n:]).all()) for n, bit in enumerate(full[:-1])]
        with m.If(fire):
            new = Value.cast(results[0])
            whole = Cat(Value.cast(result)[len(new) :], new) if serial else new
            m.d.sync += [Value.cast(result).eq(whole), kept.eq(last[serial:])]
        if self.fn.saturates:
            flag = results[1]
            if serial:
                some = Signal()  # of the lanes before
                flag = flag | some
                with m.If(fire):
                    m.d.sync += some.eq(flag & ~complete)
            m.d.comb += self.events["saturated"].eq(fire & complete & flag)
        m.d.comb += [self.o.payload.data.eq(result), self.o.payload.last.eq(kept)]

    def _serial(self, m, token, ready):
        """Feed the lanes of a vector, the first argument, one by one."""
        valid, (vector, *others), last = token
        lanes, lane = self.fn.lanes, self.fn.fn.inputs[0]
        feed = Signal(vector.shape(), reset_less=True)
        kept = _registers(others, "operand")
        left = Signal(lanes)  # a bit for each lane that is still to be fed
        feed_last = Signal(self.rank)
        taken = Signal()

        m.d.comb += ready.eq(~left[0])
        with m.If(ready):
            m.d.sync += [left.eq(valid.replicate(lanes)), feed_last.eq(last)]
            m.d.sync += _load([feed, *kept], [vector, *others])
        with m.Elif(taken):
            m.d.sync += left.eq(left >> 1)
            m.d.sync += Value.cast(feed).eq(Value.cast(feed) >> width(lane))
        end = ~left[1]
        values = [lane(Value.cast(feed)[: width(lane)]), *kept]
        inner = (left[0], values, Cat(end, Mux(end, feed_last, 0)))
        self._pipeline(m, self.fn.fn.stages(), inner, taken)


def _registers(values, name):
    """Registers as wide as some values. They are not reset."""
    return [
        Signal(value.shape(), name=f"{name}_{k}", reset_less=True) for k, value in enumerate(values)
    ]


def _load(registers, values):
    return [
        Value.cast(register).eq(Value.cast(value))
        for register, value in zip(registers, values, strict=False)
    ]
