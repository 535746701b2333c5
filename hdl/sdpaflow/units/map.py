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
    has its own valid bit and advances when any stage behind it is free or the output is taken, so
    bubbles close up. An iterative operator has one set of registers for all its steps, and one
    before it that keeps the next operands. Registers of data are not reset, their valid bits are: a
    DSP block can be one of them.

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
        kept = self._memory()
        self.words, self.bits = len(kept), sum(kept)
        flags = ["saturated"] if fn.saturates else []
        flags += ["misframed"] if rank and len(shapes) > 1 else []
        ports = {name: In(tokens(s, rank)) for name, s in zip(self.names, shapes, strict=True)}
        super().__init__({**ports, "o": Out(tokens(fn.shape, rank))}, flags=flags)

    @property
    def _looped(self):
        return isinstance(self.fn, Iterative) and not self.fn.unrolled

    def _memory(self):
        """Bits of the data in each set of registers."""
        values, kept = [Signal(shape) for shape in self.fn.inputs], []
        for stage in self.fn.stages()[:-1]:
            values = _registers(stage(*values), "stage")
            kept.append(sum(len(Value.cast(value)) for value in values))
        if self._looped:  # the next operands and the state
            kept = [kept[0], *kept[self.fn.steps :]]
        return [*kept, width(self.fn.shape)]

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
            self._pipeline(m, self.fn.stages(), (valid, arguments, last), ready)
        self.remember(m)
        return m

    def _pipeline(self, m, stages, token, ready):
        """Stages up to the output; ``token`` is a valid bit, values and ``last``."""
        valid, values, last = token
        here = [Signal(name=f"valid_{n}") for n in range(len(stages) - 1)] + [self.o.valid]
        for n, stage in enumerate(stages):
            advance = Signal(name=f"advance_{n}")
            m.d.comb += advance.eq(~Cat(here[n:]).all() | self.o.ready)
            if n == 0:
                m.d.comb += ready.eq(advance)
            results = stage(*values)
            if n == len(stages) - 1:
                registers = [Signal(self.fn.shape, name="result", reset_less=True)]
                m.d.comb += self.o.payload.data.eq(registers[0])
                kept = Signal(self.rank, name="result_last")
                m.d.comb += self.o.payload.last.eq(kept)
                if self.fn.saturates:
                    m.d.comb += self.events["saturated"].eq(valid & advance & results[1])
            else:
                registers = _registers(results, f"stage_{n}")
                kept = Signal(self.rank, name=f"last_{n}")
            with m.If(advance):
                m.d.sync += here[n].eq(valid)
                m.d.sync += kept.eq(last)
                m.d.sync += _load(registers, results)
            valid, values, last = here[n], registers, kept

    def _loop(self, m, valid, ready, values, last):
        """All steps of an iterative operator. What is enabled widely is enabled by registers."""
        opened = self.fn.opening(*values)
        following, state = _registers(opened, "next"), _registers(opened, "state")
        last_following, last_state = Signal(self.rank), Signal(self.rank)
        waiting = Signal()  # operands in `following`
        loading = Signal()  # to be the state from the next cycle on
        moving = Signal()  # the state, being loaded or stepped
        busy = Signal()
        count = Signal(range(self.fn.steps + 1))  # steps left
        done = Signal()
        closing, taken = Signal(), Signal()
        self._pipeline(m, self.fn.closing(), (closing, state, last_state), taken)

        ending = done | (count == 1)
        load = waiting & ~loading & (~busy | (ending & taken))
        m.d.comb += ready.eq(~waiting)
        m.d.comb += closing.eq(done & taken)

        with m.If(valid & ~waiting):
            m.d.sync += [waiting.eq(1), last_following.eq(last)]
            m.d.sync += _load(following, opened)
        m.d.sync += loading.eq(load)
        m.d.sync += moving.eq(load | loading | (count > 1))
        m.d.sync += done.eq((count == 1) | (done & ~taken))
        with m.If(loading):
            m.d.sync += [waiting.eq(0), busy.eq(1)]
            m.d.sync += [last_state.eq(last_following), count.eq(self.fn.steps)]
        with m.Elif(count != 0):
            m.d.sync += count.eq(count - 1)
        with m.Elif(closing):
            m.d.sync += busy.eq(0)
        with m.If(moving):
            m.d.sync += _load(state, self.fn.turn(loading, following, state))


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
