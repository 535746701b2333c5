"""A function of tokens."""

from collections.abc import Iterable, Sequence
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib.wiring import In, Out

from sdpaflow.numerics.operator import Operator, Serial
from sdpaflow.numerics.raw import width
from sdpaflow.units.checks import check_operator
from sdpaflow.units.streams import Stream, agree
from sdpaflow.units.unit import Pair, TokenStream, Unit, tokens

__all__ = ["Map"]

GROUPS = 8
"""Most groups of stages that advance by themselves: each looks at all behind it in one cycle."""


class Map(Unit):
    """Apply an operator to every token; several inputs are joined token by token.

    One token per ``fn.interval`` cycles; the result follows after ``fn.latency`` cycles. Each stage
    has its own valid bit and advances when any stage behind it is free or the output is taken, so
    bubbles close up; where there are more than 8 stages, groups of them do. Whether one is free is
    known from a register, so that a stall is but one gate away from what it stops. Registers of
    data are not reset, their valid bits are: a DSP block can be one of them.

    For a :class:`Serial` operator there is one pipeline for all lanes of a vector, between a shift
    register that feeds them one by one and one that collects the results. Its stages advance all
    together, unless a result is on offer that the next lane would spoil.

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

    o: TokenStream

    def __init__(self, fn: Operator, rank: int = 0, *, paired: bool = False):
        check_operator(fn, "Map")
        shapes = [Pair(*fn.inputs)] if paired else list(fn.inputs)
        self.fn = fn
        self.rank = rank
        self.paired = paired
        self.names = ["i"] if len(shapes) == 1 else [f"i{n}" for n in range(len(shapes))]
        self.latency, self.takes = fn.latency, fn.takes
        self.words, self.bits = self._memory()
        flags = ["saturated"] if fn.saturates else []
        flags += ["misframed"] if rank and len(shapes) > 1 else []
        ports = {name: In(tokens(s, rank)) for name, s in zip(self.names, shapes, strict=True)}
        super().__init__({**ports, "o": Out(tokens(fn.shape, rank))}, flags=flags)

    def _memory(self) -> tuple[int, int]:
        """Tokens that the registers hold, and bits of their data."""
        each = self.fn.fn if isinstance(self.fn, Serial) else self.fn
        stages, bits = each.stages(), width(self.fn.shape)
        values = [Signal(shape) for shape in each.inputs]
        for stage in stages[:-1]:
            values = _registers(stage(*values), "stage")
            bits += sum(len(Value.cast(value)) for value in values)
        if not isinstance(self.fn, Serial):
            return len(stages), bits
        # One is fed, one is on offer; of others all lanes are between, and a bubble with them.
        bits += sum(map(width, self.fn.inputs))
        return 2 + (len(stages) - 1) // (self.fn.lanes + 1), bits

    def model(self, **streams: Stream) -> tuple[Stream, dict[str, int]]:
        first, *others = self.names
        last = streams[first].last
        for other in others:
            agree((first, other), last, streams[other].last)
        arguments = [streams[name].data for name in self.names]
        if self.paired:
            arguments = [arguments[0]["over"], arguments[0]["i"]]
        results, clamped = self.fn.evaluate(*arguments)
        counts = {} if clamped is None else {"saturated": int(clamped.sum())}
        return Stream(results, last), counts

    def elaborate(self, platform: object) -> Module:
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
        if isinstance(self.fn, Serial):
            self._serial(m, self.fn, valid, arguments, last, ready)
        else:
            self._elastic(m, valid, arguments, last, ready)
        self.remember(m)
        return m

    def _elastic(
        self, m: Module, valid: Value, values: Sequence[Any], last: Value, ready: Signal
    ) -> None:
        """Stages that close up, up to the output."""
        stages = self.fn.stages()
        count = len(stages) - 1
        group = -(-len(stages) // GROUPS)
        ends = [n for n in range(count + 1) if (count - n) % group == 0]
        here = [Signal(name=f"valid_{n}") for n in range(count)] + [self.o.valid]
        # By the last stage of a group: there is no bubble in it, nor in the last of any behind.
        full = {n: Signal(name=f"full_{n}") for n in ends[:-1]} | {count: self.o.valid}
        advances = {n: Signal(name=f"advance_{n}") for n in ends}
        before = {}  # valid bits of what those stages would take
        m.d.comb += [advances[n].eq(~full[n] | self.o.ready) for n in ends]
        # The first has many loads; a second register tells the other unit, which may be far away.
        room = Signal(init=1, name="room") if len(ends) > 1 else ~full[count]
        m.d.comb += ready.eq(room | self.o.ready)
        for n, stage in enumerate(stages):
            end = next(end for end in ends if end >= n)
            advance = advances[end]
            before[n] = valid
            m.d.sync += here[n].eq(Mux(advance, valid, here[n]))
            results = stage(*values)
            if n < count:
                values, last = _kept(m, n, advance, results, last)
                valid = here[n]
        for end in ends[:-1]:
            moving = [before[n] for n in ends if n >= end]
            held = [before[n] | full[n] for n in ends if n >= end]
            follows = Mux(self.o.ready, Cat(moving).all(), Cat(held).all())
            m.d.sync += full[end].eq(follows)
            if end == ends[0]:
                m.d.sync += room.eq(~follows)

        result = Signal(self.fn.shape, reset_less=True)
        kept = Signal(self.rank, name="result_last")
        with m.If(advance):
            m.d.sync += [*_load([result], results), kept.eq(last)]
        if self.fn.saturates:
            m.d.comb += self.events["saturated"].eq(valid & advance & results[1])
        m.d.comb += [self.o.payload.data.eq(result), self.o.payload.last.eq(kept)]

    def _serial(
        self,
        m: Module,
        fn: Serial,
        valid: Value,
        arguments: Sequence[Any],
        last: Value,
        ready: Signal,
    ) -> None:
        """Stages that take the lanes of a vector, the first argument, one by one.

        They wait while a result is on offer and the next one's first lane is behind it. Between two
        vectors there is a bubble, so that a result which is taken at once is in nobody's way.
        """
        vector, *others = arguments
        lanes, wide = fn.lanes, width(fn.fn.inputs[0])
        feed = Signal(vector.shape(), reset_less=True)
        operands = _registers(others, "operand")
        outer = Signal(self.rank, name="feed_last")
        left = Signal(lanes)  # a bit for each lane that is still to be fed
        stuck = Signal()
        room = Signal(init=1)  # not stuck; that has many loads, this is for the other unit
        some = Signal()  # of the lanes before were clamped
        result = Signal(fn.shape, reset_less=True)
        kept = Signal(self.rank, name="result_last")

        m.d.comb += ready.eq(~left[0] & room)
        fed, given = Value.cast(feed), Value.cast(vector)
        with m.If(~stuck):
            m.d.sync += left.eq(Mux(left[0], left >> 1, valid.replicate(lanes)))
            m.d.sync += fed.eq(Mux(left[0], Cat(fed[wide:], given[-wide:]), given))
            with m.If(~left[0]):
                m.d.sync += [outer.eq(last), *_load(operands, others)]

        here, ends = left[0], Cat(~left[1], Mux(left[1], 0, outer))
        values = [fn.fn.inputs[0](fed[:wide]), *operands]
        *stages, final = fn.fn.stages()
        follows = Mux(stuck, here, Mux(here, left[1], valid))  # valid bit of the last stage, next
        for n, stage in enumerate(stages):
            there = Signal(name=f"valid_{n}")
            values, ends = _kept(m, n, ~stuck, stage(*values), ends)
            follows = Mux(stuck, there, here)
            m.d.sync += there.eq(follows)
            here = there
        results = final(*values)
        fire = here & ~stuck
        complete = fire & ends[0]
        offered = complete | (self.o.valid & ~self.o.ready)
        will_stick = offered & follows
        m.d.sync += [self.o.valid.eq(offered), stuck.eq(will_stick), room.eq(~will_stick)]
        with m.If(fire):
            lane = Value.cast(results[0])
            m.d.sync += Value.cast(result).eq(Cat(Value.cast(result)[len(lane) :], lane))
            m.d.sync += kept.eq(ends[1:])
        if fn.saturates:
            with m.If(fire):
                m.d.sync += some.eq((results[1] | some) & ~ends[0])
            m.d.comb += self.events["saturated"].eq(complete & (results[1] | some))
        m.d.comb += [self.o.payload.data.eq(result), self.o.payload.last.eq(kept)]


def _kept(
    m: Module, n: int, advance: Value, values: Sequence[Any], last: Value
) -> tuple[list[Signal], Signal]:
    """Registers of stage ``n``: of its values and of ``last``."""
    kept = _registers(values, f"stage_{n}")
    follows = Signal(len(last), name=f"last_{n}")
    with m.If(advance):
        m.d.sync += [follows.eq(last), *_load(kept, values)]
    return kept, follows


def _registers(values: Iterable[Any], name: str) -> list[Signal]:
    """Registers as wide as some values. They are not reset."""
    return [
        Signal(value.shape(), name=f"{name}_{k}", reset_less=True) for k, value in enumerate(values)
    ]


def _load(registers: Iterable[Any], values: Iterable[Any]) -> list[Any]:
    return [
        Value.cast(register).eq(Value.cast(value))
        for register, value in zip(registers, values, strict=False)
    ]
