"""A function of tokens."""

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib.wiring import In, Out

from sdpaflow.numerics.operator import Iterative, Operator
from sdpaflow.numerics.raw import width
from sdpaflow.units.unit import Pair, Unit, tokens

__all__ = ["Map"]


class Map(Unit):
    """Apply an operator to every token; several inputs are joined token by token.

    One token per ``fn.interval`` cycles; the result follows after ``fn.latency`` cycles. Each stage
    has its own valid bit and advances when the next is free, so bubbles close up and no enable
    reaches further than one stage. An iterative operator has one set of registers instead.

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
        self.words = 2 if self._looped else fn.latency
        self.bits = sum(
            _stage_bits(fn)[:: fn.latency - 1 or 1] if self._looped else _stage_bits(fn)
        )
        flags = ["saturated"] if fn.saturates else []
        flags += ["misframed"] if rank and len(shapes) > 1 else []
        ports = {name: In(tokens(s, rank)) for name, s in zip(self.names, shapes, strict=True)}
        super().__init__({**ports, "o": Out(tokens(fn.shape, rank))}, flags=flags)

    @property
    def _looped(self):
        return isinstance(self.fn, Iterative) and not self.fn.unrolled

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
        if self._looped:
            self._loop(m, valid, ready, arguments, last)
        else:
            self._pipeline(m, valid, ready, arguments, last)
        self.remember(m)
        return m

    def _pipeline(self, m, valid, ready, values, last):
        stages = self.fn.stages()
        advance = [Signal(name=f"advance_{n}") for n in range(len(stages))]
        m.d.comb += ready.eq(advance[0])
        for n, stage in enumerate(stages):
            final = n == len(stages) - 1
            here = self.o.valid if final else Signal(name=f"valid_{n}")
            m.d.comb += advance[n].eq(~here | (self.o.ready if final else advance[n + 1]))
            results = stage(*values)
            if final:
                registers = [self.o.payload.data]
                kept = self.o.payload.last
                self._flag(m, valid & advance[n], results)
            else:
                registers = [_register(value, f"stage_{n}_{k}") for k, value in enumerate(results)]
                kept = Signal(self.rank, name=f"last_{n}")
            with m.If(advance[n]):
                m.d.sync += here.eq(valid)
                m.d.sync += kept.eq(last)
                m.d.sync += [
                    Value.cast(register).eq(Value.cast(value))
                    for register, value in zip(registers, results, strict=False)
                ]
            valid, values, last = here, registers, kept

    def _loop(self, m, valid, ready, values, last):
        loaded = self.fn.load(*values)
        state = [_register(value, f"state_{k}") for k, value in enumerate(loaded)]
        kept = Signal(self.rank)
        count = Signal(range(self.fn.steps + 1))  # steps left
        busy = Signal()
        finished = Signal()
        free = ~self.o.valid | self.o.ready

        m.d.comb += finished.eq(busy & (count == 0) & free)
        m.d.comb += ready.eq(~busy | finished)
        results = self.fn.finish(*state)
        self._flag(m, finished, results)

        with m.If(free):
            m.d.sync += self.o.valid.eq(finished)
            m.d.sync += Value.cast(self.o.payload.data).eq(Value.cast(results[0]))
            m.d.sync += self.o.payload.last.eq(kept)
        with m.If(valid & ready):
            m.d.sync += [
                Value.cast(s).eq(Value.cast(v)) for s, v in zip(state, loaded, strict=True)
            ]
            m.d.sync += [kept.eq(last), count.eq(self.fn.steps), busy.eq(1)]
        with m.Elif(finished):
            m.d.sync += busy.eq(0)
        with m.Elif(count != 0):
            stepped = self.fn.step(*state)
            m.d.sync += [
                Value.cast(s).eq(Value.cast(v)) for s, v in zip(state, stepped, strict=True)
            ]
            m.d.sync += count.eq(count - 1)

    def _flag(self, m, fire, results):
        if self.fn.saturates:
            m.d.comb += self.events["saturated"].eq(fire & results[1])


def _register(value, name):
    return Signal(value.shape(), name=name)


def _stage_bits(fn):
    """Bits of the data registered after each stage."""
    values = [Signal(shape) for shape in fn.inputs]
    widths = []
    for stage in fn.stages()[:-1]:
        values = [_register(value, "stage") for value in stage(*values)]
        widths.append(sum(len(Value.cast(value)) for value in values))
    return [*widths, width(fn.shape)]
